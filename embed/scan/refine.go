package scan

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"

	"engram/data/progress"
	"engram/embed/grad"
	"engram/embed/internal/matrix"
	"engram/embed/nn"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/train"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/stat"
)

// How a refinement is trained where the options do not say.
const (
	refinementEpochs = 20 // at most
	refinementLR     = 1e-3
)

// isRefinement says whether a preset begins at a closed form and goes on by gradient,
// for as long as left-out images are found better.
func isRefinement(preset string) bool {
	return preset == PresetContrastive || preset == PresetRefined || preset == PresetRefinedNetwork
}

// Leaves and parameters of a refinement.
const (
	startQuery = "start.query"  // [rank, K], the closed form's
	startShift = "start.shift"  // [K]
	offsetName = "offset"       // [1, images]
	deltaQuery = "query.weight" // [rank, K], what training adds
	deltaShift = "query.bias"   // [K]
)

// refinement trains what comes after a closed form: a map of the prediction, or a
// network before it. The loss is the cross-entropy of the seen image among all
// training images, for left-out predictions of single trials. What is trained begins
// at zero and decays towards it, so that the closed form is where training starts and
// what weight decay draws it to.
type refinement struct {
	config Config
	start  *mapping
	fit    leftOutScores
	among  gallery
	offset []float32 // of the images of the gallery
	ridge  blas32.General
	scale  []float32 // standardises the scores for the network
	opts   Options
}

// newRefinement prepares the training of a preset on left-out scores.
func newRefinement(c Config, opts Options, start *mapping, fit leftOutScores) (*refinement, error) {
	r := &refinement{config: c, start: start, fit: fit, among: newGallery(fit), opts: opts}
	r.opts.Batch = min(opts.Batch, len(fit.images))
	var err error
	if r.among.coordinates, err = start.images(r.among.coordinates); err != nil {
		return nil, err
	}
	if r.offset = start.offsets(r.among.coordinates, 1); r.offset == nil {
		r.offset = make([]float32, len(r.among.images))
	}
	r.ridge = fit.predicted
	if c.Width > 0 {
		r.ridge = matrix.Clone(fit.predicted)
		r.scale = standardise(r.ridge)
	}
	return r, nil
}

// loss builds the training graph in l.
func (r *refinement) loss(l *layers) *grad.Node {
	g, b := l.Graph(), r.opts.Batch
	trial, image := g.Step(trialName, onnx.Int64, b), g.Step(imageName, onnx.Int64, b)
	x := grad.Rows(g.Data(ridgeName, onnx.Float, r.ridge.Rows, r.ridge.Cols), trial)
	rank, k := r.start.query.Rows, r.start.query.Cols
	query, shift := g.Data(startQuery, onnx.Float, rank, k), g.Data(startShift, onnx.Float, k)
	if r.config.Width > 0 {
		l.seed = g.Step(seedName, onnx.Int64)
		x = l.scores(x)
	} else {
		query = grad.Add(query, l.Param(deltaQuery, nn.Constant(0), rank, k))
		shift = grad.Add(shift, l.Param(deltaShift, nn.Constant(0), k))
	}
	q := grad.Add(grad.MatMul(x, query), shift)
	coordinates, images := r.among.leaves(g)
	if !r.start.likelihood {
		logits := grad.Scale(grad.MatMulT(grad.Unit(q), coordinates), float32(1/r.opts.Temperature))
		return crossEntropy(logits, image, images)
	}
	offset := g.Data(offsetName, onnx.Float, 1, len(r.offset))
	return crossEntropy(grad.Add(grad.MatMulT(q, coordinates), offset), image, images)
}

// loop says how the refinement is trained for so many epochs, of the schedule's all.
func (r *refinement) loop(l *layers, epochs int) train.Loop {
	k := r.start.query.Cols
	shift := r.start.shift
	if shift == nil {
		shift = make([]float32, k)
	}
	data := ort.Tensors{
		ridgeName: tensor(r.ridge), startQuery: tensor(r.start.query),
		startShift: {Shape: []int64{int64(k)}, Data: shift},
	}
	r.among.data(data)
	if r.start.likelihood {
		data[offsetName] = &ort.Tensor{Shape: []int64{1, int64(len(r.offset))}, Data: r.offset}
	}
	steps := len(r.fit.images) / r.opts.Batch
	return train.Loop{
		Name: "scan", Data: data, Steps: steps,
		Optimizer:  grad.AdamW{WeightDecay: r.opts.WeightDecay},
		Schedule:   train.NewOneCycle(r.opts.LR, steps*r.opts.Epochs, warmUpShare),
		Session:    r.opts.Session,
		Initialise: r.initialise(l),
		Phases:     []train.Phase{{Until: epochs, Loss: r.loss(l), Inputs: r.inputs(steps)}},
	}
}

// initialise returns what fills the first values: the closed form.
func (r *refinement) initialise(l *layers) func(*grad.Param, []float32) {
	return l.InitialiseInOrder(rand.New(rand.NewPCG(r.opts.Seed, 1)))
}

// layers returns empty layers. The network's gains undo the standardisation, so that
// its first output is the ridge's own scores.
func (r *refinement) layers() *layers {
	l := newLayers(r.config)
	l.gains = undone(r.scale)
	return l
}

// undone returns the logarithms of the gains that undo a standardisation.
func undone(scale []float32) []float32 {
	gains := make([]float32, len(scale))
	for k, s := range scale {
		if s > 0 {
			gains[k] = -float32(math.Log(float64(s)))
		}
	}
	return gains
}

