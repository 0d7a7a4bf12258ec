package scan

import (
	"math/rand/v2"

	"engram/embed/grad"
	"engram/embed/internal/matrix"
	"engram/embed/onnx"
	"engram/embed/ort"

	"gonum.org/v1/gonum/blas/blas32"
)

// Leaves of the training graph.
const (
	ridgeName  = "ridge"  // [trials, Rank]
	targetName = "target" // [images, K]
	trialName  = "trial"  // [B], this step's trials
	imageName  = "image"  // [B], what they saw
	seedName   = "seed"
	tauName    = "tau"
	lambdaName = "lambda" // [B]
	permName   = "perm"   // [B]
)

// loss builds the training graph of a phase.
func (t *training) loss(c Config, soft bool) *grad.Node {
	l := newLayers(c)
	g := l.graph
	b := t.opts.Batch
	l.seed = g.Step(seedName, onnx.Int64)
	trial := g.Step(trialName, onnx.Int64, b)
	image := g.Step(imageName, onnx.Int64, b)
	target := grad.Rows(g.Data(targetName, onnx.Float, t.target.Rows, t.target.Cols), image)
	tau := g.Step(tauName, onnx.Float)
	// Where there are components the network reads the ridge's scores, and no voxels.
	// The ridge is linear, so that mixing its scores is mixing its voxels.
	input, name := t.voxels, voxelsName
	if c.Rank > 0 {
		input, name = t.ridge, ridgeName
	}
	x := grad.Rows(g.Data(name, onnx.Float, input.Rows, input.Cols), trial)
	mix := mixNodes{image: image}
	if !soft {
		mix.lambda, mix.perm = g.Step(lambdaName, onnx.Float, b), g.Step(permName, onnx.Int64, b)
		x = mix.mixed(x)
	}
	var predicted *grad.Node
	if c.Rank > 0 {
		predicted = l.scores(x)
	} else {
		predicted = l.project(l.backbone(x))
	}
	if soft {
		return softCLIP(predicted, target, tau)
	}
	return biMixCo(predicted, target, mix, tau)
}

// inputs draws everything random of epoch e from the seed and e alone, so that a
// resumed training goes on as it would have.
func (t *training) inputs(p phase, c Config, e int) grad.Inputs {
	rng := rand.New(rand.NewPCG(t.opts.Seed, uint64(e)+16))
	b := t.opts.Batch
	steps := t.voxels.Rows / b
	order := rng.Perm(t.voxels.Rows)
	trials, images := make([]int64, steps*b), make([]int64, steps*b)
	for i := range trials {
		trials[i], images[i] = int64(order[i]), int64(t.images[order[i]])
	}
	seeds, taus := make([]int64, steps), make([]float32, steps)
	schedule := NewOneCycle(t.opts.LR, steps*t.opts.Epochs, warmUpShare)
	in := grad.Inputs{}
	for s := range steps {
		seeds[s] = rng.Int64N(1 << 31)
		taus[s] = t.opts.temperature(p.soft, e-p.from, p.to-p.from)
		lr, beta1 := schedule.At(e*steps + s)
		in.LR, in.Beta1 = append(in.LR, lr), append(in.Beta1, beta1)
	}
	n, k := int64(steps), int64(b)
	in.Steps = ort.Tensors{
		trialName: {Shape: []int64{n, k}, Data: trials},
		imageName: {Shape: []int64{n, k}, Data: images},
		seedName:  {Shape: []int64{n}, Data: seeds},
		tauName:   {Shape: []int64{n}, Data: taus},
	}
	if !p.soft {
		lambda, perm := drawMixes(rng, steps, b)
		in.Steps[lambdaName] = &ort.Tensor{Shape: []int64{n, k}, Data: lambda}
		in.Steps[permName] = &ort.Tensor{Shape: []int64{n, k}, Data: perm}
	}
	in.Data = ort.Tensors{targetName: tensor(t.target)}
	if c.Rank > 0 {
		in.Data[ridgeName] = tensor(t.ridge)
	} else {
		in.Data[voxelsName] = tensor(t.voxels)
	}
	return in
}

// drawMixes draws a Mix for each of steps batches of b trials.
func drawMixes(rng *rand.Rand, steps, b int) (lambda []float32, perm []int64) {
	for range steps {
		mix := DrawMix(rng, b)
		lambda = append(lambda, mix.Lambda...)
		for _, j := range mix.Perm {
			perm = append(perm, int64(j))
		}
	}
	return lambda, perm
}

// tensor wraps a matrix, copied where it has gaps between its rows.
func tensor(m blas32.General) *ort.Tensor {
	if m.Stride != m.Cols {
		m = matrix.Clone(m)
	}
	return &ort.Tensor{Shape: []int64{int64(m.Rows), int64(m.Cols)}, Data: m.Data[:m.Rows*m.Cols]}
}
