package scan

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"gonum.org/v1/gonum/blas/blas32"
)

// golden is one case that scripts/golden_scan.py wrote; golden_case.py
// describes the format.
type golden struct {
	Attrs                          map[string]any
	Inputs, Outputs, Grads, Params map[string]goldenArray
	ParamsAfter                    map[string]goldenArray `json:"params_after"`
}

type goldenArray struct {
	Shape []int
	Data  []float64
}

func readGolden(t testing.TB, name string) golden {
	t.Helper()
	raw, err := os.ReadFile("testdata/golden/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(raw, &g); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return g
}

// matrix returns a 2-D array in single precision.
func (a goldenArray) matrix() blas32.General {
	return blas32.General{Rows: a.Shape[0], Cols: a.Shape[1], Stride: a.Shape[1], Data: float32s(a.Data)}
}

func (a goldenArray) ints() []int {
	out := make([]int, len(a.Data))
	for i, x := range a.Data {
		out[i] = int(x)
	}
	return out
}

// number is any element type of a result that is compared with a golden.
type number interface{ ~float32 | ~float64 }

// near fails unless every element is within tolerance·(1+|want|).
func near[T number](t *testing.T, what string, got []T, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - w); !(d <= tolerance*(1+math.Abs(w))) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], w)
		}
	}
}
