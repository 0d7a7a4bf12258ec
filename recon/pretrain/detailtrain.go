package pretrain

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"

	"gonum.org/v1/gonum/mat"

	"engram/data/scenes"
	"engram/embed/grad"
	"engram/embed/model"
	"engram/embed/nn"
	"engram/embed/onnx"
)

// detailNetwork is an autoencoder with details: more channels of latents, and convolutions
// beside the patches. It begins as the autoencoder without.
type detailNetwork struct{ autoencoderNetwork }

// detailNoise is the standard deviation of the noise on latents in this training.
const detailNoise = .03

// loss is the mean over pictures of the root of the mean squared error: pictures that are easy
// count more than in the squared error, as they do in the mean of decibels.
func (d *detailNetwork) loss(n *nn.Net, batch int) *grad.Node {
	g, size := n.Graph(), d.shape.ImageSize
	pixels := fromBytes(g.Step(bytesName, onnx.Uint8, batch, size, size, 3))
	miss := grad.Sub(d.shape.decode(n, noisy(d.shape.encode(n, pixels), detailNoise)), pixels)
	squares := grad.Mean(grad.Mul(miss, miss), 1, 2, 3)
	return grad.Mean(grad.Sqrt(grad.Add(squares, g.Const(1e-6))))
}

// newDetail begins with the autoencoder in out, and with details that are principal components
// of what it leaves out.
func (t *training) newDetail(ctx context.Context, scale Scale, out string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("pretrain: the details are of what the autoencoder leaves out: %w", err)
		}
	}()
	m, err := model.Open(filepath.Join(out, string(Autoencoder)))
	if err != nil {
		return err
	}
	shape, recipe := scale.Autoencoder, t.opts.adjust(scale.DetailRecipe)
	if m.Kind != model.VAE || m.ImageSize != shape.ImageSize || m.Latent.Channels != shape.Channels || m.Latent.Factor != shape.Patch {
		return fmt.Errorf("%s is of another scale, or has details", m.Dir())
	}
	d := &detailNetwork{autoencoderNetwork{rt: t.rt, recipe: recipe, seed: t.opts.Seed, held: scale.held}}
	d.shape = shape
	d.shape.Details, d.shape.Stem = scale.Details, scale.DetailStem
	t.from = map[string][]float32{}
	for _, graph := range []string{"encoder", "decoder"} {
		values, err := weightsOf(m.GraphPath(graph))
		if err != nil {
			return err
		}
		maps.Copy(t.from, values)
	}
	known, err := t.leftOut(ctx, m, recipe.Batch*recipe.Steps)
	if err != nil {
		return err
	}
	if err := known.begin(t.from, d.shape.Details); err != nil {
		return err
	}
	t.about.Depends = []string{m.Files[m.Graphs["encoder"].File], m.Files[m.Graphs["decoder"].File]}
	t.start(d, d.shape, recipe)
	return nil
}

// moments are second moments of the elements of patches, [elements, elements] each.
type moments struct{ seen, missed *mat.SymDense }

// leftOut measures training pictures and what an autoencoder leaves out of them.
func (t *training) leftOut(ctx context.Context, m *model.Model, n int) (_ moments, err error) {
	size, patch := m.ImageSize, m.Latent.Factor
	b, err := draw(ctx, source{t.opts.Seed, scenes.Train, size}, 0, n)
	if err != nil {
		return moments{}, err
	}
	pixels, images := b.floats(), b.floats()
	for _, graph := range []string{"encoder", "decoder"} {
		shape := []int64{3, int64(size), int64(size)}
		if graph == "decoder" {
			shape = []int64{int64(m.Latent.Channels), int64(size / patch), int64(size / patch)}
		}
		s, err := t.rt.OpenFile(m.GraphPath(graph), t.opts.Session)
		if err != nil {
			return moments{}, err
		}
		images, err = infer(ctx, s, images, shape...)
		if err = errors.Join(err, s.Close()); err != nil {
			return moments{}, err
		}
	}
	for i, x := range pixels {
		images[i] = x - images[i]
	}
	return moments{secondMoment(pixels, size, patch), secondMoment(images, size, patch)}, nil
}

// secondMoment returns the mean of the outer products of the patches of images, [n, 3, S, S].
func secondMoment(images []float32, size, patch int) *mat.SymDense {
	width := 3 * patch * patch
	rows := make([]float64, 0, len(images))
	for first := 0; first < len(images); first += 3 * size * size {
		for row := 0; row < size; row += patch {
			for column := 0; column < size; column += patch {
				for at := range width {
					channel, y, x := at/(patch*patch), row+at/patch%patch, column+at%patch
					rows = append(rows, float64(images[first+(channel*size+y)*size+x]))
				}
			}
		}
	}
	var sum mat.SymDense
	sum.SymOuterK(1/float64(len(rows)/width), mat.NewDense(len(rows)/width, width, rows).T())
	return &sum
}

// begin adds what the layers of details begin with. The encoder's measures the principal
// components V of what was left out, each divided by its deviation in pictures; the decoder's
// puts the components in the place of the ones in the patches that were painted, p: it adds
// V·(details − Vᵀp).
func (m moments) begin(values map[string][]float32, details int) error {
	width, _ := m.missed.Dims()
	var eigen mat.EigenSym
	if !eigen.Factorize(m.missed, true) {
		return errors.New("their principal components cannot be found")
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	parts := vectors.Slice(0, width, width-details, width)
	in, out := make([]float32, width*details), make([]float32, (details+width)*width)
	for k := range details {
		part := mat.NewVecDense(width, mat.Col(nil, k, parts))
		deviation := math.Sqrt(mat.Inner(part, m.seen, part))
		for i := range width {
			in[i*details+k] = float32(part.AtVec(i) / deviation)
			out[k*width+i] = float32(part.AtVec(i) * deviation)
		}
	}
	var inside mat.Dense
	inside.Mul(parts, parts.T())
	for i, x := range inside.RawMatrix().Data {
		out[details*width+i] = -float32(x)
	}
	values["encoder.detail.weight"], values["decoder.detail.weight"] = in, out
	return nil
}
