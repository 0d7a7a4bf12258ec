package prior

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas/blas32"

	"engram/data/progress"
	"engram/data/space"
	"engram/embed"
	"engram/embed/grad"
	"engram/embed/model"
	"engram/embed/nn"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/train"
	"engram/recon/diffusion"
)

// Pairs are tokens that were predicted of scans of images that the decoder had not seen, and
// the tokens of these images, [n, T·D] each.
type Pairs struct {
	Predicted, Seen blas32.General
	T, D            int
}

// TrainOptions say how a diffusion prior is trained. Zero values are the default.
type TrainOptions struct {
	Shape    Shape   // the zero value is DefaultShape
	Epochs   int     // of Steps optimiser steps; 0 means as many as see every pair 8 times
	Steps    int     // 0 means as many as see every pair once, up to 32
	Batch    int     // pairs of a step; 0 means 32, or all where there are fewer
	LR       float64 // highest learning rate; 0 means 1e-3
	Seed     uint64
	Session  ort.SessionOptions
	Progress progress.Func
}

// TrainingStage is the stage of Train in progress reports.
const TrainingStage = "training the prior"

const (
	withoutCondition = .2 // share of the pairs that are trained without what was predicted
	heldOutShare     = 10 // one pair of so many judges the epochs
	judgedTimes      = 4  // times at which a held-out pair is judged
)

// Network is a trained diffusion prior.
type Network struct {
	shape  Shape
	scale  float64
	unit   bool // the true tokens have a global token of length 1
	values map[string][]float32
	// Missed is the mean squared error of the held-out pairs, over the one of the prediction
	// alone, at the epoch that was kept.
	Missed float64
}

// trainer is one training.
type trainer struct {
	opts            TrainOptions
	predicted, seen []float32 // scaled, [n, T·D]
	train, held     []int     // pairs
	schedule        *diffusion.Schedule
	rt              *ort.Runtime
	best            Network
}

// Train trains a diffusion prior on pairs, 20 or more: of the clean tokens that it predicts
// from noisy ones the mean squared error is minimised. A tenth of the pairs is held out, and
// the weights of the epoch are kept that predict these best.
func Train(ctx context.Context, rt *ort.Runtime, pairs Pairs, opts TrainOptions) (*Network, error) {
	opts = opts.complete(pairs)
	if err := pairs.check(); err != nil {
		return nil, fmt.Errorf("prior: %w", err)
	}
	schedule, err := diffusion.New(scheduler())
	if err != nil {
		return nil, fmt.Errorf("prior: %w", err)
	}
	t := &trainer{opts: opts, schedule: schedule, rt: rt}
	seen := cloned(pairs.Seen).Data
	t.best = Network{shape: opts.Shape, scale: scaleOf(seen, pairs.T*pairs.D), unit: unitGlobals(pairs), Missed: math.Inf(1)}
	t.predicted, t.seen = scaled(cloned(pairs.Predicted).Data, t.best.scale), scaled(seen, t.best.scale)
	order := rand.New(rand.NewPCG(opts.Seed, 1)).Perm(pairs.Seen.Rows)
	t.held, t.train = order[:len(order)/heldOutShare], order[len(order)/heldOutShare:]
	trained, err := t.loop().Run(ctx, rt)
	if err != nil {
		return nil, err
	}
	if _, err := t.judge(ctx, trained.Values); err != nil {
		return nil, err
	}
	return &t.best, nil
}

func (o TrainOptions) complete(p Pairs) TrainOptions {
	if o.Shape == (Shape{}) {
		o.Shape = DefaultShape(p.T, p.D)
	}
	const passes, mostSteps, mostBatch = 8, 32, 32
	n := max(1, p.Seen.Rows-p.Seen.Rows/heldOutShare)
	o.Batch = cmp.Or(o.Batch, min(mostBatch, n))
	o.Steps = cmp.Or(o.Steps, min(mostSteps, max(1, n/o.Batch)))
	o.Epochs = cmp.Or(o.Epochs, max(1, passes*n/(o.Steps*o.Batch)))
	o.LR = cmp.Or(o.LR, 1e-3)
	return o
}

