package pretrain

import (
	"context"
	"fmt"
	"math"

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
	// Detail has the channels of the decoder's convolutions, each on a grid of twice the side
	// of the one before, the first of twice the latent's side. None: it paints patches alone.
	Detail []int `json:"detail,omitempty"`
}

// side returns the latent's pixels a side.
func (s AutoencoderShape) side() int { return s.ImageSize / s.Patch }

// encode maps pixels [n, 3, S, S] to latent pixels [n, (S/p)², C]. Each is
// normalised to mean 0 and variance 1, so that a latent image has the size that
// diffusion wants, whatever was trained.
func (s AutoencoderShape) encode(n *nn.Net, pixels *grad.Node) *grad.Node {
	x := n.Linear("encoder.patch", nn.Patches(pixels, s.Patch), s.Width)
	x = grad.Add(x, n.Table("encoder.position", s.side()*s.side(), s.Width))
	x = n.Norm("encoder.norm", n.Transformer("encoder", x, nil, s.Layers))
	x = n.Linear("encoder.latent", x, s.Channels)
	ones := make([]float32, s.Channels)
	for i := range ones {
		ones[i] = 1
	}
	return grad.LayerNorm(x, n.Graph().Array(ones, s.Channels), n.Graph().Array(make([]float32, s.Channels), s.Channels), nn.NormEpsilon)
}

// decode maps latent pixels to patches [n, (S/p)², 3·p·p].
func (s AutoencoderShape) decode(n *nn.Net, latent *grad.Node) *grad.Node {
	return n.Linear("decoder.patch", s.decoded(n, latent), 3*s.Patch*s.Patch)
}

// decoded maps latent pixels to what patches are painted of, [n, (S/p)², width].
func (s AutoencoderShape) decoded(n *nn.Net, latent *grad.Node) *grad.Node {
	x := n.Linear("decoder.latent", latent, s.Width)
	x = grad.Add(x, n.Table("decoder.position", s.side()*s.side(), s.Width))
	return n.Norm("decoder.norm", n.Transformer("decoder", x, nil, s.Layers))
}

// paint maps latent pixels to pixels [n, 3, S, S]: patches, and what convolutions add to them
// on ever finer grids, across the patches' borders.
func (s AutoencoderShape) paint(n *nn.Net, latent *grad.Node) *grad.Node {
	x := s.decoded(n, latent)
	patches := nn.Unpatches(n.Linear("decoder.patch", x, 3*s.Patch*s.Patch), s.Patch)
	if len(s.Detail) == 0 {
		return patches
	}
	x = grad.ReLU(nn.DepthToSpace(nn.Unpatches(n.Linear("decoder.detail", x, 4*s.Detail[0]), 1), 2))
	for i, channels := range s.Detail {
		name := fmt.Sprintf("decoder.detail.%d", i)
		if i > 0 {
			x = grad.ReLU(n.Convolution(name+".in", nn.DepthToSpace(x, 2), channels, math.Sqrt2))
		}
		x = grad.ReLU(grad.Add(x, n.Convolution(name+".residual", x, channels, .5)))
	}
	left := s.Patch >> len(s.Detail) // pixels a side of the last grid's
	return grad.Add(patches, nn.DepthToSpace(n.Convolution("decoder.detail.out", x, 3*left*left, .1), left))
}

// latentNoise is the standard deviation of the noise on latents in training: the
// decoder learns to forgive what a denoiser gets slightly wrong.
const latentNoise = .1

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
	noise := grad.Sub(grad.Uniform(g.Step(seedName, onnx.Int64), latent.Shape()...), g.Const(.5))
	latent = grad.Add(latent, grad.Scale(noise, float32(latentNoise*math.Sqrt(12)))) // uniform numbers have deviation 1/√12
	miss := grad.Sub(a.shape.decode(n, latent), nn.Patches(pixels, a.shape.Patch))
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
	in := decoder.Graph().Data(latentName, onnx.Float, grad.Batch, a.shape.Channels, side, side)
	pixels := a.shape.decode(decoder, nn.Patches(in, 1))
	return exportFiles(values, map[string]map[string]*grad.Node{
		encoderFile: {outputName: nn.Unpatches(latent, 1)}, decoderFile: {outputName: nn.Unpatches(pixels, a.shape.Patch)},
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
	back, err := infer(ctx, decoder, latents, int64(a.shape.Channels), side, side)
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
