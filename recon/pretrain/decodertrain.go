package pretrain

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"engram/data/scenes"
	"engram/embed/grad"
	"engram/embed/model"
	"engram/embed/nn"
	"engram/embed/onnx"
	"engram/embed/ort"
)

// decoderNetwork is the decoder of an autoencoder, trained once more while the encoder stays as
// it is, so that latents mean what they meant to the denoisers that learned them. Convolutions
// beside the patches paint across the patches' borders.
type decoderNetwork struct {
	autoencoderNetwork
	encoder     *ort.Session
	encoderFile []byte
}

// decoderNoise is the standard deviation of the noise on latents in this training.
const decoderNoise = .05

// openDecoder opens the autoencoder in out, whose decoder is trained further.
func (t *training) openDecoder(scale Scale, out string) (_ *decoderNetwork, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("pretrain: the decoder learns from the encoder of the autoencoder: %w", err)
		}
	}()
	m, err := model.Open(filepath.Join(out, string(Autoencoder)))
	if err != nil {
		return nil, err
	}
	shape, recipe := scale.Autoencoder, t.opts.adjust(scale.DecoderRecipe)
	shape.Detail = scale.Detail
	n := &decoderNetwork{autoencoderNetwork: autoencoderNetwork{
		rt: t.rt, shape: shape, recipe: recipe, seed: t.opts.Seed, held: scale.held,
	}}
	if m.Kind != model.VAE || m.ImageSize != shape.ImageSize || m.Latent.Channels != shape.Channels || m.Latent.Factor != shape.Patch {
		return nil, fmt.Errorf("%s is of another scale", m.Dir())
	}
	if n.encoderFile, err = os.ReadFile(m.GraphPath("encoder")); err != nil {
		return nil, err
	}
	if t.from, err = weightsOf(m.GraphPath("decoder")); err != nil {
		return nil, err
	}
	t.about.Depends = []string{m.Files[m.Graphs["encoder"].File]}
	t.start(n, n.shape, n.recipe)
	n.encoder, err = session(t.rt, encoderFile, n.encoderFile)
	return n, err
}

// Close frees the encoder.
func (d *decoderNetwork) Close() error { return d.encoder.Close() }

// loss is the mean over pictures of the root of the mean squared error: pictures that are easy
// count more than in the squared error, as they do in the mean of decibels.
func (d *decoderNetwork) loss(n *nn.Net, batch int) *grad.Node {
	g, s := n.Graph(), d.shape
	latent := nn.Patches(g.Step(latentName, onnx.Float, batch, s.Channels, s.side(), s.side()), 1)
	noise := grad.Sub(grad.Uniform(g.Step(seedName, onnx.Int64), latent.Shape()...), g.Const(.5))
	latent = grad.Add(latent, grad.Scale(noise, float32(decoderNoise*math.Sqrt(12))))
	pixels := fromBytes(g.Step(bytesName, onnx.Uint8, batch, s.ImageSize, s.ImageSize, 3))
	miss := grad.Sub(s.paint(n, latent), pixels)
	squares := grad.Mean(grad.Mul(miss, miss), 1, 2, 3)
	return grad.Mean(grad.Sqrt(grad.Add(squares, g.Const(1e-6))))
}

// inputs draws the scenes of an epoch and encodes them.
func (d *decoderNetwork) inputs(ctx context.Context, epoch int) (ort.Tensors, error) {
	in, err := d.autoencoderNetwork.inputs(ctx, epoch)
	if err != nil {
		return nil, err
	}
	n, size := d.recipe.Steps*d.recipe.Batch, int64(d.shape.ImageSize)
	b := sceneBatch{scenes: make([]scenes.Scene, n), size: d.shape.ImageSize, bytes: in[bytesName].Data.([]uint8)}
	latents, err := infer(ctx, d.encoder, b.floats(), 3, size, size)
	if err != nil {
		return nil, err
	}
	side := int64(d.shape.side())
	in[latentName] = &ort.Tensor{
		Shape: []int64{int64(d.recipe.Steps), int64(d.recipe.Batch), int64(d.shape.Channels), side, side}, Data: latents,
	}
	return in, nil
}

func (d *decoderNetwork) export(values map[string][]float32) (map[string][]byte, error) {
	n, s := newNet(), d.shape
	in := n.Graph().Data(latentName, onnx.Float, grad.Batch, s.Channels, s.side(), s.side())
	files, err := exportFiles(values, map[string]map[string]*grad.Node{decoderFile: {outputName: s.paint(n, nn.Patches(in, 1))}})
	if err != nil {
		return nil, err
	}
	files[encoderFile] = d.encoderFile
	return files, nil
}
