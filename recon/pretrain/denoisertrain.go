package pretrain

import (
	"context"
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas/blas32"

	"engram/data/progress"
	"engram/data/scenes"
	"engram/embed/eval"
	"engram/embed/grad"
	"engram/embed/nn"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/pixels"
	"engram/recon/diffusion"
)

// Leaves and files of the denoiser.
const (
	timeName       = "time"
	contextName    = "context"
	targetName     = "target"
	predictionName = "prediction"
	denoiserFile   = "denoiser.onnx"
)

// unconditional is the share of scenes that the denoiser is trained on without
// their tokens, for classifier-free guidance (Ho and Salimans 2022, arXiv
// 2207.12598).
const unconditional = .1

// denoiserNetwork is the denoiser in training.
type denoiserNetwork struct {
	shape    DenoiserShape
	recipe   Recipe
	seed     uint64
	held     int
	schedule *diffusion.Schedule
	rt       *ort.Runtime
	*teachers
}

func (d *denoiserNetwork) loss(n *nn.Net, batch int) *grad.Node {
	return grad.Mean(d.squares(n, n.Graph().Step(contextName, onnx.Float, batch, d.shape.Tokens, d.shape.Dim)))
}

// squares returns the squared errors of the prediction for contexts [B, T, D], [B, C, h, w].
func (d *denoiserNetwork) squares(n *nn.Net, contexts *grad.Node) *grad.Node {
	g, s, batch := n.Graph(), d.shape, contexts.Shape()[0]
	predicted := s.denoise(n, g.Step(latentName, onnx.Float, batch, s.Channels, s.Side, s.Side),
		g.Step(timeName, onnx.Float, batch), contexts)
	miss := grad.Sub(predicted, g.Step(targetName, onnx.Float, batch, s.Channels, s.Side, s.Side))
	return grad.Mul(miss, miss)
}

// inputs draws the scenes of an epoch and lets the teachers encode them.
func (d *denoiserNetwork) inputs(ctx context.Context, epoch int) (ort.Tensors, error) {
	n := d.recipe.Steps * d.recipe.Batch
	latents, tokens, err := d.encode(ctx, source{d.seed, scenes.Train, d.autoencoder.ImageSize}, epoch*n, n)
	if err != nil {
		return nil, err
	}
	in, _ := d.noised(latents, tokens, rand.New(rand.NewPCG(d.seed, uint64(epoch))))
	return in, nil
}

// noised returns the Step inputs of an epoch of latents, [n, C, h, w], and tokens, [n, T, D],
// and changes both: x = √ᾱ·x₀ + √(1-ᾱ)·ε, for which the network is to find
// v = √ᾱ·ε - √(1-ᾱ)·x₀. Some contexts are zeros, and empty says which.
func (d *denoiserNetwork) noised(latents, tokens []float32, rng *rand.Rand) (in ort.Tensors, empty []bool) {
	n := d.recipe.Steps * d.recipe.Batch
	empty = make([]bool, n)
	target, times := make([]float32, len(latents)), make([]float32, n)
	width, tokenWidth := len(latents)/n, len(tokens)/n
	for i := range n {
		step := rng.IntN(d.schedule.Steps())
		times[i] = float32(step)
		if rng.Float64() < unconditional {
			empty[i] = true
			clear(tokens[i*tokenWidth:][:tokenWidth])
		}
		a, b := d.schedule.At(step)
		for k := i * width; k < (i+1)*width; k++ {
			x0, e := float64(latents[k]), rng.NormFloat64()
			latents[k], target[k] = float32(a*x0+b*e), float32(a*e-b*x0)
		}
	}
	steps, batch, s := int64(d.recipe.Steps), int64(d.recipe.Batch), d.shape
	shape := []int64{steps, batch, int64(s.Channels), int64(s.Side), int64(s.Side)}
	return ort.Tensors{
		latentName:  {Shape: shape, Data: latents},
		targetName:  {Shape: shape, Data: target},
		timeName:    {Shape: []int64{steps, batch}, Data: times},
		contextName: {Shape: []int64{steps, batch, int64(s.Tokens), int64(s.Dim)}, Data: tokens},
	}, empty
}

// encode returns the latents, [n, C, h, w], and the tokens, [n, T, D], of
// scenes.
func (d *denoiserNetwork) encode(ctx context.Context, from source, first, n int) (latents, tokens []float32, err error) {
	b, err := draw(ctx, from, first, n)
	if err != nil {
		return nil, nil, err
	}
	size := int64(d.autoencoder.ImageSize)
	if latents, err = infer(ctx, d.encoder, b.floats(), 3, size, size); err != nil {
		return nil, nil, err
	}
	for i := range latents {
		latents[i] *= float32(d.autoencoder.Latent.Scale)
	}
	list, err := d.clip.EncodeTokens(ctx, b.images())
	if err != nil {
		return nil, nil, err
	}
	tokens = make([]float32, 0, n*d.shape.Tokens*d.shape.Dim)
	for _, t := range list {
		tokens = append(tokens, t.Data...)
	}
	return latents, tokens, nil
}

func (d *denoiserNetwork) export(values map[string][]float32) (map[string][]byte, error) {
	n, s := newNet(), d.shape
	g := n.Graph()
	predicted := s.denoise(n, g.Data(latentName, onnx.Float, grad.Batch, s.Channels, s.Side, s.Side),
		g.Data(timeName, onnx.Float, grad.Batch), g.Data(contextName, onnx.Float, grad.Batch, s.Tokens, s.Dim))
	return exportFiles(values, map[string]map[string]*grad.Node{denoiserFile: {predictionName: predicted}})
}