// check refuses pairs that nothing can be learnt from.
func (p Pairs) check() error {
	width := p.T * p.D
	if p.Seen.Rows < 2*heldOutShare || p.Seen.Rows != p.Predicted.Rows || p.Seen.Cols != width || p.Predicted.Cols != width {
		return fmt.Errorf("wanted %d pairs or more of %d×%d elements, found predictions of %d×%d and images of %d×%d",
			2*heldOutShare, p.T, p.D, p.Predicted.Rows, p.Predicted.Cols, p.Seen.Rows, p.Seen.Cols)
	}
	for name, m := range map[string]blas32.General{"predictions": p.Predicted, "images": p.Seen} {
		if at := embed.FirstNotFinite(m.Data); at >= 0 {
			return fmt.Errorf("element %d of pair %d of the %s is %v: %w", at%m.Stride, at/m.Stride, name, m.Data[at], embed.ErrNotFinite)
		}
	}
	return nil
}

// unitGlobals reports whether token 0 of every image has the length 1.
func unitGlobals(p Pairs) bool {
	for i := range p.Seen.Rows {
		if math.Abs(embed.Norm(row(p.Seen, i)[:p.D])-1) > 1e-3 {
			return false
		}
	}
	return true
}

func scaled(x []float32, scale float64) []float32 {
	for i := range x {
		x[i] *= float32(scale)
	}
	return x
}

// Leaves of the graphs.
const (
	predictedName = "predicted"
	noisyName     = "noisy"
	timeName      = "time"
	seenName      = "seen"
	tokensName    = "tokens"
)

// loop says how the network is trained.
func (t *trainer) loop() train.Loop {
	o, s := t.opts, t.opts.Shape
	n := nn.New(nn.TransformerStyle())
	g := n.Graph()
	tokens := func(name string) *grad.Node { return g.Step(name, onnx.Float, o.Batch, s.Tokens, s.Dim) }
	found := s.predict(n, tokens(predictedName), tokens(noisyName), g.Step(timeName, onnx.Float, o.Batch))
	miss := grad.Sub(found, tokens(seenName))
	return train.Loop{
		Name: "prior", Stage: TrainingStage, Steps: o.Steps,
		Phases:     []train.Phase{{Until: o.Epochs, Loss: grad.Mean(grad.Mul(miss, miss)), Inputs: t.inputs}},
		Optimizer:  grad.AdamW{WeightDecay: 1e-2},
		Schedule:   train.NewOneCycle(o.LR, o.Steps*o.Epochs, .1),
		Session:    o.Session,
		Initialise: n.InitialiseByName(o.Seed),
		Score:      t.judge, ScoreEvery: max(1, o.Epochs/8),
		Progress: o.Progress,
	}
}

// inputs draws the pairs, times and noise of an epoch.
func (t *trainer) inputs(_ context.Context, epoch int) (ort.Tensors, error) {
	rng := rand.New(rand.NewPCG(t.opts.Seed, 2+uint64(epoch)))
	which := make([]int, t.opts.Steps*t.opts.Batch)
	for i := range which {
		which[i] = t.train[rng.IntN(len(t.train))]
	}
	in := t.noisy(which, rng, func(int) int { return rng.IntN(t.schedule.Steps()) })
	width := t.opts.Shape.Tokens * t.opts.Shape.Dim
	for i := range which {
		if rng.Float64() < withoutCondition {
			clear(in.predicted[i*width:][:width])
		}
	}
	lead := []int64{int64(t.opts.Steps), int64(t.opts.Batch)}
	shape := append(lead[:2:2], int64(t.opts.Shape.Tokens), int64(t.opts.Shape.Dim))
	return ort.Tensors{
		predictedName: {Shape: shape, Data: in.predicted}, noisyName: {Shape: shape, Data: in.noisy},
		seenName: {Shape: shape, Data: in.seen}, timeName: {Shape: lead, Data: in.times},
	}, nil
}

