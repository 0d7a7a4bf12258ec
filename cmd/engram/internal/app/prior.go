package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"engram/data/vfs"
	"engram/embed"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/embed/scan"
	"engram/recon"
	"engram/recon/caption"
	"engram/recon/lowlevel"
	"engram/recon/prior"

	"gonum.org/v1/gonum/blas/blas32"
)

// SaveDecoder writes a decoder's folder, with the alignment of its tokens where these are
// the ridge's own.
func SaveDecoder(ctx context.Context, m *scan.Model, dir string) error {
	left, ok := m.LeftOut()
	if !ok {
		return errors.Join(removeParts(dir), m.Save(dir))
	}
	alignment, err := prior.Fit(ctx, left)
	if err != nil {
		return err
	}
	if err := errors.Join(removeParts(dir), m.Save(dir)); err != nil {
		return err
	}
	saved, err := model.Open(dir)
	if err != nil {
		return err
	}
	return alignment.Save(dir, saved.Fingerprint())
}

// removeParts removes what an earlier decoder of a folder had beside it.
func removeParts(decoder string) error {
	faults := prior.Remove(decoder)
	for _, folder := range []string{lowlevel.Folder, caption.Folder, prior.NetworkFolder} {
		faults = errors.Join(faults, vfs.RemoveAllFS(vfs.OS{}, filepath.Join(decoder, folder)))
	}
	return faults
}

// CheckPrior refuses a name that is no prior. "" is the best one that a decoder has.
func CheckPrior(name string) error {
	if name != "" && !slices.Contains(prior.Kinds(), name) {
		return fmt.Errorf("the prior is %q, wanted one of %s", name, strings.Join(prior.Kinds(), ", "))
	}
	return nil
}

// aligner takes predicted tokens to tokens as images have them.
type aligner struct {
	kind      string // of prior.Kinds
	alignment *prior.Alignment
	parts     *scan.Components
	metric    *scan.Metric       // nil for the linear alignment
	captions  *caption.Predictor // of the prior caption alone
	sampler   *prior.Sampler     // of the transformer alone
}

// Close frees the models, where there are some.
func (a *aligner) Close() (err error) {
	if a.captions != nil {
		err = a.captions.Close()
	}
	if a.sampler != nil {
		err = errors.Join(err, a.sampler.Close())
	}
	return err
}

// openAligner opens the prior of a decoder: the one that is named, or the best one.
func openAligner(d *Decoder, kind string, session ort.SessionOptions) (*aligner, error) {
	if err := CheckPrior(kind); err != nil {
		return nil, err
	}
	switch kind {
	case prior.None:
		return &aligner{kind: kind}, nil
	case prior.Transformer:
		return openTransformer(d, session)
	}
	alignment, err := prior.Open(d.dir, d.Fingerprint())
	switch {
	case errors.Is(err, fs.ErrNotExist) && kind == "":
		a, err := openTransformer(d, session) // of a decoder that was made elsewhere
		if errors.Is(err, fs.ErrNotExist) {
			return &aligner{kind: prior.None}, nil
		}
		return a, err
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the decoder %s has no alignment for the prior %s: engram train writes one beside a decoder whose tokens are a ridge's", d.dir, kind)
	case err != nil:
		return nil, err
	}
	a := &aligner{kind: prior.LinearKind, alignment: alignment}
	if a.parts, err = d.Components(); err != nil {
		return nil, err
	}
	if kind == prior.LinearKind {
		return a, nil
	}
	metric, err := d.Metric()
	if err != nil {
		return nil, err
	}
	switch {
	case metric.Name() == scan.MetricLikelihood:
		a.kind, a.metric = prior.RecallKind, metric
	case kind == prior.RecallKind || kind == prior.CaptionKind:
		return nil, fmt.Errorf("the prior %s needs a decoder whose metric is %s, the one of %s is %s", kind, scan.MetricLikelihood, d.dir, metric.Name())
	}
	if kind == prior.RecallKind || a.metric == nil {
		return a, nil
	}
	a.captions, err = caption.Open(d.runtime, filepath.Join(d.dir, caption.Folder), d.Space(), session)
	switch {
	case errors.Is(err, fs.ErrNotExist) && kind == "":
		return a, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the prior caption needs a caption model, which engram train --captions writes beside a decoder: %w", err)
	case err != nil:
		return nil, err
	}
	a.kind = prior.CaptionKind
	return a, nil
}

// openTransformer opens the diffusion prior of a decoder.
func openTransformer(d *Decoder, session ort.SessionOptions) (*aligner, error) {
	s, err := prior.OpenSampler(d.runtime, filepath.Join(d.dir, prior.NetworkFolder), d.Space(), session)
	if err != nil {
		return nil, fmt.Errorf("the prior transformer, which engram train --prior writes beside a decoder: %w", err)
	}
	return &aligner{kind: prior.Transformer, sampler: s}, nil
}

