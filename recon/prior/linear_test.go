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

	"gonum.org/v1/gonum/blas/blas32"
)

// matrix returns a matrix of rows.
func matrix(cols int, values ...float32) blas32.General {
	return blas32.General{Rows: len(values) / cols, Cols: cols, Stride: cols, Data: values}
}

// pairs returns scores of images and what a decoder predicts of them: half of the scores,
// turned a little, a constant, and noise.
func pairs(n int, noise float64, seed uint64) (predicted, seen blas32.General) {
	const rank = 6
	rng := rand.New(rand.NewPCG(seed, 1))
	var p, s []float32
	for range n {
		z := make([]float32, rank)
		for k := range z {
			z[k] = float32(rng.NormFloat64())
		}
		for k := range z {
			p = append(p, .5*z[k]+.2*z[(k+1)%rank]+float32(k)+float32(noise*rng.NormFloat64()))
		}
		s = append(s, z...)
	}
	return matrix(rank, p...), matrix(rank, s...)
}

func missing(a, b blas32.General) (mean float64) {
	for i, x := range a.Data {
		d := float64(x - b.Data[i])
		mean += d * d / float64(len(a.Data))
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

// The penalty is chosen by the error of pairs that are left out. Leaving one out and
// fitting again must give the error that the closed form gives: for predictions that are all
// the same, what is left out is predicted by the mean of the others.
func TestPredictionsThatSayNothingLeaveTheMean(t *testing.T) {
	same := matrix(2, 1, 2, 1, 2, 1, 2)
	l, err := prior.FitLinear(t.Context(), same, matrix(2, 0, 3, 3, 0, 3, 3))
	if err != nil {
		t.Fatal(err)
	}
	aligned, err := l.Align(matrix(2, 1, 2))
	if err != nil || math.Abs(float64(aligned.Data[0])-2) > 1e-6 || math.Abs(float64(aligned.Data[1])-2) > 1e-6 {
		t.Errorf("aligned to %v (%v), want the mean (2, 2)", aligned.Data, err)
	}
}

func TestPairsThatDoNotFit(t *testing.T) {
	predicted, seen := pairs(4, 1, 1)
	for want, run := range map[string]func() error{
		"wanted 3 pairs of scores or more, found predictions of 1×12": func() error {
			_, err := prior.FitLinear(t.Context(), matrix(12, predicted.Data[:12]...), matrix(12, seen.Data[:12]...))
			return err
		},
		"images of 3×6": func() error {
			_, err := prior.FitLinear(t.Context(), predicted, matrix(6, seen.Data[:18]...))
			return err
		},
		"element 4 of pair 3 of the predictions is NaN": func() error {
			broken := matrix(6, append([]float32(nil), predicted.Data...)...)
			broken.Data[3*6+4] = float32(math.NaN())
			_, err := prior.FitLinear(t.Context(), broken, seen)
			return err
		},
		"predictions have 3 scores, the alignment wants 6": func() error {
			l, err := prior.FitLinear(t.Context(), predicted, seen)
			if err != nil {
				return err
			}
			_, err = l.Align(matrix(3, 1, 2, 3))
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

// A decoder that predicts half of every score is set right.
func Example() {
	var predicted, seen []float32
	for _, x := range []float32{-3, -2, -1, 1, 2, 3} {
		seen, predicted = append(seen, x), append(predicted, x/2)
	}
	l, err := prior.FitLinear(context.Background(), matrix(1, predicted...), matrix(1, seen...))
	if err != nil {
		log.Fatal(err)
	}
	aligned, err := l.Align(matrix(1, 1))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.1f\n", aligned.Data[0])
	// Output: 2.0
}
