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
	images := matrix(2, 1, 0, 0, 1, 9, 9)
	r := prior.Recall{Sharpness: .5, Share: .25}
	// e^(.5·2·ln 3) = 3 times as likely, and one that is out of the question.
	got, err := r.Draw([]float32{4, 8}, images, prior.Likely{Images: []float32{-7 + 2*float32(math.Log(3)), -7, -1e6}})
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range []float64{.75*4 + .25*.75, .75*8 + .25*.25} {
		if math.Abs(float64(got[k])-want) > 1e-6 {
			t.Errorf("score %d is %v, want %v", k, got[k], want)
		}
	}
	for want, run := range map[string]func() ([]float32, error){
		"3×2 and 1 likelihoods": func() ([]float32, error) { return r.Draw([]float32{1, 2}, images, prior.Likely{Images: []float32{1}}) },
		"found images of 0×2":   func() ([]float32, error) { return r.Draw([]float32{1, 2}, matrix(2), prior.Likely{}) },
		"wanted 3 scores": func() ([]float32, error) {
			return r.Draw([]float32{1, 2, 3}, images, prior.Likely{Images: []float32{1, 1, 1}})
		},
		"1 of captions": func() ([]float32, error) {
			return r.Draw([]float32{1, 2}, images, prior.Likely{Images: []float32{1, 1, 1}, Captions: []float32{1}})
		},
		"the caption of image 2 is -Inf": func() ([]float32, error) {
			return r.Draw([]float32{1, 2}, images, prior.Likely{Images: []float32{1, 1, 1}, Captions: []float32{1, 1, float32(math.Inf(-1))}})
		},
		"of image 1 is NaN": func() ([]float32, error) {
			return r.Draw([]float32{1, 2}, images, prior.Likely{Images: []float32{1, float32(math.NaN()), 0}})
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

func TestCaptionsTellLikeImagesApart(t *testing.T) {
	r := prior.Recall{Sharpness: 1, CaptionSharpness: .5, Share: 1}
	got, err := r.Draw([]float32{9}, matrix(1, 1, -1), prior.Likely{Images: []float32{-3, -3}, Captions: []float32{2 * float32(math.Log(3)), 0}})
	if err != nil {
		t.Fatal(err)
	}
	if want := .5; math.Abs(float64(got[0])-want) > 1e-6 { // ¾·1 − ¼·1
		t.Errorf("the score is %v, want %v", got[0], want)
	}
}

// Of two images one is far likelier, and the prediction goes half the way to it.
func ExampleRecall() {
	drawn, err := prior.DefaultRecall().Draw([]float32{.5}, matrix(1, 1, -1), prior.Likely{Images: []float32{0, -200}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(drawn)
	// Output: [0.75]
}
