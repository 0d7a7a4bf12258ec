package prior

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"engram/data/space"
	"engram/embed"
	"engram/embed/model"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/recon/diffusion"
)

// NetworkFolder is the name of the folder of a diffusion prior in the folder of its decoder.
const NetworkFolder = "prior"

// The ways to sample.
const (
	DDPM = "ddpm" // with new noise at every step (Ho et al. 2020, arXiv 2006.11239)
	DDIM = "ddim" // without (Song et al. 2021, arXiv 2010.02502)
)

// Sampler draws tokens as images have them where a decoder predicts tokens. It is safe for
// concurrent use.
type Sampler struct {
	session     *ort.Session
	fingerprint string
	t, d        int
	graph       model.Graph
	schedule    *diffusion.Schedule
	scale       model.TokenScale
	sampling    model.Sampling
}

// OpenSampler opens a model of kind prior, for the tokens of a space. One of another space
// gives ErrOther, and a folder without a model fs.ErrNotExist.
func OpenSampler(rt *ort.Runtime, dir string, target space.Space, opts ort.SessionOptions) (*Sampler, error) {
	m, err := model.Open(dir)
	if err != nil {
		return nil, err
	}
	switch {
	case m.Kind != model.Prior:
		return nil, fmt.Errorf("prior: %s is a model of kind %s, wanted prior", dir, m.Kind)
	case m.Target != target.Fingerprint:
		return nil, fmt.Errorf("prior: %s makes tokens of the space %.12s, wanted %s: %w", dir, m.Target, target, ErrOther)
	}
	s, err := newSampler(m.Manifest)
	if err != nil {
		return nil, fmt.Errorf("prior: %s: %w", dir, err)
	}
	s.fingerprint = m.Fingerprint()
	s.session, err = rt.OpenFile(m.GraphPath("prior"), s.options(opts))
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Open makes a sampler of a network in memory. It has no fingerprint.
func (n *Network) Open(rt *ort.Runtime, opts ort.SessionOptions) (*Sampler, error) {
	content, err := n.onnx()
	if err != nil {
		return nil, fmt.Errorf("prior: %w", err)
	}
	s, err := newSampler(n.manifest())
	if err != nil {
		return nil, fmt.Errorf("prior: %w", err)
	}
	s.session, err = rt.OpenBytes("prior", content, s.options(opts))
	if err != nil {
		return nil, err
	}
	return s, nil
}

func newSampler(m model.Manifest) (*Sampler, error) {
	s := &Sampler{t: m.T, d: m.D, graph: m.Graphs["prior"], scale: model.TokenScale{Factor: 1}}
	if m.Scale != nil {
		s.scale = *m.Scale
	}
	if m.Sampling != nil {
		s.sampling = *m.Sampling
	}
	s.sampling.Method = cmp.Or(s.sampling.Method, DDIM)
	s.sampling.Steps, s.sampling.Guidance = cmp.Or(s.sampling.Steps, min(20, m.Scheduler.Steps)), cmp.Or(s.sampling.Guidance, 1)
	var err error
	s.schedule, err = diffusion.New(*m.Scheduler)
	return s, err
}

// options adds what the model must take and give.
func (s *Sampler) options(opts ort.SessionOptions) ort.SessionOptions {
	shape := []int64{-1, int64(s.t), int64(s.d)}
	for _, name := range []string{"predicted", "noisy"} {
		opts.Inputs = append(opts.Inputs, ort.Spec{Name: s.graph.Inputs[name], Type: onnx.Float, Shape: shape})
	}
	opts.Inputs = append(opts.Inputs, ort.Spec{Name: s.graph.Inputs["time"], Type: onnx.Float, Shape: []int64{-1}})
	opts.Outputs = []ort.Spec{{Name: s.graph.Outputs["tokens"], Type: onnx.Float, Shape: shape}}
	return opts
}

// Close frees the model.
func (s *Sampler) Close() error { return s.session.Close() }

// Fingerprint returns the model's.
func (s *Sampler) Fingerprint() string { return s.fingerprint }

// SampleOptions say how tokens are drawn. Zero values are the model's own.
type SampleOptions struct {
	Samples int    // for each prediction; 0 means 1
	Method  string // DDPM or DDIM
	Steps   int    // up to the steps of the schedule
	Seed    uint64
}

// sampleBatch is how many tokens are drawn at once.
const sampleBatch = 16

// Sample returns the samples of each prediction, one after the other. Sample k begins as the
// same noise for every prediction, so that the samples of one do not depend on the others.
func (s *Sampler) Sample(ctx context.Context, predicted []embed.Tokens, opts SampleOptions) ([]embed.Tokens, error) {
	opts.Samples = cmp.Or(opts.Samples, 1)
	opts.Method, opts.Steps = cmp.Or(opts.Method, s.sampling.Method), cmp.Or(opts.Steps, s.sampling.Steps)
	if opts.Method != DDPM && opts.Method != DDIM || opts.Samples < 1 || opts.Steps < 1 || opts.Steps > s.schedule.Steps() {
		return nil, fmt.Errorf("prior: wanted 1 sample or more, the method %s or %s and 1 to %d steps, found %+v", DDIM, DDPM, s.schedule.Steps(), opts)
	}
	for i, p := range predicted {
		if p.T != s.t || p.D != s.d || len(p.Data) != s.t*s.d {
			return nil, fmt.Errorf("prior: prediction %d has %d×%d tokens (%d elements), the model wants %d×%d", i, p.T, p.D, len(p.Data), s.t, s.d)
		}
		if at := embed.FirstNotFinite(p.Data); at >= 0 {
			return nil, fmt.Errorf("prior: element %d of prediction %d is %v: %w", at, i, p.Data[at], embed.ErrNotFinite)
		}
	}
	var out []embed.Tokens
	all := len(predicted) * opts.Samples
	for first := 0; first < all; first += sampleBatch {
		b := batch{Sampler: s, opts: opts}
		for at := first; at < min(first+sampleBatch, all); at++ {
			b.add(predicted[at/opts.Samples], at%opts.Samples)
		}
		if err := b.run(ctx); err != nil {
			return nil, fmt.Errorf("prior: %w", err)
		}
		tokens, err := b.tokens()
		if err != nil {
			return nil, fmt.Errorf("prior: %w", err)
		}
		out = append(out, tokens...)
	}
	return out, nil
}

// batch is what is drawn at once.
type batch struct {
	*Sampler
	opts         SampleOptions
	predicted, x []float32
	noise        []*rand.Rand // of each sample
}

// add adds a sample of a prediction, which begins as noise.
func (b *batch) add(p embed.Tokens, sample int) {
	rng := rand.New(rand.NewPCG(b.opts.Seed, uint64(sample)))
	for _, v := range p.Data {
		b.predicted = append(b.predicted, v*float32(b.scale.Factor))
		b.x = append(b.x, float32(rng.NormFloat64()))
	}
	b.noise = append(b.noise, rng)
}

// run takes noise to clean tokens. Steps are spaced evenly and end at the first one of the
// schedule.
func (b *batch) run(ctx context.Context) error {
	n := b.schedule.Steps()
	for k := range b.opts.Steps {
		from, to := n-1-k*n/b.opts.Steps, n-1-(k+1)*n/b.opts.Steps
		clean, err := b.guided(ctx, float64(from))
		if err != nil {
			return err
		}
		if at := embed.FirstNotFinite(clean); at >= 0 {
			return fmt.Errorf("step %d of %d gives %v at element %d: %w", k+1, b.opts.Steps, clean[at], at, embed.ErrNotFinite)
		}
		b.step(clean, from, to)
	}
	return nil
}

// guided returns the clean tokens that the network predicts.
func (b *batch) guided(ctx context.Context, time float64) ([]float32, error) {
	with, err := b.Sampler.run(ctx, b.predicted, b.x, time)
	if err != nil || b.sampling.Guidance == 1 {
		return with, err
	}
	without, err := b.Sampler.run(ctx, make([]float32, len(b.predicted)), b.x, time)
	for i, w := range without {
		with[i] = w + float32(b.sampling.Guidance)*(with[i]-w)
	}
	return with, err
}

// step moves x from one step of the schedule to an earlier one, -1 for the clean tokens (Song
// et al. 2021, equations 12 and 16, with η of 0 for DDIM and 1 for DDPM).
func (b *batch) step(clean []float32, from, to int) {
	signal, noise := b.schedule.At(from)
	nextSignal, nextNoise := b.schedule.At(to)
	fresh := 0.
	if b.opts.Method == DDPM && to >= 0 {
		fresh = nextNoise / noise * math.Sqrt(max(0, 1-signal*signal/(nextSignal*nextSignal)))
	}
	kept := math.Sqrt(max(0, nextNoise*nextNoise-fresh*fresh))
	width := b.t * b.d
	for i, c := range clean {
		e := (float64(b.x[i]) - signal*float64(c)) / noise
		x := nextSignal*float64(c) + kept*e
		if fresh > 0 {
			x += fresh * b.noise[i/width].NormFloat64()
		}
		b.x[i] = float32(x)
	}
}

// tokens returns what was drawn, as the space has them.
func (b *batch) tokens() (out []embed.Tokens, err error) {
	width := b.t * b.d
	for i := range b.noise {
		t := embed.Tokens{T: b.t, D: b.d, Data: b.x[i*width:][:width:width]}
		scale := float32(1 / b.scale.Factor)
		if b.scale.UnitGlobal {
			length := embed.Norm(t.Data[:b.d])
			if length == 0 {
				return nil, errors.Join(errors.New("the global token that was drawn has no direction"), embed.ErrZero)
			}
			scale = float32(1 / length)
		}
		for k := range t.Data {
			t.Data[k] *= scale
		}
		out = append(out, t)
	}
	return out, nil
}

// run runs the network on scaled tokens, [n, T, D], at one time.
func (s *Sampler) run(ctx context.Context, predicted, noisy []float32, time float64) ([]float32, error) {
	n := int64(len(noisy) / (s.t * s.d))
	times := make([]float32, n)
	for i := range times {
		times[i] = float32(time)
	}
	shape := []int64{n, int64(s.t), int64(s.d)}
	name := s.graph.Outputs["tokens"]
	out := ort.Tensors{name: nil}
	err := s.session.Run(ctx, ort.Tensors{
		s.graph.Inputs["predicted"]: {Shape: shape, Data: predicted},
		s.graph.Inputs["noisy"]:     {Shape: shape, Data: noisy},
		s.graph.Inputs["time"]:      {Shape: []int64{n}, Data: times},
	}, out)
	if err != nil {
		return nil, err
	}
	return out[name].Data.([]float32), nil // which options has asked for
}