// align fills in the aligned tokens of raw predictions, [n, T·D], and the captions that were
// read.
func (a *aligner) align(ctx context.Context, scans Scans, raw blas32.General, out *Predicted) error {
	if a.kind == prior.None {
		out.Aligned = out.Raw
		return nil
	}
	of := prior.Predictions{Scores: a.parts.Scores(raw), Repeats: scans.Repeats}
	if a.captions != nil {
		read, err := a.captions.Read(ctx, scans.Means, scans.Repeats)
		if err != nil {
			return err
		}
		for _, r := range read {
			of.Captions, out.Captions = append(of.Captions, r.LogLikelihoods), append(out.Captions, r.Likeliest)
		}
	}
	var by prior.Likelihood
	if a.metric != nil {
		by = a.metric
	}
	tokens, err := RecallTokens(ctx, Recalling{a.alignment, a.parts, by, a.captions}, of)
	out.Aligned = tokensOf(tokens, out.Raw[0].T, out.Raw[0].D)
	return err
}

// Recalling is what takes predictions to tokens as images have them.
type Recalling struct {
	Alignment *prior.Alignment
	Parts     *scan.Components
	By        prior.Likelihood   // nil for the linear alignment alone
	Captions  *caption.Predictor // nil where no captions are read
}

// RecallTokens returns the tokens, [n, T·D], that scores of predictions are aligned to. Where
// captions are read and the training images' own tokens are kept, predictions are drawn to
// these: the decoder's components leave out what tells kinds of things apart.
func RecallTokens(ctx context.Context, r Recalling, of prior.Predictions) (tokens blas32.General, err error) {
	width, by := r.Parts.Elements(), r.By
	whole := r.Captions != nil && of.Captions != nil && r.Captions.Remembers(width)
	if whole {
		by = nil
	}
	scores, err := r.Alignment.Align(ctx, of, by)
	if err != nil {
		return tokens, err
	}
	if tokens, err = r.Parts.Tokens(ctx, scores); err != nil || !whole {
		return tokens, err
	}
	weights, err := r.Alignment.Weights(ctx, of, r.By)
	if err != nil {
		return tokens, err
	}
	share, mean := float32(prior.CaptionRecall().Share), make([]float32, width)
	for i, w := range weights {
		if err := r.Captions.Mean(mean, w); err != nil {
			return tokens, err
		}
		for k, x := range tokens.Data[i*tokens.Stride:][:width] {
			tokens.Data[i*tokens.Stride+k] += share * (mean[k] - x)
		}
	}
	return tokens, nil
}

// Scans are means of scans to predict from.
type Scans struct {
	Means   blas32.General // [n, V]
	Repeats []int          // how many scans each is the mean of
}

// Predicted are the tokens that a decoder predicts, and what its prior makes of them.
type Predicted struct {
	Raw, Aligned []embed.Tokens
	Captions     []string       // the likeliest caption of each scan; nil where the prior reads none
	Prior        string         // of prior.Kinds
	Sampler      *prior.Sampler // of the prior transformer, which draws from given; else nil
	given        []embed.Tokens // the decoder's backbone, or Raw where it has none
}

// Close frees the prior.
func (p *Predicted) Close() error {
	if p == nil || p.Sampler == nil {
		return nil
	}
	return p.Sampler.Close()
}

// Tokens returns the tokens that pictures of some scans are made of: one for each scan, or
// for each of its candidates (recon.Options.Sampled).
func (p *Predicted) Tokens(ctx context.Context, scans []int, opts *recon.Options) ([]embed.Tokens, error) {
	if p.Sampler == nil {
		return pickTokens(p.Aligned, scans), nil
	}
	opts.Sampled = true
	return p.Sampler.Sample(ctx, pickTokens(p.given, scans), prior.SampleOptions{Samples: opts.Candidates, Seed: opts.Seed})
}

// PredictTokens predicts the tokens of scans, for a prior of prior.Kinds; "" is the best one
// that the decoder has. The caller closes what was predicted before the decoder.
func (d *Decoder) PredictTokens(ctx context.Context, scans Scans, kind string) (_ *Predicted, err error) {
	a, err := openAligner(d, kind, d.session)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	raw, err := d.Decode(ctx, scans.Means)
	if err != nil {
		return nil, err
	}
	c := d.Config()
	out := &Predicted{Raw: tokensOf(raw, c.T, c.D), Prior: a.kind, Sampler: a.sampler}
	if a.sampler != nil {
		backbone, err := d.Backbone(ctx, scans.Means)
		if err != nil {
			return nil, err
		}
		out.given = tokensOf(backbone, c.T, c.D)
		return out, nil
	}
	if err := a.align(ctx, scans, raw, out); err != nil {
		return nil, err
	}
	return out, a.Close() // of a prior without a sampler nothing is used any more
}
