package recon

import (
	"context"
	"fmt"
	"math/rand/v2"

	"engram/data/progress"
	"engram/embed"
	"engram/embed/ort"
	"engram/embed/pixels"
	"engram/recon/diffusion"
)

// draw makes the candidates of all scans: all candidates of one scan, then all of
// the next.
func (r *Reconstructor) draw(ctx context.Context, tokens []embed.Tokens, opts Options) ([]*pixels.Image, error) {
	start := r.noise(opts)
	n := len(tokens) * opts.Candidates
	images := make([]*pixels.Image, 0, n)
	batches := (n + opts.Batch - 1) / opts.Batch
	for b := range batches {
		var x, condition []float32
		for at := b * opts.Batch; at < min((b+1)*opts.Batch, n); at++ {
			x = append(x, start[at%opts.Candidates]...)
			condition = append(condition, tokens[at/opts.Candidates].Data...)
		}
		how := diffusion.Sampling{Steps: opts.Steps, Guidance: opts.Guidance}
		how.Progress = func(r progress.Report) {
			r.Stage, r.Done, r.Total = ReconstructingStage, int64(b)*r.Total+r.Done, int64(batches)*r.Total
			opts.Progress.Report(r)
		}
		if err := r.schedule.Sample(ctx, x, how, r.predict(condition)); err != nil {
			return nil, err
		}
		made, err := r.decode(ctx, x)
		if err != nil {
			return nil, err
		}
		images = append(images, made...)
	}
	return images, nil
}

// noise returns what each candidate begins as.
func (r *Reconstructor) noise(opts Options) [][]float32 {
	start := make([][]float32, opts.Candidates)
	for c := range start {
		rng := rand.New(rand.NewPCG(opts.Seed, uint64(c)))
		start[c] = make([]float32, r.channels*r.side*r.side)
		for i := range start[c] {
			start[c][i] = float32(rng.NormFloat64())
		}
	}
	return start
}

// predict returns what runs the denoiser on latents, each with its tokens of
// condition, [n, T, D], or with zeros, which ask for any picture.
func (r *Reconstructor) predict(condition []float32) diffusion.Predict {
	none := make([]float32, len(condition))
	return func(ctx context.Context, x []float32, step int, conditioned bool) ([]float32, error) {
		tokens := none
		if conditioned {
			tokens = condition
		}
		n := len(condition) / (r.tokens * r.dim)
		times := make([]float32, n)
		for i := range times {
			times[i] = float32(step)
		}
		return r.denoiser.run(ctx, map[string]*ort.Tensor{
			"latent":  {Shape: r.latents(n), Data: x},
			"time":    {Shape: []int64{int64(n)}, Data: times},
			"context": {Shape: r.contexts(n), Data: tokens},
		})
	}
}

// decode turns latents as the denoiser knows them into pictures.
func (r *Reconstructor) decode(ctx context.Context, latents []float32) ([]*pixels.Image, error) {
	for i := range latents {
		latents[i] /= r.scale
	}
	n := len(latents) / (r.channels * r.side * r.side)
	values, err := r.decoder.run(ctx, map[string]*ort.Tensor{"latent": {Shape: r.latents(n), Data: latents}})
	if err != nil {
		return nil, err
	}
	if at := embed.FirstNotFinite(values); at >= 0 {
		return nil, fmt.Errorf("%s makes pictures with the value %v: %w", r.decoder.model.File, values[at], embed.ErrNotFinite)
	}
	images := make([]*pixels.Image, n)
	for i := range images {
		if images[i], err = r.picture.Image(values[i*len(values)/n:][:len(values)/n]); err != nil {
			return nil, err
		}
	}
	return images, nil
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
