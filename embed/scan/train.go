package scan

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"engram/embed/grad"
	"engram/embed/internal/matrix"
	"engram/embed/onnx"
	"engram/embed/ort"

	"gonum.org/v1/gonum/blas/blas32"
)

// Data is what a decoder is trained on.
type Data struct {
	Voxels  blas32.General // [trials, V], betas as they were measured
	Images  []int          // for each trial the row of Targets that was seen
	Targets blas32.General // [images, T·D], embeddings of the images
	T, D    int
}

// Options say how a decoder is trained. The zero value trains the compact
// preset.
type Options struct {
	Preset string // default compact
	// Epochs is how often every trial is seen; default 100. Of the linear
	// preset, which is solved and not trained, it is ignored.
	Epochs int
	// Batch is how many trials a step sees; default 128, and never more than
	// there are. Trials that do not fill a batch wait for the next epoch's
	// shuffle.
	Batch int
	// LR is the highest learning rate of the one-cycle schedule; default 3e-4.
	LR float64
	// WeightDecay of matrices; default .01.
	WeightDecay float64
	// Temperature is τ of both losses; 0 takes the preset's: MindEye's for
	// mindeye1 (.006, then .004 to .0075), and .1 for compact, whose cosines are
	// of centred targets and spread wider.
	Temperature float64
	Seed        uint64
	Target      Target
	// Checkpoint is a folder in which training keeps its state after epochs,
	// and from which it goes on; "" keeps none.
	Checkpoint string
	// CheckpointEvery is the least time between two checkpoints; default 20
	// seconds. The last epoch is always kept.
	CheckpointEvery time.Duration
	Session         ort.SessionOptions
	Progress        func(Progress) // called after every epoch; may be nil
}

// Progress reports a finished epoch, counted from 1.
type Progress struct {
	Epoch, Epochs int
	Loss          float32 // mean over the epoch's steps
	Phase         string  // "BiMixCo" or "SoftCLIP"
}

const (
	mixupShare         = 1.0 / 3 // of the epochs train with BiMixCo (MindEye: .33)
	warmUpShare        = .1      // of the steps raise the learning rate
	compactTemperature = .1
	mixTemperature     = .006 // of BiMixCo in MindEye
)

func (o Options) withDefaults(trials int) Options {
	if o.Preset == "" {
		o.Preset = PresetCompact
	}
	if o.Epochs == 0 {
		o.Epochs = 100
	}
	if o.Batch == 0 {
		o.Batch = 128
	}
	o.Batch = min(o.Batch, trials)
	if o.CheckpointEvery == 0 {
		o.CheckpointEvery = 20 * time.Second
	}
	if o.LR == 0 {
		o.LR = 3e-4
	}
	if o.WeightDecay == 0 {
		o.WeightDecay = .01
	}
	if o.Temperature == 0 && o.Preset != PresetMindEye1 {
		o.Temperature = compactTemperature
	}
	return o
}

// temperature returns τ in an epoch of a phase that has epochs.
func (o Options) temperature(soft bool, epoch, epochs int) float32 {
	switch {
	case o.Temperature > 0:
		return float32(o.Temperature)
	case soft:
		return float32(SoftTemperature(epoch, epochs))
	}
	return mixTemperature
}

func (d Data) check() error {
	if err := matrix.Check(d.Voxels, voxelNames()); err != nil {
		return err
	}
	if err := matrix.Check(d.Targets, matrix.Names{Matrix: "targets", Row: "image", Col: "element"}); err != nil {
		return err
	}
	if len(d.Images) != d.Voxels.Rows {
		return fmt.Errorf("scan: wanted the image of each of %d trials, found %d", d.Voxels.Rows, len(d.Images))
	}
	if d.T < 1 || d.D < 1 || d.T*d.D != d.Targets.Cols {
		return fmt.Errorf("scan: targets have %d elements, want %d tokens of %d", d.Targets.Cols, d.T, d.D)
	}
	for trial, image := range d.Images {
		if image < 0 || image >= d.Targets.Rows {
			return fmt.Errorf("scan: trial %d saw image %d, the targets hold images 0 to %d", trial, image, d.Targets.Rows-1)
		}
	}
	if seen := len(trialsByImage(d.Images)); seen < 3 {
		return fmt.Errorf("scan: training needs trials of 3 images at least, found %d", seen)
	}
	return nil
}

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
	config, err := PresetConfig(opts.Preset, data.Voxels.Cols, data.T, data.D)
	if err != nil {
		return nil, err
	}
	config.Target = opts.Target
	if config.Target.Bundle == "" {
		config.Target = unnamedTarget(data.Targets)
	}
	t := &training{rt: rt, opts: opts, images: data.Images}
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

// unnamedTarget names the space of embeddings that came without a bundle by
// their own content.
func unnamedTarget(targets blas32.General) Target {
	sum := sha256.New()
	for i := range targets.Rows {
		for _, x := range matrix.Row(targets, i) {
			var b [4]byte
			binary.LittleEndian.PutUint32(b[:], math.Float32bits(x))
			sum.Write(b[:])
		}
	}
	return Target{Bundle: hex.EncodeToString(sum.Sum(nil)), BundleName: "embeddings without a bundle"}
}

