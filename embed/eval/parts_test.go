package eval

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// parted is a comparison of five images in parts of two and three, with similarities
// between parts that would change every figure if they were read.
func parted() Comparison {
	const between = 1e9
	return Comparison{
		Seen:  []int{4, 0, 1, 2, 3}, // image 4 and image 1 are one part
		Parts: []int{7, 2, 7, 2, 2},
		Similarity: mat.NewDense(5, 5, []float64{
			// predictions of images 4, 0, 1, 2, 3
			between, 3, between, 9, 1, // image 0
			5, between, 6, between, between, // image 1
			between, 2, between, 4, 2, // image 2
			between, 1, between, 2, 3, // image 3
			4, between, 1, between, between, // image 4
		}),
	}
}

// TestPartsAreComparedAlone reads ranks, chance and candidates off a matrix by eye.
func TestPartsAreComparedAlone(t *testing.T) {
	c := parted()
	o, err := c.Outcomes()
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{2, 1, 1, 2, 1}; !slices.Equal(o.Image, want) {
		t.Errorf("ranks of images are %v, want %v", o.Image, want)
	}
	if want := []int{2, 3, 2, 3, 3}; !slices.Equal(o.Candidates, want) {
		t.Errorf("candidates are %v, want %v", o.Candidates, want)
	}
	if s := o.Score(1); math.Abs(s.Chance-(2*.5+3/3.)/5) > 1e-12 || s.Candidates != 3 || s.ImageTop1.Share != .6 {
		t.Errorf("chance %v of %d candidates, top 1 %v; want .4, 3 and .6", s.Chance, s.Candidates, s.ImageTop1.Share)
	}
	ranks, err := c.Ranks([]int{2}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if r := ranks[0]; r[0] != 2 || r[1] != 1 || r[2] != 1 || r[4] != 1 { // prediction 3 has two images to draw from
		t.Errorf("ranks among two images are %v", r)
	}
	for j, want := range [][]int{{1, 4}, {0, 2, 3}, {1, 4}} {
		if got := slices.Sorted(slices.Values(c.Candidates(j))); !slices.Equal(got, want) {
			t.Errorf("candidates of prediction %d are images %v, want %v", j, got, want)
		}
	}
}

// TestPooledWeighsByPredictions pools a part of three predictions with a part of one.
func TestPooledWeighsByPredictions(t *testing.T) {
	all := Pooled([]Identification{
		{Predictions: 3, TwoWay: 1, ImageTop1: .8, ImageTop5: 1, BrainTop1: .4, Chance: .1},
		{Predictions: 1, TwoWay: .6, ImageTop1: 0, ImageTop5: .2, BrainTop1: 0, Chance: .5},
	})
	got := []float64{all.TwoWay, all.ImageTop1, all.ImageTop5, all.BrainTop1, all.Chance}
	for i, want := range []float64{.9, .6, .8, .3, .2} {
		if math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("figure %d is %v, want %v", i, got[i], want)
		}
	}
	if all.Predictions != 4 {
		t.Errorf("%d predictions, want 4", all.Predictions)
	}
}
