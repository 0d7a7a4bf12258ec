// Package embedtest reads the results of reference implementations that the
// scripts golden_grad.py, golden_scan.py and golden_eval.py wrote, and compares
// with them. It is for tests only; scripts/golden_case.py describes the format.
package embedtest

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/blas/blas32"
)

// Case is one file of testdata/golden. What a case does not have is nil.
type Case struct {
	Attrs       map[string]any // numbers and lists of numbers
	Inputs      map[string]Array
	Outputs     map[string]Array
	Upstream    map[string]Array
	Grads       map[string]Array
	Params      map[string]Array
	ParamsAfter map[string]Array `json:"params_after"`
}

// Array is a tensor, row-major; a scalar has no axes and one element.
type Array struct {
	Shape []int
	Data  []float64
}

// Read reads testdata/golden/<name>.json of the package under test.
func Read(t testing.TB, name string) Case {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "golden", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var c Case
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return c
}

// Number returns an attribute that is a number.
func (c Case) Number(name string) float64 { return c.Attrs[name].(float64) }

// Numbers returns an attribute that is a list of numbers.
func (c Case) Numbers(name string) []float64 {
	list := c.Attrs[name].([]any)
	out := make([]float64, len(list))
	for i, x := range list {
		out[i] = x.(float64)
	}
	return out
}

// Float32s returns the elements in single precision.
func (a Array) Float32s() []float32 {
	out := make([]float32, len(a.Data))
	for i, x := range a.Data {
		out[i] = float32(x)
	}
	return out
}

// Ints returns the elements of an array of whole numbers.
func (a Array) Ints() []int {
	out := make([]int, len(a.Data))
	for i, x := range a.Data {
		out[i] = int(x)
	}
	return out
}

// Matrix returns an array of two axes in single precision.
func (a Array) Matrix() blas32.General {
	return blas32.General{Rows: a.Shape[0], Cols: a.Shape[1], Stride: a.Shape[1], Data: a.Float32s()}
}

// Near fails unless got has as many elements as want and each is within
// tolerance·(1 + |want|).
func Near[T ~float32 | ~float64](t testing.TB, what string, got []T, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		// The negation makes NaN fail too.
		if d := math.Abs(float64(got[i]) - w); !(d <= tolerance*(1+math.Abs(w))) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], w)
		}
	}
}