// How held-out scores are sampled.
const (
	sampleSteps    = 20
	sampleGuidance = 1.5 // weight of the condition in classifier-free guidance
)

// score is identified for the true tokens of held-out scenes.
func (d *denoiserNetwork) score(ctx context.Context, models map[string][]byte, last bool) ([]progress.Figure, error) {
	n := d.held
	if !last {
		n = min(n, scoreBatch)
	}
	_, tokens, err := d.encode(ctx, source{d.seed, scenes.Test, d.autoencoder.ImageSize}, 0, n)
	if err != nil {
		return nil, err
	}
	return d.identified(ctx, models, tokens, tokens)
}

// identified measures two-way identification: how often a picture that was made of a scene's
// tokens is, to the CLIP, more like that scene, whose tokens are seen, than like another.
func (d *denoiserNetwork) identified(ctx context.Context, models map[string][]byte, tokens, truth []float32) ([]progress.Figure, error) {
	n := len(tokens) / (d.shape.Tokens * d.shape.Dim)
	model, err := session(d.rt, denoiserFile, models[denoiserFile])
	if err != nil {
		return nil, err
	}
	defer model.Close()
	s := sampler{model: model, schedule: d.schedule, shape: d.shape}
	latents, err := s.sample(ctx, tokens, d.seed)
	if err != nil {
		return nil, err
	}
	for i := range latents {
		latents[i] /= float32(d.autoencoder.Latent.Scale)
	}
	side := int64(d.shape.Side)
	made, err := infer(ctx, d.decoder, latents, int64(d.shape.Channels), side, side)
	if err != nil {
		return nil, err
	}
	pictures, err := images(made, n, d.autoencoder.ImageSize)
	if err != nil {
		return nil, err
	}
	vectors, err := d.clip.Encode(ctx, pictures)
	if err != nil {
		return nil, err
	}
	seen := blas32.General{Rows: n, Cols: d.shape.Dim, Stride: d.shape.Tokens * d.shape.Dim, Data: truth}
	found := blas32.General{Rows: n, Cols: d.shape.Dim, Stride: d.shape.Dim}
	for _, v := range vectors {
		found.Data = append(found.Data, v...)
	}
	similarity, err := eval.Similarity(ctx, eval.Cosine, seen, found)
	if err != nil {
		return nil, fmt.Errorf("pretrain: %w", err)
	}
	twoWay, err := eval.TwoWay(similarity)
	if err != nil {
		return nil, fmt.Errorf("pretrain: %w", err)
	}
	var cosine float64
	for i := range n {
		cosine += similarity.At(i, i) / float64(n)
	}
	return []progress.Figure{
		{Name: fmt.Sprintf("two-way identification of %d", n), Value: twoWay},
		{Name: "cosine to the true picture", Value: cosine},
	}, nil
}

// sampler draws latents from a denoiser.
type sampler struct {
	model    *ort.Session
	schedule *diffusion.Schedule
	shape    DenoiserShape
}

// sample returns a latent for the tokens, [n, T, D], of each of n pictures.
func (s sampler) sample(ctx context.Context, tokens []float32, seed uint64) ([]float32, error) {
	var all []float32
	width := s.shape.Channels * s.shape.Side * s.shape.Side
	tokenWidth := s.shape.Tokens * s.shape.Dim
	how := diffusion.Sampling{Solving: diffusion.Solving{Steps: sampleSteps}, Guidance: sampleGuidance}
	rng := rand.New(rand.NewPCG(seed, trainSteps))
	for ; len(tokens) > 0; tokens = tokens[min(scoreBatch*tokenWidth, len(tokens)):] {
		part := tokens[:min(scoreBatch*tokenWidth, len(tokens))]
		x := make([]float32, len(part)/tokenWidth*width)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		none := make([]float32, len(part))
		err := s.schedule.Sample(ctx, x, how, func(ctx context.Context, x []float32, time float64, conditioned bool) ([]float32, error) {
			if conditioned {
				return s.predict(ctx, x, part, time)
			}
			return s.predict(ctx, x, none, time)
		})
		if err != nil {
			return nil, fmt.Errorf("pretrain: %w", err)
		}
		all = append(all, x...)
	}
	return all, nil
}

// predict runs the denoiser once on latents at one time, in training steps.
func (s sampler) predict(ctx context.Context, x, tokens []float32, time float64) ([]float32, error) {
	c, side := int64(s.shape.Channels), int64(s.shape.Side)
	n := int64(len(x)) / (c * side * side)
	times := make([]float32, n)
	for i := range times {
		times[i] = float32(time)
	}
	out := ort.Tensors{predictionName: nil}
	err := s.model.Run(ctx, ort.Tensors{
		latentName:  {Shape: []int64{n, c, side, side}, Data: x},
		timeName:    {Shape: []int64{n}, Data: times},
		contextName: {Shape: []int64{n, int64(s.shape.Tokens), int64(s.shape.Dim)}, Data: tokens},
	}, out)
	if err != nil {
		return nil, err
	}
	return out[predictionName].Data.([]float32), nil // of a model that this package made
}

// images turns n pictures as the models make them, [n, 3, S, S], into bytes.
func images(values []float32, n, size int) ([]*pixels.Image, error) {
	p := preprocess()
	how := pixels.Options{Size: size, Range: p.Range, Mean: p.Mean, Std: p.Std}
	out := make([]*pixels.Image, n)
	for i := range out {
		var err error
		if out[i], err = how.Image(values[i*3*size*size:][:3*size*size]); err != nil {
			return nil, fmt.Errorf("pretrain: %w", err)
		}
	}
	return out, nil
}