// inputs returns what draws the trials of an epoch.
func (r *refinement) inputs(steps int) func(context.Context, int) (ort.Tensors, error) {
	return func(_ context.Context, epoch int) (ort.Tensors, error) {
		rng := rand.New(rand.NewPCG(r.opts.Seed, uint64(epoch)+16))
		n, b := int64(steps), int64(r.opts.Batch)
		order := rng.Perm(len(r.fit.images))[:steps*r.opts.Batch]
		trials, images := make([]int64, len(order)), make([]int64, len(order))
		for i, trial := range order {
			trials[i], images[i] = int64(trial), int64(r.fit.images[trial])
		}
		in := ort.Tensors{
			trialName: {Shape: []int64{n, b}, Data: trials},
			imageName: {Shape: []int64{n, b}, Data: images},
		}
		if r.config.Width > 0 {
			seeds := make([]int64, steps)
			for s := range seeds {
				seeds[s] = rng.Int64N(1 << 31)
			}
			in[seedName] = &ort.Tensor{Shape: []int64{n}, Data: seeds}
		}
		return in, nil
	}
}

// result is what trained values make of the closed form: the metric, and the arrays of
// the network.
func (r *refinement) result(values map[string][]float32) (*mapping, map[string][]float32) {
	m := *r.start
	if r.config.Width > 0 {
		network := maps.Clone(values)
		network[ridgeScale] = r.scale
		return &m, network
	}
	m.query = matrix.Clone(r.start.query)
	for i, d := range values[deltaQuery] {
		m.query.Data[i] += d
	}
	if m.likelihood {
		m.shift = append([]float32(nil), r.start.shift...)
		for i, d := range values[deltaShift] {
			m.shift[i] += d
		}
	}
	return &m, nil
}

// stop trains without a part of the images and returns after how many epochs the part
// is identified best: 0 unless it is clearly better than by the closed form.
func (r *refinement) stop(ctx context.Context, rt *ort.Runtime, part heldOut, watch progress.Func) (int, error) {
	first, err := part.errors(r.start)
	if err != nil {
		return 0, err
	}
	least, epochs, done := first, 0, 0
	loop := r.loop(r.layers(), r.opts.Epochs)
	loop.Stage, loop.Progress, loop.ScoreEvery = ChoosingStage, watch, 1
	loop.Score = func(_ context.Context, values map[string][]float32) ([]progress.Figure, error) {
		m, network := r.result(values)
		h := part
		if network != nil {
			var err error
			if h.predicted, err = (&Model{Config: r.config, Values: network}).refine(ctx, rt, part.predicted); err != nil {
				return nil, err
			}
		}
		found, err := h.errors(m)
		if err != nil {
			return nil, err
		}
		done++
		if stat.Mean(found, nil) < stat.Mean(least, nil) && clearlyLess(found, first) {
			least, epochs = found, done
		}
		return nil, nil
	}
	_, err = loop.Run(ctx, rt)
	return epochs, err
}

// errors returns what a metric is judged by, for each image of the part: how
// surprising it is to a likelihood, and the logarithm of its rank for a cosine.
func (h *heldOut) errors(m *mapping) ([]float64, error) {
	ranks, surprises, err := h.judge(m)
	if m.likelihood {
		return surprises, err
	}
	return ranks, err
}

// refine trains a refinement of the model's preset and adds it to the model.
func (t *training) refine(ctx context.Context, m *Model) error {
	form := PresetGaussian
	if m.Config.Preset == PresetContrastive {
		form = PresetGains
	}
	parts, err := t.heldOut(ctx)
	if err != nil {
		return err
	}
	part := parts[0]
	whole, inner, shape, err := t.startingForms(ctx, form, part)
	if err != nil {
		return err
	}
	config := m.Config
	config.Rank = part.fit.target.Cols
	r, err := newRefinement(config, t.opts, inner, part.fit)
	if err != nil {
		return err
	}
	epochs, err := r.stop(ctx, t.rt, part, t.opts.Progress)
	if err != nil {
		return fmt.Errorf("%s: %w", config.Preset, err)
	}
	if r, err = newRefinement(m.Config, t.opts, whole, *t.leftOut); err != nil {
		return err
	}
	loop := r.loop(r.layers(), epochs)
	loop.Stage, loop.Progress = TrainingStage, t.opts.Progress
	trained, err := loop.Run(ctx, t.rt)
	if err != nil {
		return err
	}
	metric, network := r.result(trained.Values)
	maps.Copy(m.Values, network)
	m.add(metric)
	m.Losses = trained.Losses
	m.Config.Coordinates, m.Config.Metric = metric.item.Cols, MetricCosine
	if metric.likelihood {
		m.Config.Metric = MetricLikelihood
	}
	m.Config.Chosen = fmt.Sprintf("%s%d of %d epochs, by %d scans of left-out training images", shape, epochs, t.opts.Epochs, len(part.right))
	return nil
}

// startingForms returns the closed form that a refinement begins at, fitted to all
// images and to the images without a part, and the shape of the likelihood in words.
func (t *training) startingForms(ctx context.Context, form string, part heldOut) (whole, inner *mapping, shape string, err error) {
	if form != PresetGaussian {
		return t.leftOut.cosine(form), part.fit.cosine(form), "", nil
	}
	m, chosen, err := t.fitGaussian(ctx)
	if err != nil {
		return nil, nil, "", err
	}
	rank := part.fit.target.Cols
	g, err := newGaussian(part.fit.moments(), chosen.rank(rank), chosen.penalty)
	if err != nil {
		return nil, nil, "", err
	}
	inner, err = g.mapping(rank, chosen.shrinkage)
	return m, inner, chosen.String() + "; ", err
}
