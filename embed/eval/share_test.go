package eval

import (
	"math"
	"testing"
)

// The intervals are published in Newcombe 1998, Stat Med 17:857, table I, method 3.
func TestWilsonIntervals(t *testing.T) {
	for _, test := range []struct {
		hits, n   int
		low, high float64
	}{
		{81, 263, .2553, .3662}, {15, 148, .0624, .1605}, {0, 20, 0, .1611}, {1, 29, .0061, .1718}, {20, 20, .8389, 1},
	} {
		s := Wilson(float64(test.hits)/float64(test.n), test.n)
		if math.Abs(s.Low-test.low) > 1e-4 || math.Abs(s.High-test.high) > 1e-4 {
			t.Errorf("%d of %d: %v, want %v to %v", test.hits, test.n, s, test.low, test.high)
		}
	}
	if got := Wilson(.887, 300).String(); got != " 88.7 % (84.6–91.8)" {
		t.Errorf("88.7 %% of 300 is written %q", got)
	}
}
