package eval

import (
	"errors"
	"math"
	"testing"

	"engram/embed"

	"gonum.org/v1/gonum/mat"
)

// Repeats of an image do not stand in each other's way, and with one prediction for
// each image the figures are Identify's.
func TestSeveralPredictionsOfAnImage(t *testing.T) {
	sim := mat.NewDense(3, 3, []float64{.9, .2, .1, .3, .4, .5, .2, .3, .6})
	want, err := Identify(sim)
	if err != nil {
		t.Fatal(err)
	}
	got, err := IdentifyTrials(sim, []int{0, 1, 2})
	if err != nil || got != want {
		t.Errorf("%+v, %v; Identify says %+v", got, err, want)
	}
	// Image 0 was seen three times, image 1 once; the last trial of image 0 is wrong.
	trials := mat.NewDense(2, 4, []float64{.9, .9, .1, .2, .1, .2, .3, .8})
	got, err = IdentifyTrials(trials, []int{0, 0, 0, 1})
	want = Identification{Predictions: 4, TwoWay: .75, ImageTop1: .75, ImageTop5: 1, BrainTop1: 1, Chance: .5}
	if err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if _, err := IdentifyTrials(trials, []int{0, 1}); err == nil {
		t.Error("four predictions of two images are accepted")
	}
	if _, err := IdentifyTrials(mat.NewDense(2, 1, []float64{1, math.NaN()}), []int{0}); !errors.Is(err, embed.ErrNotFinite) {
		t.Errorf("error is %v, want ErrNotFinite", err)
	}
}
