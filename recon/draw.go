package recon

import (
	"context"
	"math/rand/v2"
	"slices"

	"engram/data/progress"
	"engram/embed"
	"engram/embed/ort"
	"engram/embed/pixels"
	"engram/recon/diffusion"
)

// draw makes the candidates of all scans: all candidates of one scan, then all of
// the next.
func (r *Reconstructor) draw(ctx context.Context, tokens []embed.Tokens, opts Options) ([]*pixels.Image, error) {
	denoiser, err := r.denoiser.get()
	if err != nil {
		return nil, err
	}
	var starts []float32
	if opts.Starts != nil {
		if starts, err = r.Encode(ctx, opts.Starts, opts.Batch); err != nil {
			return nil, err
		}
	}
	noise, width := r.noise(opts), r.Elements()
	n := len(tokens)
	if !opts.Sampled {
		n *= opts.Candidates
	}
	images := make([]*pixels.Image, 0, n)
	batches := (n + opts.Batch - 1) / opts.Batch
	for b := range batches {
		part := batch{first: b * opts.Batch, number: b, of: batches}
		for at := part.first; at < min(part.first+opts.Batch, n); at++ {
			part.x = append(part.x, noise[at%opts.Candidates]...)
			part.tokens = append(part.tokens, opts.tokensOf(tokens, at).Data...)
			if starts != nil {
				part.start = append(part.start, starts[at/opts.Candidates*width:][:width]...)
			}
		}
		if err := r.schedule.Sample(ctx, part.x, r.sampled(ctx, part, opts), r.predict(denoiser.session, part, opts)); err != nil {
			return nil, err
		}
		made, err := r.Decode(ctx, part.x)
		if err != nil {
			return nil, err
		}
		images = append(images, made...)
	}
	return images, nil
}

// batch is what is drawn at once.
type batch struct {
	first      int       // candidate, counted over all scans
	number, of int       // of the batches
	x          []float32 // noise, which becomes latents
	tokens     []float32 // of each
	start      []float32 // latents to begin from, nil for noise
}

// sampled returns how a batch is sampled.
func (r *Reconstructor) sampled(ctx context.Context, part batch, opts Options) diffusion.Sampling {
	how := diffusion.Sampling{Solving: opts.solving(r.sampling), Guidance: opts.Guidance, Start: part.start, Strength: opts.Strength}
	steps := int64(opts.Steps)
	how.Progress = func(r progress.Report) {
		steps = r.Total
		r.Stage, r.Done, r.Total = ReconstructingStage, int64(part.number)*r.Total+r.Done, int64(part.of)*r.Total
		opts.Progress.Report(r)
	}
	if opts.Preview == nil {
		return how
	}
	how.Watch = func(step int, clean []float32) error {
		if step%opts.PreviewEvery != 0 {
			return nil
		}
		made, err := r.Decode(ctx, slices.Clone(clean))
		if err != nil {
			return err
		}
		return opts.Preview(Preview{Step: step, Steps: int(steps), First: part.first, Images: made})
	}
	return how
}

// noise returns what each candidate begins as.
func (r *Reconstructor) noise(opts Options) [][]float32 {
	start := make([][]float32, opts.Candidates)
	for c := range start {
		rng := rand.New(rand.NewPCG(opts.Seed, uint64(c)))
		start[c] = make([]float32, r.Elements())
		for i := range start[c] {
			start[c][i] = float32(rng.NormFloat64())
		}
	}
	return start
}

// predict returns what runs a denoiser on the latents of a batch, each with its tokens and the
// embedding in its labels, or with zeros, which ask for any picture. Every step uses the memory
// of the step before.
func (r *Reconstructor) predict(denoiser *ort.Session, part batch, opts Options) diffusion.Predict {
	with := r.condition(part.tokens, r.noised(part, opts))
	times := make([]float32, len(part.x)/r.Elements())
	output := denoiser.Outputs()[0].Name
	steps := map[bool]*step{true: r.step(with, times, output), false: r.step(with.without(), times, output)}
	return func(ctx context.Context, x []float32, time float64, conditioned bool) ([]float32, error) {
		for i := range times {
			times[i] = float32(time)
		}
		s := steps[conditioned]
		s.latent.Data = x
		err := denoiser.Run(ctx, s.in, s.out)
		return s.prediction, err
	}
}

// step is what one run of the denoiser reads and writes.
type step struct {
	in, out    ort.Tensors
	latent     *ort.Tensor // of in
	prediction []float32   // of out
}

// step returns a run for a condition, at times that it shares, with one output.
func (r *Reconstructor) step(given condition, times []float32, output string) *step {
	n, names := len(times), r.inputs
	s := &step{latent: &ort.Tensor{Shape: r.latents(n)}, prediction: make([]float32, n*r.Elements())}
	s.in = ort.Tensors{names["latent"]: s.latent, names["time"]: {Shape: []int64{int64(n)}, Data: times}}
	for name, t := range given {
		s.in[names[name]] = t
	}
	s.out = ort.Tensors{output: {Shape: s.latent.Shape, Data: s.prediction}}
	return s
}

// run runs a model, whose tensors have the names of the model's kind, and
// returns its only output.
func (n network) run(ctx context.Context, in map[string]*ort.Tensor) ([]float32, error) {
	inputs := ort.Tensors{}
	for name, t := range in {
		inputs[n.model.Inputs[name]] = t
	}
	output := n.session.Outputs()[0].Name
	out := ort.Tensors{output: nil}
	if err := n.session.Run(ctx, inputs, out); err != nil {
		return nil, err
	}
	return out[output].Data.([]float32), nil // which open has asked for
}
