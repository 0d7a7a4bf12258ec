package prior_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"engram/embed"
	"engram/recon/prior"
)

// pairs returns tokens of images and what a decoder predicts of them: half of the tokens,
// turned a little, a constant, and noise.
func pairs(n int, noise float64, seed uint64) (predicted, seen []embed.Tokens) {
	rng := rand.New(rand.NewPCG(seed, 1))
	for range n {
		z, p := make([]float32, 6), make([]float32, 6)
		for k := range z {
			z[k] = float32(rng.NormFloat64())
		}
		for k := range p {
			p[k] = .5*z[k] + .2*z[(k+1)%6] + float32(k) + float32(noise*rng.NormFloat64())
		}
		predicted, seen = append(predicted, embed.Tokens{T: 2, D: 3, Data: p}), append(seen, embed.Tokens{T: 2, D: 3, Data: z})
	}
	return predicted, seen
}

func missing(a, b []embed.Tokens) (mean float64) {
	for i := range a {
		for k, x := range a[i].Data {
			d := float64(x - b[i].Data[k])
			mean += d * d / float64(len(a)*len(a[i].Data))
		}
	}
	return mean
}

func TestAlignmentUndoesALinearMap(t *testing.T) {
	predicted, seen := pairs(200, 0, 1)
	l, err := prior.FitLinear(t.Context(), predicted, seen)
	if err != nil {
		t.Fatal(err)
	}
	others, theirs := pairs(100, 0, 2)
	aligned, err := l.Align(others)
	if err != nil {
		t.Fatal(err)
	}
	if before, after := missing(others, theirs), missing(aligned, theirs); before < 1 || after > .002 {
		t.Errorf("the mean squared error is %v before and %v after the alignment, want about 0", before, after)
	}
}

// Where predictions are noise alone, what is best to say is the mean, and the penalty of
// a good fit would do harm.
func TestNoiseIsShrunk(t *testing.T) {
	predicted, seen := pairs(60, 3, 3)
	l, err := prior.FitLinear(t.Context(), predicted, seen)
	if err != nil {
		t.Fatal(err)
	}
	others, theirs := pairs(300, 3, 4)
	aligned, err := l.Align(others)
	if err != nil {
		t.Fatal(err)
	}
	if after := missing(aligned, theirs); after > 1.25 {
		t.Errorf("the mean squared error is %v, the mean alone has 1", after)
	}
}

func TestPairsThatDoNotFit(t *testing.T) {
	predicted, seen := pairs(4, 1, 1)
	broken := embed.Tokens{T: 2, D: 3, Data: make([]float32, 6)}
	broken.Data[4] = float32(math.NaN())
	for want, run := range map[string]func() error{
		"wanted 3 pairs or more, found 2": func() error {
			_, err := prior.FitLinear(t.Context(), predicted[:2], seen[:2])
			return err
		},
		"found 4 predictions and 3 images": func() error {
			_, err := prior.FitLinear(t.Context(), predicted, seen[:3])
			return err
		},
		"pair 3: element 4 is NaN": func() error {
			_, err := prior.FitLinear(t.Context(), append(predicted[:3:3], broken), seen)
			return err
		},
		"all predictions are the same": func() error {
			_, err := prior.FitLinear(t.Context(), []embed.Tokens{seen[0], seen[0], seen[0]}, seen[:3])
			return err
		},
		"prediction 0: tokens are 3×2": func() error {
			l, err := prior.FitLinear(t.Context(), predicted, seen)
			if err != nil {
				return err
			}
			_, err = l.Align([]embed.Tokens{{T: 3, D: 2, Data: make([]float32, 6)}})
			return err
		},
	} {
		err := run()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if strings.Contains(want, "NaN") && !errors.Is(err, embed.ErrNotFinite) {
			t.Errorf("error %v is not ErrNotFinite", err)
		}
	}
}

// A decoder that predicts half of every token is set right.
func Example() {
	predicted, seen := []embed.Tokens{}, []embed.Tokens{}
	for _, x := range []float32{-3, -2, -1, 1, 2, 3} {
		seen = append(seen, embed.Tokens{T: 1, D: 1, Data: []float32{x}})
		predicted = append(predicted, embed.Tokens{T: 1, D: 1, Data: []float32{x / 2}})
	}
	l, err := prior.FitLinear(context.Background(), predicted, seen)
	if err != nil {
		log.Fatal(err)
	}
	aligned, err := l.Align([]embed.Tokens{{T: 1, D: 1, Data: []float32{1}}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.1f\n", aligned[0].Data[0])
	// Output: 2.0
}
