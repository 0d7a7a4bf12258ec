package matrix

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"engram/embed"

	"gonum.org/v1/gonum/blas/blas32"
)

func TestCheckNamesTheFault(t *testing.T) {
	names := Names{Matrix: "voxels", Row: "trial", Col: "voxel"}
	nan := New(2, 3)
	nan.Data[4] = float32(math.NaN())
	inf := blas32.General{Rows: 2, Cols: 2, Stride: 3, Data: []float32{1, 2, float32(math.NaN()), 3, float32(math.Inf(-1))}}
	for _, c := range []struct {
		name string
		m    blas32.General
		want string
	}{
		{"no rows", blas32.General{Cols: 3, Stride: 3}, "voxels: wanted at least one trial and one voxel, found 0×3"},
		{"negative", blas32.General{Rows: -1, Cols: 3, Stride: 3}, "found -1×3"},
		{"short slice", blas32.General{Rows: 2, Cols: 3, Stride: 3, Data: make([]float32, 5)}, "2×3 elements with a stride of 3 do not fit into a slice of 5"},
		{"shorter than a row", blas32.General{Rows: 1, Cols: 3, Stride: 3, Data: make([]float32, 1)}, "do not fit"},
		{"stride", blas32.General{Rows: 1, Cols: 3, Stride: 0, Data: make([]float32, 5)}, "stride of 0"},
		{"rows that overflow", blas32.General{Rows: math.MaxInt, Cols: 3, Stride: 3, Data: make([]float32, 5)}, "do not fit"},
		{"NaN", nan, "voxels: trial 1, voxel 1 is NaN: not finite"},
		{"infinite, after a gap that is not read", inf, "voxels: trial 1, voxel 1 is -Inf: not finite"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Check(c.m, names)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if err := Check(nan, names); !errors.Is(err, embed.ErrNotFinite) {
		t.Errorf("%v does not wrap ErrNotFinite", err)
	}
	if err := Check(blas32.General{Rows: 2, Cols: 2, Stride: 3, Data: make([]float32, 5)}, names); err != nil {
		t.Errorf("a last row without its gap is whole: %v", err)
	}
}

func TestColMeans(t *testing.T) {
	m := blas32.General{Rows: 3, Cols: 2, Stride: 2, Data: []float32{0.1, 1, 0.1, 2, 0.1, 6}}
	if mean, err := ColMeans(t.Context(), m); err != nil || mean[0] != float64(float32(0.1)) || mean[1] != 3 {
		t.Errorf("means %v, %v", mean, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ColMeans(ctx, m); !errors.Is(err, context.Canceled) {
		t.Errorf("means of a context that has ended returned %v", err)
	}
	if err := CheckUntil(ctx, m, Names{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a check of a context that has ended returned %v", err)
	}
}

func TestRowsOfAMatrixWithGaps(t *testing.T) {
	m := blas32.General{Rows: 3, Cols: 2, Stride: 3, Data: []float32{1, 2, -1, 3, 4, -1, 5, 6}}
	part := Part(m, 1, 3)
	for name, c := range map[string]struct {
		got  blas32.General
		want []float32
	}{
		"clone": {Clone(m), []float32{1, 2, 3, 4, 5, 6}},
		"pick":  {Pick(m, []int{2, 0, 2}), []float32{5, 6, 1, 2, 5, 6}},
		"part":  {Clone(part), []float32{3, 4, 5, 6}},
	} {
		if c.got.Cols != 2 || c.got.Stride != 2 || c.got.Rows != len(c.want)/2 || !slices.Equal(c.got.Data, c.want) {
			t.Errorf("%s is %v, want rows of 2: %v", name, c.got, c.want)
		}
	}
	if err := Check(part, Names{}); err != nil {
		t.Error(err)
	}
	part.Data[0] = 9
	if m.Data[3] != 9 {
		t.Error("a part is a copy")
	}
}
