package index_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"engram/data/space"
	"engram/index"
)

func TestUnit(t *testing.T) {
	for _, scale := range []float32{1, 1e-37, 1e37} {
		given := []float32{3 * scale, 0, -4 * scale}
		got, err := index.Unit(given, 3)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []float64{0.6, 0, -0.8} {
			if math.Abs(float64(got[i])-want) > 1e-7 {
				t.Errorf("scale %v: element %d is %v, want %v", scale, i, got[i], want)
			}
		}
		if given[0] != 3*scale {
			t.Errorf("scale %v: the caller's vector changed", scale)
		}
	}
	// The smallest vector that there is has a direction.
	tiny := []float32{0, math.SmallestNonzeroFloat32}
	if got, err := index.Unit(tiny, 2); err != nil || got[1] != 1 {
		t.Errorf("%v becomes %v, error %v", tiny, got, err)
	}
	for _, bad := range []struct {
		v    []float32
		want error
	}{
		{nil, index.ErrDimension},
		{[]float32{1}, index.ErrDimension},
		{[]float32{0, 0}, index.ErrVector},
		{[]float32{1, float32(math.NaN())}, index.ErrVector},
		{[]float32{float32(math.Inf(-1)), 1}, index.ErrVector},
	} {
		if _, err := index.Unit(bad.v, 2); !errors.Is(err, bad.want) {
			t.Errorf("%v: error %v, want %v", bad.v, err, bad.want)
		}
	}
}

func TestUnitOfAUnitVector(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		v := make([]float32, 1+rng.IntN(40))
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		once, err := index.Unit(v, len(v))
		if err != nil {
			t.Fatal(err)
		}
		twice, err := index.Unit(once, len(v))
		if err != nil || !slices.Equal(once, twice) {
			t.Fatalf("%v becomes %v, error %v", once, twice, err)
		}
	}
}

func TestCheckSpace(t *testing.T) {
	for _, c := range []struct {
		recorded, asking string
		want             error
	}{
		{"", "", index.ErrModel}, {"", "a", index.ErrModel}, {"a", "a", nil}, {"a", "b", index.ErrModel}, {"a", "", index.ErrModel},
	} {
		err := index.Info{Space: space.Space{Name: "clip 1", Fingerprint: c.recorded}}.CheckSpace(space.Space{Name: "clip 2", Fingerprint: c.asking})
		if !errors.Is(err, c.want) {
			t.Errorf("index of %q, query of %q: error %v, want %v", c.recorded, c.asking, err, c.want)
		}
	}
}
