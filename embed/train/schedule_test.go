package train

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"engram/embed/embedtest"
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
