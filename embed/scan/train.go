package scan

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"

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
	if err := data.check(); err != nil {
		return nil, err
	}
	opts = opts.withDefaults(data.Voxels.Rows)
	if err := opts.check(); err != nil {
		return nil, err
	}
	config, err := PresetConfig(opts.Preset, data.Voxels.Cols, data.T, data.D)
	if err != nil {
		return nil, err
	}
	config.Target, config.Order = opts.Target, opts.Order
	if !config.Target.Known() {
		config.Target = unnamedTarget(data.Targets)
	}
	if err := config.checkSize(len(data.seen())); err != nil {
		return nil, err
	}
	t := &training{rt: rt, opts: opts, images: data.Images}
	if opts.Checkpoint != "" {
		t.data = data.fingerprint()
	}
	if err := t.prepare(ctx, &config, data); err != nil {
		return nil, err
	}
	if config.Width > 0 {
		if err := t.train(ctx, config); err != nil {
			return nil, err
		}
	}
	return &Model{Config: config, Values: t.fixed, Losses: t.losses}, nil
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

// training is one run of Train.
type training struct {
	rt     *ort.Runtime
	opts   Options
	data   string // fingerprint of what it is trained on, for the checkpoint
	images []int
	voxels blas32.General       // [trials, V], z-scored
	ridge  blas32.General       // [trials, Rank], standardised, predicted from trials of other images; empty where no network reads them
	target blas32.General       // [images, Rank or T·D], what the loss compares with
	gains  []float32            // [Rank], logarithms of what the ridge's scores begin with; see firstGains
	fixed  map[string][]float32 // the decoder's arrays: first what is solved, then what is trained
	losses []float32            // of the epochs
}

// prepare z-scores the voxels and solves what is solved in closed form. It sets
// config.Rank to the components that there are.
func (t *training) prepare(ctx context.Context, config *Config, data Data) error {
	z, err := FitZScore(data.Voxels)
	if err != nil {
		return err
	}
	t.voxels = matrix.Clone(data.Voxels)
	if err := z.Apply(t.voxels); err != nil {
		return err
	}
	t.fixed = map[string][]float32{meanName: z.Mean, scaleName: z.Scale}
	t.target = data.Targets
	if config.Rank == 0 {
		return nil
	}
	c, err := findComponents(matrix.Pick(data.Targets, data.seen()), config.Rank, t.opts.Seed)
	if err != nil {
		return err
	}
	config.Rank = c.basis.Rows
	t.target = c.scores(data.Targets)
	r, err := t.fitScores(ctx, t.voxels, matrix.Pick(t.target, data.Images))
	if err != nil {
		return err
	}
	t.fixed[basisName], t.fixed[targetMean] = c.basis.Data, c.mean
	t.fixed[ridgeWeight] = r.Weights.Data
	t.fixed[ridgeBias] = r.bias()
	if config.Width > 0 {
		t.ridge = r.LeftOut
		t.fixed[ridgeScale] = standardise(t.ridge)
		t.gains = t.firstGains(t.fixed[ridgeScale])
	}
	return nil
}

// train runs the epochs of the network, from the checkpoint where there is one.
func (t *training) train(ctx context.Context, c Config) error {
	trained, err := t.loop(c).Run(ctx, t.rt)
	if err != nil {
		return err
	}
	t.losses = trained.Losses
	maps.Copy(t.fixed, trained.Values)
	return nil
}

// phase is a span of epochs with one loss.
type phase struct {
	soft     bool // SoftCLIP, else BiMixCo
	from, to int
}

// loop says how the network is trained: the first third of the epochs with
// BiMixCo, the others with SoftCLIP.
func (t *training) loop(c Config) train.Loop {
	all := t.opts.Epochs
	mixed := phase{to: int(mixupShare * float64(all))}
	soft := phase{soft: true, from: mixed.to, to: all}
	data := ort.Tensors{targetName: tensor(t.target)}
	if c.Rank > 0 {
		data[ridgeName] = tensor(t.ridge)
	} else {
		data[voxelsName] = tensor(t.voxels)
	}
	first, second := newLayers(c), newLayers(c)
	first.gains = t.gains
	return train.Loop{
		Name: "scan", Stage: TrainingStage, Data: data, Steps: t.steps(),
		Phases: []train.Phase{
			{Until: mixed.to, Loss: t.loss(first, mixed.soft), Inputs: t.inputs(mixed)},
			{Until: soft.to, Loss: t.loss(second, soft.soft), Inputs: t.inputs(soft)},
		},
		Optimizer:  grad.AdamW{WeightDecay: t.opts.WeightDecay},
		Schedule:   train.NewOneCycle(t.opts.LR, t.steps()*all, warmUpShare),
		Session:    t.opts.Session,
		Initialise: first.InitialiseInOrder(rand.New(rand.NewPCG(t.opts.Seed, 1))),
		Checkpoint: t.checkpoint(c),
		Progress:   t.opts.Progress,
	}
}
