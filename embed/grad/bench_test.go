package grad_test

import (
	"math/rand/v2"
	"testing"

	"engram/embed/grad"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
)

// BenchmarkEpoch trains 15,724 → 512 → 768 voxels at batch 64, forward, backward
// and AdamW, 128 steps an epoch, and reports the arithmetic of the matrix
// products alone. scripts/bench_grad.py times the same step in PyTorch.
func BenchmarkEpoch(b *testing.B) {
	const voxels, width, out, batch, rows, steps = 15724, 512, 768, 64, 1024, 128
	g := grad.NewGraph()
	index := g.Step("batch", onnx.Int64, batch)
	x := grad.Rows(g.Data("x", onnx.Float, rows, voxels), index)
	target := grad.Rows(g.Data("y", onnx.Float, rows, out), index)
	hidden := grad.GELU(grad.MatMul(x, g.Param("w0", true, voxels, width).Node()))
	miss := grad.Sub(grad.MatMul(hidden, g.Param("w1", true, width, out).Node()), target)
	loss := grad.Mean(grad.Mul(miss, miss))
	epoch, err := grad.NewEpoch(orttest.Runtime(b), loss, grad.EpochOptions{Optimizer: grad.AdamW{WeightDecay: .01}})
	if err != nil {
		b.Fatal(err)
	}
	defer epoch.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	state := grad.NewState(g.Params(), smallRandom)
	in := grad.Inputs{Steps: ort.Tensors{}, Data: ort.Tensors{
		"x": {Shape: []int64{rows, voxels}, Data: uniform(rng, []int{rows, voxels}, 0)},
		"y": {Shape: []int64{rows, out}, Data: uniform(rng, []int{rows, out}, 0)},
	}}
	batches := make([]int64, steps*batch)
	for i := range batches {
		batches[i] = int64(rng.IntN(rows))
	}
	in.Steps["batch"] = &ort.Tensor{Shape: []int64{steps, batch}, Data: batches}
	for range steps {
		in.LR, in.Beta1 = append(in.LR, 3e-4), append(in.Beta1, .9)
	}
	for b.Loop() {
		if _, err := epoch.Run(b.Context(), state, in); err != nil {
			b.Fatal(err)
		}
	}
	perStep := b.Elapsed().Seconds() / float64(b.N*steps)
	// Forward and weight gradient of both layers, input gradient of the second.
	flops := 2.0 * batch * (2*voxels*width + 3*width*out)
	b.ReportMetric(flops/perStep/1e9, "GFLOP/s")
	b.ReportMetric(perStep*1e3, "ms/step")
}
