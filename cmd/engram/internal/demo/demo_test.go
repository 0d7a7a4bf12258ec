package demo

import (
	"math"
	"testing"
)

// The intervals are those of Newcombe 1998, Stat Med 17:857, table I, method 3.
func TestIntervalsOfShares(t *testing.T) {
	for _, test := range []struct {
		hits, n   int
		low, high float64
	}{
		{81, 263, .2553, .3662}, {15, 148, .0624, .1605}, {0, 20, 0, .1611}, {1, 29, .0061, .1718}, {20, 20, .8389, 1},
	} {
		s := newShare(float64(test.hits)/float64(test.n), test.n)
		if math.Abs(s.Low-test.low) > 1e-4 || math.Abs(s.High-test.high) > 1e-4 {
			t.Errorf("%d of %d: %v, want %v to %v", test.hits, test.n, s, test.low, test.high)
		}
	}
}

// A stage's folder changes with everything that it is made from.
func TestFoldersOfStages(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range []stage{
		{name: "a", version: 1, inputs: []any{1, "x"}},
		{name: "a", version: 2, inputs: []any{1, "x"}},
		{name: "b", version: 1, inputs: []any{1, "x"}},
		{name: "a", version: 1, inputs: []any{2, "x"}},
		{name: "a", version: 1, inputs: []any{1, "y"}},
	} {
		dir, err := s.folder("root")
		if err != nil {
			t.Fatal(err)
		}
		seen[dir] = true
	}
	if len(seen) != 5 {
		t.Errorf("five stages have %d folders: %v", len(seen), seen)
	}
}