// examples are pairs with noise.
type examples struct{ predicted, noisy, seen, times []float32 }

// noisy returns pairs, each with the noise of a time.
func (t *trainer) noisy(which []int, rng *rand.Rand, timeOf func(i int) int) (e examples) {
	width := t.opts.Shape.Tokens * t.opts.Shape.Dim
	for i, pair := range which {
		e.predicted = append(e.predicted, t.predicted[pair*width:][:width]...)
		e.seen = append(e.seen, t.seen[pair*width:][:width]...)
		time := timeOf(i)
		signal, noise := t.schedule.At(time)
		e.times = append(e.times, float32(time))
		for _, x := range t.seen[pair*width:][:width] {
			e.noisy = append(e.noisy, float32(signal*float64(x)+noise*rng.NormFloat64()))
		}
	}
	return e
}

// judge measures weights on the held-out pairs at a few times, and keeps the best.
func (t *trainer) judge(ctx context.Context, values map[string][]float32) (_ []progress.Figure, err error) {
	n := t.best
	n.values = values
	p, err := n.Open(t.rt, t.opts.Session)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closed := p.Close(); err == nil {
			err = closed
		}
	}()
	rng := rand.New(rand.NewPCG(t.opts.Seed, 0))
	var miss, before float64
	for k := range judgedTimes {
		time := (2*k + 1) * t.schedule.Steps() / (2 * judgedTimes)
		e := t.noisy(t.held, rng, func(int) int { return time })
		found, err := p.run(ctx, e.predicted, e.noisy, float64(time))
		if err != nil {
			return nil, err
		}
		for i, x := range e.seen {
			miss += math.Pow(float64(found[i]-x), 2)
			before += math.Pow(float64(e.predicted[i]-x), 2)
		}
	}
	missed := miss / max(before, math.SmallestNonzeroFloat64)
	if missed < t.best.Missed {
		t.best.Missed, t.best.values = missed, maps.Clone(values)
	}
	return []progress.Figure{{Name: "error over the prediction's", Value: missed}}, nil
}

// onnx returns the graph that is served.
func (n *Network) onnx() ([]byte, error) {
	net, s := nn.New(nn.TransformerStyle()), n.shape
	g := net.Graph()
	tokens := s.predict(net, g.Data(predictedName, onnx.Float, grad.Batch, s.Tokens, s.Dim),
		g.Data(noisyName, onnx.Float, grad.Batch, s.Tokens, s.Dim), g.Data(timeName, onnx.Float, grad.Batch))
	return grad.Export(map[string]*grad.Node{tokensName: tokens}, n.values)
}

const networkFile = "prior.onnx"

// manifest describes the network, without the space that it predicts.
func (n *Network) manifest() model.Manifest {
	s := scheduler()
	return model.Manifest{
		Kind: model.Prior, Name: "transformer", Version: "1", Licence: "none stated", Source: "trained by engram train",
		Graphs: map[string]model.Graph{"prior": {
			File: networkFile, Outputs: map[string]string{"tokens": tokensName},
			Inputs: map[string]string{"predicted": predictedName, "noisy": noisyName, "time": timeName},
		}},
		T: n.shape.Tokens, D: n.shape.Dim, Scheduler: &s, Scale: &model.TokenScale{Factor: n.scale, UnitGlobal: n.unit},
	}
}

// Save writes a model of kind prior into a folder, which it makes; bundle.json comes last.
func (n *Network) Save(dir string, target space.Space) error {
	content, err := n.onnx()
	if err != nil {
		return fmt.Errorf("prior: %w", err)
	}
	m := n.manifest()
	m.Target = target.Fingerprint
	return model.WriteGraph(dir, networkFile, content, m)
}
