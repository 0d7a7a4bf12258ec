package recon

import (
	"errors"
	"fmt"

	"engram/embed/model"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/recon/diffusion"
)

// ErrMismatch reports models or tokens that do not belong together.
var ErrMismatch = errors.New("does not fit")

// Reconstructor makes pictures from tokens. It is safe for concurrent use.
type Reconstructor struct {
	*Autoencoder
	tokens, dim int // T and D
	schedule    *diffusion.Schedule
	given       model.Condition // beside the tokens
	labelNoise  *diffusion.Schedule
	sampling    model.Sampling    // where nothing else is asked for
	inputs      map[string]string // of the denoiser
	denoiser    *lazyNetwork
}

// network is an open model with what its manifest says of it.
type network struct {
	session *ort.Session
	model   model.Graph
}

// Open makes a reconstructor of vae, a model of kind vae, and denoiser, one of kind
// denoiser, whose weights are read when they are needed first. It fails with ErrMismatch
// where the latents of the two are not the same, and with ort.ErrMismatch where a model's
// tensors differ from its manifest. The caller closes the reconstructor before rt.
func Open(rt *ort.Runtime, vae, denoiser *model.Model, opts ort.SessionOptions) (*Reconstructor, error) {
	if err := fit(vae, denoiser); err != nil {
		return nil, fmt.Errorf("recon: %w", err)
	}
	r := &Reconstructor{
		Autoencoder: newAutoencoder(opener{rt, vae, opts}),
		tokens:      denoiser.T, dim: denoiser.D, given: givenOf(denoiser),
	}
	if denoiser.Sampling != nil {
		r.sampling = *denoiser.Sampling
	}
	var err error
	if r.schedule, err = diffusion.New(*denoiser.Scheduler); err != nil {
		return nil, fmt.Errorf("recon: %s: %w", denoiser.Dir(), err)
	}
	if r.labelNoise, err = diffusion.New(labelScheduler()); err != nil {
		return nil, fmt.Errorf("recon: %w", err)
	}
	latents := r.latents(-1)
	r.inputs = denoiser.Graphs["denoiser"].Inputs
	inputs := r.conditionShapes(r.inputs)
	inputs["latent"], inputs["time"] = latents, []int64{-1}
	r.denoiser = opener{rt, denoiser, opts}.lazy("denoiser", inputs, map[string][]int64{"prediction": latents})
	for _, n := range []*lazyNetwork{r.decoder, r.denoiser} {
		if err := n.check(); err != nil { // a model that does not fit is told now
			return nil, fmt.Errorf("recon: %w", err)
		}
	}
	return r, nil
}

// fit reports two models that are not an autoencoder and a denoiser of its
// latents.
func fit(vae, denoiser *model.Model) error {
	for _, b := range []struct {
		*model.Model
		want model.Kind
	}{{vae, model.VAE}, {denoiser, model.Denoiser}} {
		if b.Kind != b.want {
			return fmt.Errorf("%s is a model of kind %s, wanted %s: %w", b.Dir(), b.Kind, b.want, ErrMismatch)
		}
	}
	if *vae.Latent != *denoiser.Latent || vae.ImageSize != denoiser.ImageSize {
		return fmt.Errorf("%s wants latents of %s, %s has %s: %w",
			denoiser.Dir(), describe(denoiser), vae.Dir(), describe(vae), ErrMismatch)
	}
	return nil
}

// describe says what latents a model has.
func describe(m *model.Model) string {
	l := m.Latent
	return fmt.Sprintf("%d channels, 1/%d of %d pixels a side, scale %g", l.Channels, l.Factor, m.ImageSize, l.Scale)
}

// opener opens the graphs of a model.
type opener struct {
	rt    *ort.Runtime
	model *model.Model
	opts  ort.SessionOptions
}

// lazy returns a graph that is opened when it is needed first, whose tensors are float32 and
// have the shapes given.
func (o opener) lazy(name string, in, out map[string][]int64) *lazyNetwork {
	graph := o.model.Graphs[name]
	o.opts.Inputs, o.opts.Outputs = specs(graph.Inputs, in), specs(graph.Outputs, out)
	path := o.model.GraphPath(name)
	return &lazyNetwork{
		check: func() error { return ort.CheckFile(path, o.opts) },
		open: func() (network, error) {
			session, err := o.rt.OpenFile(path, o.opts)
			return network{session, graph}, err
		},
	}
}

// specs describes tensors by the names that the model's file has for them.
func specs(names map[string]string, shapes map[string][]int64) []ort.Spec {
	var list []ort.Spec
	for name, shape := range shapes {
		list = append(list, ort.Spec{Name: names[name], Type: onnx.Float, Shape: shape})
	}
	return list
}

// Close waits for runs under way and frees the models. It is idempotent.
func (r *Reconstructor) Close() error {
	return errors.Join(r.denoiser.close(), r.Autoencoder.Close())
}
