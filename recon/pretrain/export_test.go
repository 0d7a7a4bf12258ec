package pretrain

import (
	"encoding/binary"
	"math"
	"testing"

	"engram/embed/grad"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
)

func TestHalfBits(t *testing.T) {
	inf := float32(math.Inf(1))
	for x, want := range map[float32]uint16{
		0: 0, 1: 0x3c00, -2: 0xc000, .1: 0x2e66, 65504: 0x7bff, 65519: 0x7bff, 65520: 0x7c00, 1e9: 0x7c00, inf: 0x7c00, -inf: 0xfc00,
		0x1p-14: 0x0400, 0x1p-24: 1, 0x1p-25: 0, 0x1.8p-24: 2, -0x1p-24: 0x8001, // subnormal
		1 + 0x1p-11: 0x3c00, 1 + 0x1.8p-10: 0x3c02, 1 + 0x1.004p-11: 0x3c01, 2 - 0x1p-11: 0x4000, // ties to even
		0x1p-14 - 0x1p-26: 0x0400,
	} {
		if got := halfBits(x); got != want {
			t.Errorf("%g is %#04x, want %#04x", x, got, want)
		}
	}
	if got := halfBits(float32(math.NaN())); got&0x7c00 != 0x7c00 || got&0x3ff == 0 {
		t.Errorf("NaN is %#04x", got)
	}
}

// TestHalve serves a matrix that half precision holds exactly, and one number
// that it does not.
func TestHalve(t *testing.T) {
	const rows, columns = 40, 32 // above minHalved
	g := grad.NewGraph()
	w, b := g.Param("w", true, rows, columns), g.Param("b", false, columns)
	y := grad.Add(grad.MatMul(g.Data("x", onnx.Float, grad.Batch, rows), w.Node()), b.Node())
	values := map[string][]float32{"w": make([]float32, rows*columns), "b": make([]float32, columns)}
	for i := range values["w"] {
		values["w"][i] = float32(i%64-32) / 16
	}
	values["w"][0] = 1.0001
	values["b"][0] = 1.0001
	content, err := grad.Export(map[string]*grad.Node{"y": y}, values)
	if err != nil {
		t.Fatal(err)
	}
	half, err := halve(content)
	if err != nil {
		t.Fatal(err)
	}
	if len(half) > len(content)-2*rows*columns+100 {
		t.Errorf("%d bytes became %d", len(content), len(half))
	}
	rt := orttest.Runtime(t)
	x := make([]float32, rows)
	x[0] = 1
	run := func(content []byte) []float32 {
		s, err := rt.OpenBytes("half", content, ort.SessionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		out := ort.Tensors{"y": nil}
		if err := s.Run(t.Context(), ort.Tensors{"x": {Shape: []int64{1, rows}, Data: x}}, out); err != nil {
			t.Fatal(err)
		}
		return out["y"].Data.([]float32)
	}
	whole, halved := run(content), run(half)
	if want := 1 + values["b"][0]; halved[0] != want { // the matrix is rounded, the vector is not
		t.Errorf("element 0 is %v, want %v", halved[0], want)
	}
	for i := 1; i < columns; i++ {
		if whole[i] != halved[i] {
			t.Errorf("element %d is %v, want %v", i, halved[i], whole[i])
		}
	}
}

func TestHalveRefusesWhatIsNoModel(t *testing.T) {
	for _, content := range [][]byte{{0xff}, {0x3a, 0x05, 0x2a}, binary.AppendUvarint([]byte{0x3a}, 1<<40)} {
		if _, err := halve(content); err == nil {
			t.Errorf("% x is accepted", content)
		}
	}
}
