package scan

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// The draws are compared with the distribution that they are documented to
// have; 20,000 samples make the Kolmogorov-Smirnov bound 0.0163 at p = 0.01 for
// the 10,000 that are mixed, and the seed is fixed.
func TestMixDrawsWhatItSays(t *testing.T) {
	mix := DrawMix(rand.New(rand.NewPCG(1, 2)), 20000)
	seen := make([]bool, len(mix.Perm))
	for _, p := range mix.Perm {
		if seen[p] {
			t.Fatalf("%d twice in the permutation", p)
		}
		seen[p] = true
	}
	var mixed []float64
	for _, l := range mix.Lambda {
		if !(l >= 0 && l <= 1) {
			t.Fatalf("λ = %v", l)
		}
		// Beta(0.15, 0.15) itself rounds to 1 in float32 now and then.
		if l != 1 {
			mixed = append(mixed, float64(l))
		}
	}
	beta := distuv.Beta{Alpha: 0.15, Beta: 0.15}
	atOne := 1 - beta.CDF(1-math.Pow(2, -25)) // what rounds to 1
	if share := float64(len(mixed)) / 20000; math.Abs(share-0.5*(1-atOne)) > 0.01 {
		t.Errorf("%.3f of the samples are mixed, want %.3f", share, 0.5*(1-atOne))
	}
	slices.Sort(mixed)
	var distance float64
	for i, l := range mixed {
		cdf := beta.CDF(l) / (1 - atOne)
		distance = max(distance, math.Abs(cdf-float64(i)/float64(len(mixed))), math.Abs(cdf-float64(i+1)/float64(len(mixed))))
	}
	if distance > 0.0163 {
		t.Errorf("distance %v from Beta(0.15, 0.15)", distance)
	}
	again := DrawMix(rand.New(rand.NewPCG(1, 2)), 20000)
	if !slices.Equal(mix.Lambda, again.Lambda) || !slices.Equal(mix.Perm, again.Perm) {
		t.Error("the same seed draws differently")
	}
}
