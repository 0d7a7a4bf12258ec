package grad_test

import (
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"engram/embed/grad"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
)

// BenchmarkEpoch trains 15,724 → 512 → 768 voxels at batch 64, forward, backward
// and AdamW, 128 steps an epoch, and reports the arithmetic of the matrix
// products alone, the processor time of a step, which other programs on the machine
// change least, and the most memory that the process had: in all, and since before
// there were data and state. scripts/bench_grad.py reports the same of PyTorch.
func BenchmarkEpoch(b *testing.B) {
	const voxels, width, out, batch, rows, steps = 15724, 512, 768, 64, 1024, 128
	rt := orttest.Runtime(b)
	_, before := used(b)
	g := grad.NewGraph()
	index := g.Step("batch", onnx.Int64, batch)
	x := grad.Rows(g.Data("x", onnx.Float, rows, voxels), index)
	target := grad.Rows(g.Data("y", onnx.Float, rows, out), index)
	hidden := grad.GELU(grad.MatMul(x, g.Param("w0", true, voxels, width).Node()))
	miss := grad.Sub(grad.MatMul(hidden, g.Param("w1", true, width, out).Node()), target)
	loss := grad.Mean(grad.Mul(miss, miss))
	epoch, err := grad.NewEpoch(rt, loss, grad.EpochOptions{Optimizer: grad.AdamW{WeightDecay: .01}})
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
	cpu, _ := used(b)
	for b.Loop() {
		if _, err := epoch.Run(b.Context(), state, in); err != nil {
			b.Fatal(err)
		}
	}
	perStep := b.Elapsed().Seconds() / float64(b.N*steps)
	cpuEnd, peak := used(b)
	b.ReportMetric((cpuEnd-cpu).Seconds()*1e3/float64(b.N*steps), "cpu-ms/step")
	b.ReportMetric(peak, "peak-MB")
	b.ReportMetric(peak-before, "training-MB")
	// Forward and weight gradient of both layers, input gradient of the second.
	flops := 2.0 * batch * (2*voxels*width + 3*width*out)
	b.ReportMetric(flops/perStep/1e9, "GFLOP/s")
	b.ReportMetric(perStep*1e3, "ms/step")
}

// used returns the processor time of this process so far, of all threads, and the most
// memory that it had at once, in MB.
func used(b *testing.B) (cpu time.Duration, peakMB float64) {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	kib := float64(u.Maxrss)
	if runtime.GOOS == "darwin" {
		kib /= 1024 // in bytes there
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), kib * 1024 / 1e6
}
