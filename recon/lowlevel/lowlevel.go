package lowlevel

import (
	"context"
	"errors"
	"fmt"

	"gonum.org/v1/gonum/blas/blas32"

	"engram/embed"
	"engram/embed/grad"
	"engram/embed/model"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/scan"
)

// Folder is the name of the folder of a low-level model in the folder of its decoder.
const Folder = "lowlevel"

// ErrMismatch reports a model, voxels or latents that do not belong together.
var ErrMismatch = errors.New("does not fit")

// Data is what a low-level model is trained on.
type Data struct {
	Voxels  blas32.General // [trials, V], betas as they were measured
	Images  []int          // for each trial the row of Latents that was seen
	Latents blas32.General // [images, C·S/f·S/f], as the denoiser knows them
	// Autoencoder made the latents: a model of kind vae.
	Autoencoder *model.Model
}

// Model is a trained low-level model.
type Model struct {
	name        string // of Kinds
	voxels      int
	from        predictor
	autoencoder *model.Model
}

// predictor is what a model is made of.
type predictor interface {
	// graph returns the graph from voxels as measured, [n, V], to latents,
	// [n, C·S/f·S/f], and its parameters.
	graph() (latents *grad.Node, values map[string][]float32)
}

// Kinds of low-level models.
const (
	RidgeKind   = "ridge"
	NetworkKind = "network"
)

// Kinds returns all kinds, the default first.
func Kinds() []string { return []string{RidgeKind, NetworkKind} }

// TrainRidge solves the ridge. Of the options, Preset, Unserved and Target are its own.
func TrainRidge(ctx context.Context, rt *ort.Runtime, data Data, opts scan.Options) (*Model, error) {
	if err := data.check(); err != nil {
		return nil, err
	}
	vae := data.Autoencoder
	opts.Preset, opts.Unserved = scan.PresetLinear, true // nothing is searched for by latents
	opts.Target.Name, opts.Target.Fingerprint = vae.Name+" "+vae.Version, vae.Fingerprint()
	ridge, err := scan.Train(ctx, rt, scan.Data{
		Voxels: data.Voxels, Images: data.Images, Targets: data.Latents, T: 1, D: data.Latents.Cols,
	}, opts)
	if err != nil {
		return nil, fmt.Errorf("lowlevel: %w", err)
	}
	return &Model{RidgeKind, ridge.Config.Voxels, regression{ridge}, vae}, nil
}

// check refuses latents of another autoencoder.
func (d Data) check() error {
	vae := d.Autoencoder
	if vae.Kind != model.VAE {
		return fmt.Errorf("lowlevel: %s is a model of kind %s, wanted vae: %w", vae.Dir(), vae.Kind, ErrMismatch)
	}
	if shape := shapeOf(vae); d.Latents.Cols != shape[0]*shape[1]*shape[2] {
		return fmt.Errorf("lowlevel: latents have %d elements, %s makes %d×%d×%d: %w", d.Latents.Cols, vae.Dir(), shape[0], shape[1], shape[2], ErrMismatch)
	}
	return nil
}

// shapeOf returns channels, height and width of an autoencoder's latent.
func shapeOf(m *model.Model) [3]int {
	side := m.ImageSize / m.Latent.Factor
	return [3]int{m.Latent.Channels, side, side}
}

// The file of a trained model and its tensors.
const (
	modelFile  = "lowlevel.onnx"
	voxelsName = "voxels"
	latentName = "latent"
)

// regression is a ridge.
type regression struct{ *scan.Model }

func (r regression) graph() (latents *grad.Node, values map[string][]float32) {
	return r.Graph(), r.Values
}

// onnx returns the graph: voxels as measured, [n, V], to latents, [n, C, S/f, S/f].
func (m *Model) onnx() ([]byte, error) {
	shape := shapeOf(m.autoencoder)
	latents, values := m.from.graph()
	latents = grad.Reshape(latents, grad.Batch, shape[0], shape[1], shape[2])
	return grad.Export(map[string]*grad.Node{latentName: latents}, values)
}

// Save writes a model of kind lowlevel into a folder, which it makes; bundle.json comes
// last.
func (m *Model) Save(dir string) error {
	content, err := m.onnx()
	if err != nil {
		return fmt.Errorf("lowlevel: %w", err)
	}
	latent := *m.autoencoder.Latent
	return model.WriteGraph(dir, modelFile, content, model.Manifest{
		Kind: model.LowLevel, Name: m.name, Version: "1", Licence: "none stated", Source: "trained by engram train",
		Graphs: map[string]model.Graph{"lowlevel": {
			File: modelFile, Inputs: map[string]string{"voxels": voxelsName}, Outputs: map[string]string{"latent": latentName},
		}},
		Voxels: m.voxels, ImageSize: m.autoencoder.ImageSize, Latent: &latent, Target: m.autoencoder.Fingerprint(),
	})
}

