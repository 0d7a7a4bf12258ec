package prior_test

import (
	"errors"
	"fmt"
	"log"
	"math"
	"strings"
	"testing"

	"engram/embed"
	"engram/recon/prior"
)

func TestRecallWeighsByLikelihood(t *testing.T) {
	tokens := func(values ...float32) embed.Tokens { return embed.Tokens{T: 1, D: 2, Data: values} }
	images := []embed.Tokens{tokens(1, 0), tokens(0, 1), tokens(9, 9)}
	r := prior.Recall{Sharpness: .5, Share: .25}
	// e^(.5·2·ln 3) = 3 times as likely, and one that is out of the question.
	got, err := r.Draw(tokens(4, 8), images, []float64{-7 + 2*math.Log(3), -7, -1e6})
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range []float64{.75*4 + .25*.75, .75*8 + .25*.25} {
		if math.Abs(float64(got.Data[k])-want) > 1e-6 {
			t.Errorf("element %d is %v, want %v", k, got.Data[k], want)
		}
	}
	for want, run := range map[string]func() (embed.Tokens, error){
		"3 images and 1 likelihoods": func() (embed.Tokens, error) { return r.Draw(images[0], images, []float64{1}) },
		"found 0 images":             func() (embed.Tokens, error) { return r.Draw(images[0], nil, nil) },
		"of image 1 is NaN": func() (embed.Tokens, error) {
			return r.Draw(images[0], images, []float64{1, math.NaN(), 0})
		},
		"image 0 are 1×2, wanted 2×1": func() (embed.Tokens, error) {
			return r.Draw(embed.Tokens{T: 2, D: 1, Data: []float32{1, 2}}, images, []float64{1, 1, 1})
		},
	} {
		_, err := run()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if strings.Contains(want, "NaN") && !errors.Is(err, embed.ErrNotFinite) {
			t.Errorf("error %v is not ErrNotFinite", err)
		}
	}
}

// Of two images one is far likelier, and the prediction goes half the way to it.
func ExampleRecall() {
	images := []embed.Tokens{{T: 1, D: 1, Data: []float32{1}}, {T: 1, D: 1, Data: []float32{-1}}}
	drawn, err := prior.DefaultRecall().Draw(embed.Tokens{T: 1, D: 1, Data: []float32{.5}}, images, []float64{0, -200})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(drawn.Data)
	// Output: [0.75]
}
