package pretrain

import (
	"context"
	"math"
	"slices"

	"engram/data/progress"
	"engram/data/scenes"
	"engram/embed/grad"
	"engram/embed/nn"
	"engram/embed/onnx"
	"engram/embed/ort"
)

// AutoencoderShape is the shape of a patch autoencoder.
type AutoencoderShape struct {
	ImageSize int            `json:"image_size"`
	Patch     int            `json:"patch"` // pixels a side that become one latent pixel
	Width     int            `json:"width"`
	Layers    nn.Transformer `json:"layers"`   // of the encoder, and of the decoder
	Channels  int            `json:"channels"` // of a latent pixel
	// Details are more channels of a latent pixel, behind the others, for what transformers over
	// patches leave out; 0: none. Stem has the channels of the convolutions that go with them,
	// each on a grid of half the side of the one before.
	Details int   `json:"details,omitempty"`
	Stem    []int `json:"stem,omitempty"`
}

// latents returns the channels of a latent pixel, the details among them.
func (s AutoencoderShape) latents() int { return s.Channels + s.Details }

// side returns the latent's pixels a side.
func (s AutoencoderShape) side() int { return s.ImageSize / s.Patch }

// encode maps pixels [n, 3, S, S] to latent pixels [n, (S/p)², C]. Each is
// normalised to mean 0 and variance 1, so that a latent image has the size that
// diffusion wants, whatever was trained.
func (s AutoencoderShape) encode(n *nn.Net, pixels *grad.Node) *grad.Node {
	x := n.Linear("encoder.patch", nn.Patches(pixels, s.Patch), s.Width)
	if s.Details == 0 {
		return s.coarse(n, x)
	}
	stem := s.stem(n, pixels)
	latent := s.coarse(n, grad.Add(x, n.LinearFrom("encoder.stem.patch", stem, s.Width, nn.Zeros)))
	details := grad.Add(n.Linear("encoder.detail", nn.Patches(pixels, s.Patch), s.Details),
		n.LinearFrom("encoder.stem.detail", stem, s.Details, nn.Zeros))
	return normalised(grad.Concat(2, latent, details))
}

// coarse maps embedded patches to the channels of latent pixels that are not details.
func (s AutoencoderShape) coarse(n *nn.Net, x *grad.Node) *grad.Node {
	x = grad.Add(x, n.Table("encoder.position", s.side()*s.side(), s.Width))
	x = n.Norm("encoder.norm", n.Transformer("encoder", x, nil, s.Layers))
	return normalised(n.Linear("encoder.latent", x, s.Channels))
}

// normalised gives each latent pixel mean 0 and variance 1.
func normalised(x *grad.Node) *grad.Node {
	shape := x.Shape()
	channels := shape[len(shape)-1]
	g := x.Graph()
	ones := slices.Repeat([]float32{1}, channels)
	return grad.LayerNorm(x, g.Array(ones, channels), g.Array(make([]float32, channels), channels), nn.NormEpsilon)
}

// decode maps latent pixels [n, (S/p)², C] to pixels [n, 3, S, S].
func (s AutoencoderShape) decode(n *nn.Net, latent *grad.Node) *grad.Node {
	if s.Details > 0 {
		return s.paint(n, latent)
	}
	return nn.Unpatches(s.patches(n, s.decoded(n, n.Linear("decoder.latent", latent, s.Width))), s.Patch)
}

// decoded maps embedded latent pixels to what patches are painted of, [n, (S/p)², width].
func (s AutoencoderShape) decoded(n *nn.Net, x *grad.Node) *grad.Node {
	x = grad.Add(x, n.Table("decoder.position", s.side()*s.side(), s.Width))
	return n.Norm("decoder.norm", n.Transformer("decoder", x, nil, s.Layers))
}

// patches paints patches, [n, (S/p)², 3·p·p].
func (s AutoencoderShape) patches(n *nn.Net, decoded *grad.Node) *grad.Node {
	return n.Linear("decoder.patch", decoded, 3*s.Patch*s.Patch)
}

// latentNoise is the standard deviation of the noise on latents in training: the
// decoder learns to forgive what a denoiser gets slightly wrong.
const latentNoise = .1

