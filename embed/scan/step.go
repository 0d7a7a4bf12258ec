package scan

import (
	"context"
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

// loss builds the training graph of a loss in l, which is empty.
func (t *training) loss(l *layers, loss string) *grad.Node {
	c, g := l.config, l.Graph()
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
	if loss == LossBiMixCo {
		mix.lambda, mix.perm = g.Step(lambdaName, onnx.Float, b), g.Step(permName, onnx.Int64, b)
		x = mix.mixed(x)
	}
	var predicted *grad.Node
	if c.Rank > 0 {
		predicted = l.scores(x)
	} else {
		predicted = l.project(l.backbone(x))
	}
	switch loss {
	case LossSoftCLIP:
		return softCLIP(predicted, target, tau)
	case LossMSE:
		difference := grad.Sub(predicted, target)
		return grad.Mean(grad.Mul(difference, difference))
	case LossGallery:
		return galleryLoss(predicted, image, tau, newGallery(*t.leftOut))
	}
	return biMixCo(predicted, target, mix, tau)
}

// steps returns the optimiser steps of an epoch.
func (t *training) steps() int { return len(t.images) / t.opts.Batch }

// inputs returns what draws everything random of an epoch of a phase from the
// seed and the epoch's number alone.
func (t *training) inputs(p phase) func(context.Context, int) (ort.Tensors, error) {
	return func(_ context.Context, epoch int) (ort.Tensors, error) {
		rng := rand.New(rand.NewPCG(t.opts.Seed, uint64(epoch)+16))
		steps, batch := t.steps(), t.opts.Batch
		order := rng.Perm(len(t.images))
		trials, images := make([]int64, steps*batch), make([]int64, steps*batch)
		for i := range trials {
			trials[i], images[i] = int64(order[i]), int64(t.images[order[i]])
		}
		seeds, taus := make([]int64, steps), make([]float32, steps)
		for s := range steps {
			seeds[s] = rng.Int64N(1 << 31)
			taus[s] = t.opts.temperature(p.loss == LossSoftCLIP, epoch-p.from, p.to-p.from)
		}
		n, b := int64(steps), int64(batch)
		in := ort.Tensors{
			trialName: {Shape: []int64{n, b}, Data: trials},
			imageName: {Shape: []int64{n, b}, Data: images},
			seedName:  {Shape: []int64{n}, Data: seeds},
		}
		if p.loss != LossMSE {
			in[tauName] = &ort.Tensor{Shape: []int64{n}, Data: taus}
		}
		if p.loss == LossBiMixCo {
			lambda, perm := drawMixes(rng, steps, batch)
			in[lambdaName] = &ort.Tensor{Shape: []int64{n, b}, Data: lambda}
			in[permName] = &ort.Tensor{Shape: []int64{n, b}, Data: perm}
		}
		return in, nil
	}
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
