package numeric_test

import (
	"math"
	"testing"

	"engram/data/internal/numeric"
)

func TestCount(t *testing.T) {
	for _, test := range []struct {
		shape []int
		want  int // -1: refused
		text  string
	}{
		{nil, 1, "scalar"},
		{[]int{7}, 7, "7"},
		{[]int{2, 3, 4}, 24, "2×3×4"},
		{[]int{2, 0, 4}, 0, "2×0×4"},
		{[]int{2, -1}, -1, "2×-1"},
		{[]int{0, -1}, -1, "0×-1"},
		{[]int{math.MaxInt / 8, 2}, -1, ""},
	} {
		got, err := numeric.Count(test.shape)
		if err != nil {
			got = -1
		}
		if got != test.want {
			t.Errorf("Count(%v) = %d, %v, want %d", test.shape, got, err, test.want)
		}
		if text := numeric.ShapeString(test.shape); test.text != "" && text != test.text {
			t.Errorf("ShapeString(%v) = %q, want %q", test.shape, text, test.text)
		}
	}
}
