package grad_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"slices"

	"engram/embed/grad"
	"engram/embed/onnx"
	"engram/embed/ort"
)

// A line is fitted to four points: 300 steps of AdamW in one call of the
// runtime. Every step sees all points, so that there is no Step input.
func Example() {
	ctx := context.Background()
	rt, err := ort.Load(ctx, ort.OptionsFromEnv(os.Getenv))
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Close()

	g := grad.NewGraph()
	x, y := g.Data("x", onnx.Float, 4, 1), g.Data("y", onnx.Float, 4, 1)
	slope, offset := g.Param("slope", true, 1, 1), g.Param("offset", false, 1)
	miss := grad.Sub(grad.Add(grad.MatMul(x, slope.Node()), offset.Node()), y)
	epoch, err := grad.NewEpoch(rt, grad.Mean(grad.Mul(miss, miss)), grad.EpochOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer epoch.Close()

	state := grad.NewState(g.Params(), func(*grad.Param, []float32) {}) // all zero
	losses, err := epoch.Run(ctx, state, grad.Inputs{
		Data: ort.Tensors{
			"x": {Shape: []int64{4, 1}, Data: []float32{0, 1, 2, 3}},
			"y": {Shape: []int64{4, 1}, Data: []float32{1, 3, 5, 7}},
		},
		LR:    slices.Repeat([]float64{.1}, 300),
		Beta1: slices.Repeat([]float64{.9}, 300),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("y = %.1f·x + %.1f, loss from %.0f to below .001: %v\n",
		state.Values()["slope"][0], state.Values()["offset"][0], losses[0], losses[299] < .001)
	// Output: y = 2.0·x + 1.0, loss from 21 to below .001: true
}