// Predictor predicts latents from voxels. It is safe for concurrent use.
type Predictor struct {
	fingerprint   string
	session       *ort.Session
	input, output string
	voxels        int
	shape         [3]int
}

// Open opens the low-level model in a folder, for the latents of an autoencoder. The
// latents of another one give ErrMismatch, and a folder without a model fs.ErrNotExist.
func Open(rt *ort.Runtime, dir string, vae *model.Model, opts ort.SessionOptions) (*Predictor, error) {
	m, err := model.Open(dir)
	if err != nil {
		return nil, err
	}
	switch {
	case m.Kind != model.LowLevel:
		return nil, fmt.Errorf("lowlevel: %s is a model of kind %s, wanted lowlevel: %w", dir, m.Kind, ErrMismatch)
	case m.Target != vae.Fingerprint() || *m.Latent != *vae.Latent || m.ImageSize != vae.ImageSize:
		return nil, fmt.Errorf("lowlevel: %s predicts the latents of another autoencoder than %s: %w", dir, vae.Dir(), ErrMismatch)
	}
	g := m.Graphs["lowlevel"]
	p := &Predictor{fingerprint: m.Fingerprint(), input: g.Inputs["voxels"], output: g.Outputs["latent"], voxels: m.Voxels, shape: shapeOf(m)}
	p.session, err = rt.OpenFile(m.GraphPath("lowlevel"), p.options(opts))
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Open makes a predictor of a model in memory. It has no fingerprint.
func (m *Model) Open(rt *ort.Runtime, opts ort.SessionOptions) (*Predictor, error) {
	content, err := m.onnx()
	if err != nil {
		return nil, fmt.Errorf("lowlevel: %w", err)
	}
	p := &Predictor{input: voxelsName, output: latentName, voxels: m.voxels, shape: shapeOf(m.autoencoder)}
	if p.session, err = rt.OpenBytes("lowlevel", content, p.options(opts)); err != nil {
		return nil, err
	}
	return p, nil
}

// options adds what the model must take and give.
func (p *Predictor) options(opts ort.SessionOptions) ort.SessionOptions {
	opts.Inputs = []ort.Spec{{Name: p.input, Type: onnx.Float, Shape: []int64{-1, int64(p.voxels)}}}
	opts.Outputs = []ort.Spec{{Name: p.output, Type: onnx.Float, Shape: p.latents(-1)}}
	return opts
}

// latents is the shape of n of them.
func (p *Predictor) latents(n int) []int64 {
	return []int64{int64(n), int64(p.shape[0]), int64(p.shape[1]), int64(p.shape[2])}
}

// Fingerprint returns the model's.
func (p *Predictor) Fingerprint() string { return p.fingerprint }

// Close frees the model.
func (p *Predictor) Close() error { return p.session.Close() }

// Predict returns the latents of what was seen, [n, C, S/f, S/f], as a denoiser knows them,
// from betas as they were measured, [n, V]. Other numbers of voxels give ErrMismatch, and
// betas that are not finite embed.ErrNotFinite.
func (p *Predictor) Predict(ctx context.Context, voxels blas32.General) ([]float32, error) {
	if voxels.Cols != p.voxels || voxels.Stride != voxels.Cols {
		return nil, fmt.Errorf("lowlevel: the scan has %d voxels, the model reads %d: %w", voxels.Cols, p.voxels, ErrMismatch)
	}
	if at := embed.FirstNotFinite(voxels.Data); at >= 0 {
		return nil, fmt.Errorf("lowlevel: voxel %d of scan %d is %v: %w", at%p.voxels, at/p.voxels, voxels.Data[at], embed.ErrNotFinite)
	}
	const batch = 64
	var all []float32
	for from := 0; from < voxels.Rows; from += batch {
		n := min(batch, voxels.Rows-from)
		out := ort.Tensors{p.output: nil}
		err := p.session.Run(ctx, ort.Tensors{
			p.input: {Shape: []int64{int64(n), int64(p.voxels)}, Data: voxels.Data[from*p.voxels:][:n*p.voxels]},
		}, out)
		if err != nil {
			return nil, err
		}
		all = append(all, out[p.output].Data.([]float32)...) // which Open has asked for
	}
	if at := embed.FirstNotFinite(all); at >= 0 {
		return nil, fmt.Errorf("lowlevel: element %d of the latents is %v: %w", at, all[at], embed.ErrNotFinite)
	}
	return all, nil
}
