package app

import (
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas/blas32"
)

// Rows that agree where they are sampled and differ elsewhere are not equal.
func TestEqualTargets(t *testing.T) {
	t.Parallel()
	m := blas32.General{Rows: 5, Cols: 100, Stride: 100, Data: make([]float32, 500)}
	for i, x := range []float32{1, 2, 1, 1, 2} {
		for j := range 100 {
			m.Data[i*100+j] = x * float32(j)
		}
	}
	m.Data[301]++
	first, equal := equalTargets(m)
	if want := []int{0, 1, 0, 3, 1}; !slices.Equal(first, want) || equal != 2 {
		t.Errorf("the first equal rows are %v, %d, want %v, 2", first, equal, want)
	}
	one := blas32.General{Rows: 2, Cols: 1, Stride: 1, Data: []float32{4, 4}}
	if first, equal := equalTargets(one); first[1] != 0 || equal != 1 {
		t.Errorf("of one column %v, %d", first, equal)
	}
}
