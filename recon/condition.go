package recon

import (
	"math"
	"math/rand/v2"

	"engram/embed/model"
	"engram/embed/ort"
)

// condition is what a denoiser is given beside noisy latents and their time.
type condition map[string]*ort.Tensor

// condition returns the inputs for the tokens of n pictures, [n, T, D], and the embeddings
// in their labels, by the names of the model's kind.
func (r *Reconstructor) condition(tokens, embeddings []float32) condition {
	c := condition{}
	n := len(tokens) / (r.tokens * r.dim)
	if _, ok := r.inputs["context"]; ok {
		c["context"] = &ort.Tensor{Shape: r.contexts(n), Data: r.context(tokens, n)}
	}
	if _, ok := r.inputs["labels"]; ok {
		c["labels"] = &ort.Tensor{Shape: r.labels(n), Data: r.label(embeddings, n)}
	}
	for name, values := range r.given.Constants {
		data := make([]float32, 0, n*len(values))
		for range n {
			data = append(data, values...)
		}
		c[name] = &ort.Tensor{Shape: []int64{int64(n), int64(len(values))}, Data: data}
	}
	return c
}

// without returns a condition that asks for any picture: context and labels are
// zero, and the constants stay.
func (c condition) without() condition {
	none := condition{}
	for name, t := range c {
		if name == "context" || name == "labels" {
			t = &ort.Tensor{Shape: t.Shape, Data: make([]float32, len(t.Data.([]float32)))}
		}
		none[name] = t
	}
	return none
}

// context returns the tokens of each picture behind the empty text.
func (r *Reconstructor) context(tokens []float32, n int) []float32 {
	if r.given.ZeroText == 0 {
		return tokens
	}
	width := r.tokens * r.dim
	out := make([]float32, 0, n*(r.given.ZeroText*r.dim+width))
	for i := range n {
		out = append(out, make([]float32, r.given.ZeroText*r.dim)...)
		out = append(out, tokens[i*width:][:width]...)
	}
	return out
}

// label returns the embedding of each picture and what states its noise level.
func (r *Reconstructor) label(embeddings []float32, n int) []float32 {
	level := levelOf(r.given.NoiseLevel, r.dim)
	out := make([]float32, 0, 2*len(embeddings))
	for i := range n {
		out = append(append(out, embeddings[i*r.dim:][:r.dim]...), level...)
	}
	return out
}

// noised returns the embeddings of a batch with the noise that the model's labels state, a
// candidate's own for every scan (as StableUnCLIPPipeline.noise_image_embeddings of
// diffusers).
func (r *Reconstructor) noised(part batch, opts Options) []float32 {
	how := r.given.Noise
	if how == nil {
		return part.tokens
	}
	signal, noise := r.labelNoise.At(r.given.NoiseLevel)
	out := make([]float32, len(part.tokens))
	for i := range len(out) / r.dim {
		rng := rand.New(rand.NewPCG(opts.Seed, labelStream+uint64((part.first+i)%opts.Candidates)))
		for k, std := range how.Std {
			x := float64(part.tokens[i*r.dim+k]-how.Mean[k]) / float64(std)
			out[i*r.dim+k] = float32((signal*x+noise*rng.NormFloat64())*float64(std)) + how.Mean[k]
		}
	}
	return out
}

// labelStream is the first stream of random numbers of the noise in labels, behind the
// candidates' own.
const labelStream = 1 << 32

// labelScheduler is the schedule of the noise in labels.
func labelScheduler() model.Scheduler {
	return model.Scheduler{Steps: 1000, BetaSchedule: "cosine", Prediction: "epsilon"}
}

// levelOf states a level by d numbers: cosines and then sines of falling
// frequencies (Vaswani et al. 2017, arXiv 1706.03762, section 3.5; in unCLIP's
// order).
func levelOf(level, d int) []float32 {
	const longest = 10000
	out, half := make([]float32, d), d/2
	for k := range half {
		at := float64(level) * math.Pow(longest, -float64(k)/float64(half))
		out[k], out[half+k] = float32(math.Cos(at)), float32(math.Sin(at))
	}
	return out
}

// givenOf returns what a model says of its condition.
func givenOf(denoiser *model.Model) model.Condition {
	if denoiser.Condition == nil {
		return model.Condition{}
	}
	return *denoiser.Condition
}

// conditionShapes returns the shapes of a condition's tensors, by the names of the model's
// kind.
func (r *Reconstructor) conditionShapes(inputs map[string]string) map[string][]int64 {
	shapes := map[string][]int64{}
	if _, ok := inputs["context"]; ok {
		shapes["context"] = r.contexts(-1)
	}
	if _, ok := inputs["labels"]; ok {
		shapes["labels"] = r.labels(-1)
	}
	for name, values := range r.given.Constants {
		shapes[name] = []int64{-1, int64(len(values))}
	}
	return shapes
}

// contexts and labels are the shapes of n of them.
func (r *Reconstructor) contexts(n int) []int64 {
	return []int64{int64(n), int64(r.given.ZeroText + r.tokens), int64(r.dim)}
}

func (r *Reconstructor) labels(n int) []int64 { return []int64{int64(n), int64(2 * r.dim)} }