// noisy adds noise of a standard deviation to latents, another in each step.
func noisy(latent *grad.Node, deviation float64) *grad.Node {
	g := latent.Graph()
	noise := grad.Sub(grad.Uniform(g.Step(seedName, onnx.Int64), latent.Shape()...), g.Const(.5))
	return grad.Add(latent, grad.Scale(noise, float32(deviation*math.Sqrt(12)))) // uniform numbers have deviation 1/√12
}

// Leaves and files of the autoencoder.
const (
	seedName    = "seed"
	latentName  = "latent"
	outputName  = "image"
	encoderFile = "encoder.onnx"
	decoderFile = "decoder.onnx"
)

// autoencoderNetwork is the autoencoder in training.
type autoencoderNetwork struct {
	rt     *ort.Runtime
	shape  AutoencoderShape
	recipe Recipe
	seed   uint64
	held   int
}

func (a *autoencoderNetwork) loss(n *nn.Net, batch int) *grad.Node {
	g, size := n.Graph(), a.shape.ImageSize
	pixels := fromBytes(g.Step(bytesName, onnx.Uint8, batch, size, size, 3))
	latent := a.shape.encode(n, pixels)
	miss := grad.Sub(a.shape.decode(n, noisy(latent, latentNoise)), pixels)
	return grad.Mean(grad.Mul(miss, miss))
}

func (a *autoencoderNetwork) inputs(ctx context.Context, epoch int) (ort.Tensors, error) {
	n := a.recipe.Steps * a.recipe.Batch
	b, err := draw(ctx, source{a.seed, scenes.Train, a.shape.ImageSize}, epoch*n, n)
	if err != nil {
		return nil, err
	}
	seeds := make([]int64, a.recipe.Steps)
	for s := range seeds {
		seeds[s] = int64(epoch*a.recipe.Steps + s)
	}
	return ort.Tensors{
		bytesName: b.steps(a.recipe.Batch),
		seedName:  {Shape: []int64{int64(len(seeds))}, Data: seeds},
	}, nil
}

func (a *autoencoderNetwork) export(values map[string][]float32) (map[string][]byte, error) {
	encoder, decoder := newNet(), newNet()
	size, side := a.shape.ImageSize, a.shape.side()
	latent := a.shape.encode(encoder, encoder.Graph().Data(pixelsName, onnx.Float, grad.Batch, 3, size, size))
	in := decoder.Graph().Data(latentName, onnx.Float, grad.Batch, a.shape.latents(), side, side)
	pixels := a.shape.decode(decoder, nn.Patches(in, 1))
	return exportFiles(values, map[string]map[string]*grad.Node{
		encoderFile: {outputName: nn.Unpatches(latent, 1)}, decoderFile: {outputName: pixels},
	})
}

// score measures the peak signal-to-noise ratio of held-out pictures in dB, the
// mean over pictures, with 1 as the peak: values are cut off at 0…1.
func (a *autoencoderNetwork) score(ctx context.Context, models map[string][]byte, _ bool) ([]progress.Figure, error) {
	b, err := draw(ctx, source{a.seed, scenes.Test, a.shape.ImageSize}, 0, a.held)
	if err != nil {
		return nil, err
	}
	encoder, err := session(a.rt, encoderFile, models[encoderFile])
	if err != nil {
		return nil, err
	}
	defer encoder.Close()
	decoder, err := session(a.rt, decoderFile, models[decoderFile])
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	size, side := int64(a.shape.ImageSize), int64(a.shape.side())
	pixels := b.floats()
	latents, err := infer(ctx, encoder, pixels, 3, size, size)
	if err != nil {
		return nil, err
	}
	back, err := infer(ctx, decoder, latents, int64(a.shape.latents()), side, side)
	if err != nil {
		return nil, err
	}
	return []progress.Figure{{Name: "PSNR in dB", Value: psnr(pixels, back, len(b.scenes))}}, nil
}

// psnr compares n pictures with values in -1…1.
func psnr(want, got []float32, n int) float64 {
	width := len(want) / n
	var sum float64
	for i := range n {
		var squares float64
		for k := i * width; k < (i+1)*width; k++ {
			d := (float64(want[k]) - math.Max(-1, math.Min(1, float64(got[k])))) / 2
			squares += d * d
		}
		sum += -10 * math.Log10(math.Max(squares/float64(width), 1e-10))
	}
	return sum / float64(n)
}
