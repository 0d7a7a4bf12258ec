package grad

import (
	"slices"
	"testing"

	"engram/embed/onnx"
)

// TestUpdatesWaitForReaders has gradients that are computed from a parameter. ONNX
// Runtime gives a reshaped array the memory of the other one, so that what reads it
// reads the parameter; what reads a new array may come between the updates.
func TestUpdatesWaitForReaders(t *testing.T) {
	block := stateBlock{old: triple{p: "p"}, grad: "gradient"}
	for _, test := range []struct {
		of   string // operator that reads the parameter
		wait string
	}{{"Reshape", "gradient"}, {"Transpose", "gradient"}, {"Mul", "gradient"}, {"Sigmoid", "read"}} {
		nodes := []onnx.Node{
			{Op: test.of, Inputs: []string{"p"}, Outputs: []string{"read"}},
			{Op: "MatMul", Inputs: []string{"read", "upstream"}, Outputs: []string{"gradient"}},
		}
		if got := before(nodes, []stateBlock{block}); !slices.Equal(got, []string{test.wait}) {
			t.Errorf("%s: the first update waits for %v, want %s", test.of, got, test.wait)
		}
	}
}

// TestGradientsMayComeLate leaves a gradient between the updates, and nothing else: its
// input is a part of the loss too.
func TestGradientsMayComeLate(t *testing.T) {
	nodes := []onnx.Node{
		{Op: "MatMul", Inputs: []string{"x", "p"}, Outputs: []string{"hidden"}},
		{Op: "Mul", Inputs: []string{"hidden", "hidden"}, Outputs: []string{"loss"}},
		{Op: "MatMul", Inputs: []string{"x", "hidden"}, Outputs: []string{"gradient"}},
	}
	if got := before(nodes, []stateBlock{{old: triple{p: "p"}, grad: "gradient"}}); !slices.Equal(got, []string{"loss"}) {
		t.Errorf("the first update waits for %v, want the loss alone", got)
	}
}