// training is one run of Train.
type training struct {
	rt     *ort.Runtime
	opts   Options
	images []int
	voxels blas32.General       // [trials, V], z-scored
	ridge  blas32.General       // [trials, Rank], predicted from trials of other images; empty without components
	target blas32.General       // [images, Rank or T·D], what the loss compares with
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
	t.voxels = pickRows(data.Voxels, all(data.Voxels.Rows))
	if err := z.Apply(t.voxels); err != nil {
		return err
	}
	t.fixed = map[string][]float32{meanName: z.Mean, scaleName: z.Scale}
	t.target = data.Targets
	if config.Rank == 0 {
		return nil
	}
	seen := make([]int, 0, len(data.Images))
	for _, trials := range trialsByImage(data.Images) {
		seen = append(seen, data.Images[trials[0]])
	}
	c, err := findComponents(pickRows(data.Targets, seen), config.Rank, t.opts.Seed)
	if err != nil {
		return err
	}
	config.Rank = c.basis.Rows
	t.target = c.scores(data.Targets)
	r, err := fitScores(ctx, t.voxels, pickRows(t.target, data.Images), data.Images, t.opts.Seed)
	if err != nil {
		return err
	}
	t.ridge = r.LeftOut
	t.fixed[basisName], t.fixed[targetMean] = c.basis.Data, c.mean
	t.fixed[ridgeWeight] = r.Weights.Data
	t.fixed[ridgeBias] = r.bias()
	return nil
}

// bias returns what the ridge predicts for a trial of zeros.
func (r *Ridge) bias() []float32 {
	out := slices.Clone(r.TargetMean)
	for v, mean := range r.VoxelMean {
		for j, w := range matrix.Row(r.Weights, v) {
			out[j] -= mean * w
		}
	}
	return out
}

func all(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

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
	voxels := grad.Rows(g.Data(voxelsName, onnx.Float, t.voxels.Rows, t.voxels.Cols), trial)
	target := grad.Rows(g.Data(targetName, onnx.Float, t.target.Rows, t.target.Cols), g.Step(imageName, onnx.Int64, b))
	tau := g.Step(tauName, onnx.Float)
	var ridge, lambda, perm *grad.Node
	if c.Rank > 0 {
		ridge = grad.Rows(g.Data(ridgeName, onnx.Float, t.ridge.Rows, t.ridge.Cols), trial)
	}
	if !soft {
		lambda, perm = g.Step(lambdaName, onnx.Float, b), g.Step(permName, onnx.Int64, b)
		voxels = mixed(voxels, lambda, perm)
		if ridge != nil { // the ridge is linear, so that mixing its scores is mixing its voxels
			ridge = mixed(ridge, lambda, perm)
		}
	}
	var predicted *grad.Node
	if c.Rank > 0 {
		predicted = l.scores(voxels, ridge)
	} else {
		predicted = l.project(l.backbone(voxels))
	}
	if soft {
		return softCLIP(predicted, target, tau)
	}
	return biMixCo(predicted, target, lambda, perm, tau)
}

// mixed returns λ_i·x_i + (1-λ_i)·x_perm(i).
func mixed(x, lambda, perm *grad.Node) *grad.Node {
	lambda = grad.Reshape(lambda, lambda.Shape()[0], 1)
	partner := grad.Rows(x, perm)
	return grad.Add(partner, grad.Mul(lambda, grad.Sub(x, partner)))
}

// train runs the epochs, from the checkpoint where there is one.
func (t *training) train(ctx context.Context, c Config) error {
	mixEpochs := int(mixupShare * float64(t.opts.Epochs))
	phases := []phase{
		{name: "BiMixCo", to: mixEpochs},
		{name: "SoftCLIP", soft: true, from: mixEpochs, to: t.opts.Epochs},
	}
	params := t.loss(c, true).Graph().Params()
	state := grad.NewState(params, c.initialise(t.opts.Seed))
	keeper, err := t.openCheckpoint(c, state, params)
	if err != nil {
		return err
	}
	for _, p := range phases {
		if p.from == p.to || len(t.losses) >= p.to {
			continue
		}
		if err := t.run(ctx, p, c, state, keeper); err != nil {
			return err
		}
	}
	for name, values := range state.Values {
		t.fixed[name] = values
	}
	return nil
}

// phase is a span of epochs with one loss.
type phase struct {
	name     string
	soft     bool
	from, to int
}

// run trains the epochs of a phase that are not done yet.
func (t *training) run(ctx context.Context, p phase, c Config, state *grad.State, keeper *checkpoint) error {
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
		if err := keeper.save(state, t.losses, t.opts.Epochs); err != nil {
			return err
		}
		if t.opts.Progress != nil {
			t.opts.Progress(Progress{Epoch: e + 1, Epochs: t.opts.Epochs, Loss: mean, Phase: p.name})
		}
	}
	return nil
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
	in.Data = ort.Tensors{voxelsName: tensor(t.voxels), targetName: tensor(t.target)}
	if c.Rank > 0 {
		in.Data[ridgeName] = tensor(t.ridge)
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

// tensor wraps a matrix without gaps.
func tensor(m blas32.General) *ort.Tensor {
	return &ort.Tensor{Shape: []int64{int64(m.Rows), int64(m.Cols)}, Data: m.Data[:m.Rows*m.Cols]}
}
