package pretrain

import (
	"math"
	"slices"
	"testing"

	"engram/data/scenes"
	"engram/embed/grad"
	"engram/embed/grad/gradtest"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
)

// TestPatchesKnowWhatStandsOnThem has a large thing, and a small one before it.
func TestPatchesKnowWhatStandsOnThem(t *testing.T) {
	kinds := scenes.Kinds()
	scene := scenes.Scene{Things: []scenes.Thing{
		{Kind: kinds[3], Box: scenes.Box{Left: 0, Top: 0, Width: 1, Height: 1}},
		{Kind: kinds[5], Box: scenes.Box{Left: .3, Top: .3, Width: .01, Height: .01}},
	}}
	got := make([]int64, 16)
	standing(&scene, kinds, 4, got)
	want := []int64{
		nothing, nothing, nothing, nothing,
		nothing, 5, 3, nothing,
		nothing, 3, 3, nothing,
		nothing, nothing, nothing, nothing,
	}
	if !slices.Equal(got, want) {
		t.Errorf("on the patches stand %v, want %v", got, want)
	}
}

// TestTheKindsOfPatches has two patches with a thing and one without. The first is named with
// half of the three kinds' probability.
func TestTheKindsOfPatches(t *testing.T) {
	g := grad.NewGraph()
	loss := (&judgeNetwork{}).places(g.Data("logits", onnx.Float, 3, 3), g.Data("kind", onnx.Int64, 3))
	out := gradtest.Call(t, orttest.Runtime(t), map[string]*grad.Node{"loss": loss}, ort.Tensors{
		"logits": {Shape: []int64{3, 3}, Data: []float32{float32(math.Log(2)), 0, 0, 5, 6, 7, 0, 0, 0}},
		"kind":   {Shape: []int64{3}, Data: []int64{0, nothing, 2}},
	})["loss"]
	if want := (math.Log(2) + math.Log(3)) / 2; math.Abs(float64(out[0])-want) > 1e-5 {
		t.Errorf("the loss is %v, want %v", out[0], want)
	}
}

// TestSoftened leaves a sharp picture as it is and spreads a point of a blurred one.
func TestSoftened(t *testing.T) {
	const side = 5
	g := grad.NewGraph()
	y := softened(g.Data("x", onnx.Float, 2, 3, side, side), g.Data("share", onnx.Float, 2))
	x := make([]float32, 2*3*side*side)
	point := 3*side*side + side*side + 2*side + 2 // the middle of the second picture's second channel
	x[2*side+2], x[point] = 1, 1
	out := gradtest.Call(t, orttest.Runtime(t), map[string]*grad.Node{"y": y}, ort.Tensors{
		"x": {Shape: []int64{2, 3, side, side}, Data: x}, "share": {Shape: []int64{2}, Data: []float32{0, 1}},
	})["y"]
	if !slices.Equal(out[:3*side*side], x[:3*side*side]) {
		t.Error("a picture with the share 0 is blurred")
	}
	// Twice 1 2 1 is 1 4 6 4 1, over 16 in each direction.
	if got, want := out[point], float32(36./256); math.Abs(float64(got-want)) > 1e-6 {
		t.Errorf("the point is %v, want %v", got, want)
	}
	if got, want := out[point+1], float32(24./256); math.Abs(float64(got-want)) > 1e-6 {
		t.Errorf("beside the point is %v, want %v", got, want)
	}
	if out[point+side*side] != 0 || out[point-side*side] != 0 {
		t.Error("the channels mix")
	}
}
