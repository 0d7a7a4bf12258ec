package pretrain

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"engram/embed/grad"
	"engram/embed/onnx"
)

// TestWeightsOf reads back what was exported: a large matrix in half precision, a vector as it
// was.
func TestWeightsOf(t *testing.T) {
	const rows, columns = 40, 32 // above minHalved
	g := grad.NewGraph()
	w, b := g.Param("w", true, rows, columns), g.Param("b", false, columns)
	y := grad.Add(grad.MatMul(g.Data("x", onnx.Float, grad.Batch, rows), w.Node()), b.Node())
	values := map[string][]float32{"w": make([]float32, rows*columns), "b": make([]float32, columns)}
	for i := range values["w"] {
		values["w"][i] = float32(i%64-32) / 16
	}
	values["b"][3] = 1.0001
	files, err := exportFiles(values, map[string]map[string]*grad.Node{"y.onnx": {"y": y}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "y.onnx")
	if err := os.WriteFile(path, files["y.onnx"], 0o644); err != nil {
		t.Fatal(err)
	}
	found, err := weightsOf(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range values {
		if !slices.Equal(found[name], want) {
			t.Errorf("%s is not what was exported", name)
		}
	}
	if err := os.WriteFile(path, []byte("no model"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := weightsOf(path); err == nil {
		t.Error("a file that is no model is accepted")
	}
}
