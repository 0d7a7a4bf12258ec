package scan

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"engram/embed/embedtest"

	"gonum.org/v1/gonum/stat/distuv"
)

func TestOneCycleEqualsPyTorch(t *testing.T) {
	g := embedtest.Read(t, "one_cycle")
	steps := int(g.Number("total_steps"))
	for row, pct := range g.Numbers("pct_start") {
		t.Run(fmt.Sprint(pct), func(t *testing.T) {
			c := NewOneCycle(g.Number("max_lr"), steps, pct)
			lr, beta1 := make([]float64, steps), make([]float64, steps)
			for s := range steps {
				lr[s], beta1[s] = c.At(s)
				lr[s] /= c.MaxLR // so that the tolerance is relative
			}
			want := slices.Clone(g.Outputs["lr"].Data[row*steps : (row+1)*steps])
			for s := range want {
				want[s] /= c.MaxLR
			}
			embedtest.Near(t, "lr", lr, want, 1e-8)
			embedtest.Near(t, "beta1", beta1, g.Outputs["beta1"].Data[row*steps:(row+1)*steps], 1e-8)
		})
	}
}

func TestOneCycleAtItsEdges(t *testing.T) {
	for _, c := range []struct {
		name  string
		cycle OneCycle
		step  int
		lr    float64
	}{
		{"one step is the top", NewOneCycle(1, 1, 1), 0, 1},
		{"a warm-up of exactly one step starts at the top", NewOneCycle(1, 10, 0.1), 0, 1},
		{"the last step", NewOneCycle(1, 10, 0.1), 9, 1.0 / 25000},
		{"a step past the last", NewOneCycle(1, 10, 0.1), 99, 1.0 / 25000},
		{"warm-up to the end", NewOneCycle(1, 10, 1), 9, 1},
		{"past a warm-up to the end", NewOneCycle(1, 10, 1), 12, 1},
		{"the first step", NewOneCycle(1, 10, 0.5), 0, 1.0 / 25},
	} {
		if lr, beta1 := c.cycle.At(c.step); math.Abs(lr-c.lr) > 1e-15 || !(beta1 >= 0.85 && beta1 <= 0.95) {
			t.Errorf("%s: lr %v, want %v; beta1 %v", c.name, lr, c.lr, beta1)
		}
	}
}

func TestSoftTemperatureEqualsPyTorch(t *testing.T) {
	g := embedtest.Read(t, "soft_temperature")
	for name, want := range g.Outputs {
		got := make([]float64, len(want.Data))
		for epoch := range got {
			got[epoch] = SoftTemperature(epoch, len(got))
		}
		embedtest.Near(t, name, got, want.Data, 1e-11)
	}
	if tau := SoftTemperature(0, 1); tau != 0.004 {
		t.Errorf("a single epoch uses %v", tau)
	}
}

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
