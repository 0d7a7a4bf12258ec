package scan

import (
	"context"
	"fmt"
	"maps"
	"math"

	"engram/embed/grad"
	"engram/embed/internal/matrix"
	"engram/embed/ort"

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
	config.Target = opts.Target
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
	fixed  map[string][]float32 // the decoder's arrays, at first those that are solved
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
		t.gains = firstGains(t.ridge, t.target, data.Images, t.fixed[ridgeScale], t.opts.Seed)
	}
	return nil
}

// train runs the epochs, from the checkpoint where there is one.
func (t *training) train(ctx context.Context, c Config) error {
	mixEpochs := int(mixupShare * float64(t.opts.Epochs))
	phases := []phase{
		{name: "BiMixCo", to: mixEpochs},
		{name: "SoftCLIP", soft: true, from: mixEpochs, to: t.opts.Epochs},
	}
	params := t.loss(c, true).Graph().Params()
	keep, state, err := t.openCheckpoint(c, params, func() *grad.State {
		return grad.NewState(params, c.initialise(t.opts.Seed, t.gains))
	})
	if err != nil {
		return err
	}
	for _, p := range phases {
		if p.from == p.to || len(t.losses) >= p.to {
			continue
		}
		if err := t.run(ctx, p, c, state, keep); err != nil {
			return err
		}
	}
	maps.Copy(t.fixed, state.Snapshot().Values)
	return nil
}

// phase is a span of epochs with one loss.
type phase struct {
	name     string
	soft     bool
	from, to int
}

// run trains the epochs of a phase that are not done yet.
func (t *training) run(ctx context.Context, p phase, c Config, state *grad.State, keep *keeper) error {
	epoch, err := grad.NewEpoch(t.rt, t.loss(c, p.soft), grad.EpochOptions{
		Optimizer: grad.AdamW{WeightDecay: t.opts.WeightDecay}, Session: t.opts.Session,
	})
	if err != nil {
		return err
	}
	defer epoch.Close()
	for e := len(t.losses); e < p.to; e++ {
		losses, _, err := epoch.Run(ctx, state, t.inputs(p, c, e))
		if err != nil {
			return fmt.Errorf("scan: epoch %d of %d: %w", e+1, t.opts.Epochs, err)
		}
		var mean float32
		for _, x := range losses {
			mean += x / float32(len(losses))
		}
		if mean-mean != 0 {
			return fmt.Errorf("scan: epoch %d of %d: the loss is %v; want a lower learning rate than %v", e+1, t.opts.Epochs, mean, t.opts.LR)
		}
		t.losses = append(t.losses, mean)
		if err := keep.save(state, t.losses, t.opts.Epochs); err != nil {
			return err
		}
		if t.opts.Progress != nil {
			t.opts.Progress(Progress{Epoch: e + 1, Epochs: t.opts.Epochs, Loss: mean, Phase: p.name})
		}
	}
	return nil
}
