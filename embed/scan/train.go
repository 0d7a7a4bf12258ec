package scan

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"engram/embed/grad"
	"engram/embed/internal/matrix"
	"engram/embed/ort"
	"engram/embed/train"

	"gonum.org/v1/gonum/blas/blas32"
)

// Train fits a decoder. Statistics, components, the ridge and its penalty come
// from the trials in data alone, so that what is kept out of data stays unseen.
// Equal data, options and seeds give equal decoders on one machine. A
// cancelled training returns the context's error; its checkpoint, where there
// is one, stays for the next call.
func Train(ctx context.Context, rt *ort.Runtime, data Data, opts Options) (*Model, error) {
	models, err := TrainPresets(ctx, rt, data, opts, []string{cmp.Or(opts.Preset, PresetAuto)})
	if err != nil {
		return nil, err
	}
	return models[0], nil
}

// TrainPresets fits a decoder of each preset. All that have a ridge share it, so that
// several cost little more than one. opts.Preset is not used. With a checkpoint, at
// most one of them may have a network.
func TrainPresets(ctx context.Context, rt *ort.Runtime, data Data, opts Options, presets []string) ([]*Model, error) {
	if err := data.check(ctx); err != nil {
		return nil, err
	}
	networks := slices.DeleteFunc(slices.Clone(presets), func(p string) bool { return slices.Contains(closedForms(), p) })
	if len(networks) > 1 && opts.Checkpoint != "" {
		return nil, fmt.Errorf("scan: a checkpoint holds the training of 1 network, wanted %s", strings.Join(networks, ", "))
	}
	if !opts.Target.Known() {
		if err := data.inMemory("training without a named target space"); err != nil {
			return nil, err
		}
		opts.Target = unnamedTarget(data.Targets)
	}
	trials, err := opts.trials(data)
	if err != nil {
		return nil, err
	}
	t := &training{rt: rt, source: data, images: data.Images, trials: trials}
	t.leaveOut = !opts.Unserved || !slices.Equal(presets, []string{PresetLinear})
	if opts.Checkpoint != "" {
		if err := data.inMemory("a checkpoint"); err != nil {
			return nil, err
		}
	}
	var models []*Model
	for _, preset := range presets {
		opts.Preset = preset
		t.opts = opts.withDefaults(data.Voxels.Rows)
		if err := t.opts.check(); err != nil {
			return nil, err
		}
		m, err := t.fit(ctx, data)
		if err != nil {
			return nil, err
		}
		models = append(models, m)
	}
	return models, nil
}

// fit fits the decoder of the options' preset.
func (t *training) fit(ctx context.Context, data Data) (*Model, error) {
	config, err := PresetConfig(t.opts.Preset, data.Voxels.Cols, data.T, data.D)
	if err != nil {
		return nil, err
	}
	config.Target, config.Order = t.opts.Target, t.opts.Order
	if err := config.checkSize(len(data.seen())); err != nil {
		return nil, err
	}
	if err := t.prepare(ctx, &config, data); err != nil {
		return nil, err
	}
	if config.Preset == PresetAuto {
		if config, err = t.choose(ctx, config); err != nil {
			return nil, err
		}
		if m := t.trained(config); m != nil {
			return m, nil
		}
	}
	m, err := t.finish(ctx, config)
	if err == nil {
		err = t.addFirstStage(ctx, m)
	}
	t.models = append(t.models, m)
	return m, err
}

// trained returns a model that auto chose, if it is one of the presets before, which
// were trained with the same options; else nil. The arrays are shared.
func (t *training) trained(chosen Config) *Model {
	for _, m := range t.models {
		if m.Config.Preset == chosen.Preset && m.Config.Loss == "" {
			same := *m
			same.Config.Chosen = strings.TrimSuffix(chosen.Chosen+"; "+m.Config.Chosen, "; ")
			return &same
		}
	}
	return nil
}

// finish fits what a decoder has beside the ridge.
func (t *training) finish(ctx context.Context, config Config) (*Model, error) {
	m := &Model{Config: config, Values: maps.Clone(t.fixed), leftOut: t.leftOut}
	if isRefinement(config.Preset) {
		return m, t.refine(ctx, m)
	}
	if config.Rank > 0 && config.Width == 0 {
		mapping, err := t.metric(ctx, &m.Config)
		if err != nil {
			return nil, err
		}
		if m.add(mapping); m.Config.Metric == MetricLikelihood {
			if err := t.calibrate(ctx, &m.Config); err != nil {
				return nil, err
			}
		}
	}
	if config.Width == 0 {
		return m, nil
	}
	trained, err := t.train(ctx, config)
	if err != nil {
		return nil, err
	}
	maps.Copy(m.Values, trained.Values)
	m.Losses = trained.Losses
	return m, nil
}

// checkSize refuses a decoder that could be trained on a number of images but
// not be saved: a model file holds at most 2 GiB.
func (c Config) checkSize(images int) error {
	c.Rank = min(c.Rank, images-1)
	if n := (&Model{Config: c}).Parameters(); n > math.MaxInt32/4 {
		return fmt.Errorf("scan: a %s decoder from %d voxels to %d×%d elements has %d parameters, a model file holds at most %d",
			c.Preset, c.Voxels, c.T, c.D, n, math.MaxInt32/4)
	}
	return nil
}

