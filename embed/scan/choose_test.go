package scan

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"
)

// noisy returns numbers about a mean.
func noisy(rng *rand.Rand, n int, mean float64) (out []float64) {
	for range n {
		out = append(out, mean+rng.NormFloat64())
	}
	return out
}

// TestTheFirstShapeStaysUnlessAnotherIsClearlyBetter has shapes that surprise less by
// luck, and one that does so in every image.
func TestTheFirstShapeStaysUnlessAnotherIsClearlyBetter(t *testing.T) {
	rng := rand.New(rand.NewPCG(51, 52))
	first := noisy(rng, 60, 2)
	lucky, better := noisy(rng, 60, 1.9), slices.Clone(first)
	luck := stat.Mean(lucky, nil) - stat.Mean(first, nil) + .1
	for i := range lucky { // better by .1, less than one standard error
		lucky[i] -= luck
	}
	for i := range better {
		better[i] -= .05 + .01*rng.Float64()
	}
	if got := best(shapeRanks{surprises: [][]float64{first, lucky}}); got != 0 {
		t.Errorf("shape %d is taken for luck", got)
	}
	of := shapeRanks{surprises: [][]float64{first, lucky, better}}
	part := func(from, to int) (some shapeRanks) {
		for _, surprises := range of.surprises {
			some.surprises = append(some.surprises, surprises[from:to])
		}
		return some
	}
	if got := best(part(0, 25), part(25, 60)); got != 2 {
		t.Errorf("of two parts shape %d is taken, want the one that is better in every image", got)
	}
}

// TestAShapeIsJudgedByImagesThatDidNotChooseIt has a shape that is right for the even
// images alone. They choose it for the odd ones, whose own choice is the first one.
func TestAShapeIsJudgedByImagesThatDidNotChooseIt(t *testing.T) {
	one := shapeRanks{ranks: make([][]float64, 2), surprises: make([][]float64, 2)}
	var want []float64
	for image := range 20 {
		one.ranks[0], one.ranks[1] = append(one.ranks[0], 0), append(one.ranks[1], 1)
		one.surprises[0], one.surprises[1] = append(one.surprises[0], 5), append(one.surprises[1], float64(1+8*(image%2)))
		want = append(want, float64(image%2))
	}
	if got := crossRanks([]shapeRanks{one}); len(got) != 1 || !slices.Equal(got[0], want) {
		t.Errorf("halves: ranks %v, want %v", got, want)
	}
	other := shapeRanks{ranks: [][]float64{{2, 2}, {3, 3}}, surprises: [][]float64{{1, 1}, {9, 9}}}
	got := crossRanks([]shapeRanks{one, other})
	if !slices.Equal(got[0], one.ranks[0]) || !slices.Equal(got[1], other.ranks[0]) {
		t.Errorf("parts: ranks %v", got)
	}
}

// TestANetworkMustBeClearlyBetter judges a network by the first images alone.
func TestANetworkMustBeClearlyBetter(t *testing.T) {
	rng := rand.New(rand.NewPCG(53, 54))
	chosen := candidate{preset: PresetGaussian, ranks: noisy(rng, 80, 1)}
	for i := range 40 { // which no network was judged by
		chosen.ranks[40+i] += 100
	}
	lucky, better := candidate{preset: PresetCompact}, candidate{preset: PresetCompact}
	for _, x := range chosen.ranks[:40] {
		lucky.ranks = append(lucky.ranks, x-.05+rng.NormFloat64())
		better.ranks = append(better.ranks, x-.4+.2*rng.NormFloat64())
	}
	if got := orNetwork(chosen, lucky); got.preset != PresetGaussian {
		t.Error("a network is taken that is no better")
	}
	if got := orNetwork(chosen, better); got.preset != PresetCompact {
		t.Error("a network is not taken that is better in most images")
	}
}
