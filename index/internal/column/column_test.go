package column

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQuantise(t *testing.T) {
	code := make([]int8, 4)
	scale, residual := Quantise(code, []float32{0.5, -0.25, 0, 0.1})
	if want := float32(0.5) / 127; scale != want {
		t.Errorf("scale %v, want %v", scale, want)
	}
	if diff := cmp.Diff([]int8{127, -64, 0, 25}, code); diff != "" {
		t.Errorf("code (-want +got):\n%s", diff)
	}
	// -0.25 lies half a step from -64, 0.1 lies 0.4 of a step from 25.
	if want := float64(scale) * math.Hypot(0.5, 0.4); math.Abs(float64(residual)-want) > 1e-6 {
		t.Errorf("residual %v, want %v", residual, want)
	}
	for _, tiny := range []float32{0, math.SmallestNonzeroFloat32} {
		if scale, residual := Quantise(code, []float32{tiny, 0, 0, 0}); scale != 0 || residual < tiny || code[0] != 0 {
			t.Errorf("Quantise of %v: scale %v, residual %v, code %v", tiny, scale, residual, code)
		}
	}
}

func TestBits(t *testing.T) {
	var none Bits
	if none.Has(0) || none.Has(1000) || none.Count() != 0 {
		t.Error("the zero value is not empty")
	}
	b := none.Clone(65)
	b.Set(0)
	b.Set(64)
	c := b.Clone(65)
	c.Set(1)
	if got := fmt.Sprint(b.Has(0), b.Has(1), b.Has(64), b.Count(), c.Count()); got != "true false true 2 3" {
		t.Errorf("got %s", got)
	}
}