// training is one run of TrainPresets.
type training struct {
	rt     *ort.Runtime
	opts   Options
	source Data
	images []int
	trials *Trials // nil where nothing is solved
	// leaveOut says that left-out predictions are needed.
	leaveOut bool
	zscore   *ZScore        // of the trials
	voxels   blas32.General // [trials, V], z-scored; empty where no network reads them
	target   blas32.General // [images, Rank or T·D], what the loss compares with
	leftOut  *leftOutScores // of the ridge; nil before it is solved
	parts    []heldOut      // that choices are judged by; nil before the first choice
	judged   []shapeRanks   // of the parts
	// gaussian and its shape are the likelihood of all trials; nil before it is fitted.
	gaussian *mapping
	shape    gaussianShape
	models   []*Model             // of the presets before
	fixed    map[string][]float32 // the arrays that are solved
	ridge    blas32.General       // [trials, Rank], the left-out scores, standardised; empty where no network reads them
	gains    []float32            // [Rank], logarithms of what the ridge's scores begin with; see firstGains
}

// prepare z-scores the voxels and solves what is solved in closed form, unless a
// preset before did so. It sets config.Rank to the components that there are.
func (t *training) prepare(ctx context.Context, config *Config, data Data) error {
	if t.zscore == nil {
		var err error
		if t.zscore, err = t.trials.standard(ctx); err != nil {
			return err
		}
		t.fixed = map[string][]float32{meanName: t.zscore.Mean, scaleName: t.zscore.Scale}
	}
	if config.Rank == 0 {
		if err := data.inMemory("a decoder without components"); err != nil {
			return err
		}
		t.target = data.Targets
		t.voxels = matrix.Clone(data.Voxels)
		return t.zscore.Apply(t.voxels)
	}
	if t.leftOut == nil {
		if err := t.solve(ctx, config.Rank, data); err != nil {
			return err
		}
	}
	t.target = t.leftOut.target
	config.Rank = t.target.Cols
	return nil
}

// solve finds the components and solves the ridge.
func (t *training) solve(ctx context.Context, rank int, data Data) error {
	if err := data.size().checkWork(t.opts.Preset, t.trials.held()); err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	c, scores, err := findComponents(ctx, data, rank, t.opts)
	if err != nil {
		return err
	}
	r, err := t.trials.fit(ctx, matrix.Pick(scores, data.Images), RidgeOptions{LeaveOut: t.leaveOut, Progress: t.opts.Progress})
	if err != nil {
		return err
	}
	t.fixed[basisName], t.fixed[targetMean] = c.basis.Data, c.mean
	t.fixed[ridgeWeight], t.fixed[ridgeBias] = r.Weights.Data, r.bias()
	t.leftOut = &leftOutScores{predicted: r.LeftOut, target: scores, images: t.images, seed: t.opts.Seed}
	return nil
}

// train runs the epochs of the network, from the checkpoint where there is one.
func (t *training) train(ctx context.Context, c Config) (*Model, error) {
	values := map[string][]float32{}
	if c.Rank > 0 {
		t.ridge = matrix.Clone(t.leftOut.predicted)
		values[ridgeScale] = standardise(t.ridge)
		t.gains = t.leftOut.firstGains()
		if c.Loss == LossMSE {
			t.gains = undone(values[ridgeScale])
		}
	}
	trained, err := t.loop(c).Run(ctx, t.rt)
	if err != nil {
		return nil, err
	}
	maps.Copy(values, trained.Values)
	return &Model{Config: c, Values: values, Losses: trained.Losses}, nil
}

// phase is a span of epochs with one loss.
type phase struct {
	loss     string // of Losses, but LossMindEye
	from, to int
}

// loop says how the network is trained.
func (t *training) loop(c Config) train.Loop {
	all := t.opts.Epochs
	data := ort.Tensors{}
	if c.Rank > 0 {
		data[ridgeName] = tensor(t.ridge)
	} else {
		data[voxelsName] = tensor(t.voxels)
	}
	if c.Loss == LossGallery {
		newGallery(*t.leftOut).data(data)
	} else {
		data[targetName] = tensor(t.target)
	}
	loop := train.Loop{
		Name: "scan", Stage: TrainingStage, Data: data, Steps: t.steps(),
		Optimizer:  grad.AdamW{WeightDecay: t.opts.WeightDecay},
		Schedule:   train.NewOneCycle(t.opts.LR, t.steps()*all, warmUpShare),
		Session:    t.opts.Session,
		Checkpoint: t.checkpoint(c),
		Progress:   t.opts.Progress,
	}
	for i, p := range c.phases(all) {
		l := newLayers(c)
		if i == 0 {
			l.gains = t.gains
			loop.Initialise = l.InitialiseInOrder(rand.New(rand.NewPCG(t.opts.Seed, 1)))
		}
		loop.Phases = append(loop.Phases, train.Phase{Until: p.to, Loss: t.loss(l, p.loss), Inputs: t.inputs(p)})
	}
	return loop
}
