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
	"engram/embed/scan"
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
	return errors.Join(prior.Remove(decoder), vfs.RemoveAllFS(vfs.OS{}, filepath.Join(decoder, lowlevel.Folder)))
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
	metric    *scan.Metric // nil for the linear alignment
}

// openAligner opens the prior of a decoder: the one that is named, or the best one.
func openAligner(d *Decoder, kind string) (*aligner, error) {
	if err := CheckPrior(kind); err != nil {
		return nil, err
	}
	if kind == prior.None {
		return &aligner{kind: kind}, nil
	}
	alignment, err := prior.Open(d.dir, d.Fingerprint())
	switch {
	case errors.Is(err, fs.ErrNotExist) && kind == "":
		return &aligner{kind: prior.None}, nil
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
	case kind == prior.RecallKind:
		return nil, fmt.Errorf("the prior recall needs a decoder whose metric is %s, the one of %s is %s", scan.MetricLikelihood, d.dir, metric.Name())
	}
	return a, nil
}

// align returns the aligned tokens of predictions, [n, T·D], each from the mean of so many
// scans.
func (a *aligner) align(ctx context.Context, predicted blas32.General, repeats []int) (blas32.General, error) {
	if a.kind == prior.None {
		return predicted, nil
	}
	var by prior.Likelihood
	if a.metric != nil {
		by = a.metric
	}
	scores, err := a.alignment.Align(ctx, prior.Predictions{Scores: a.parts.Scores(predicted), Repeats: repeats}, by)
	if err != nil {
		return scores, err
	}
	return a.parts.Tokens(ctx, scores)
}

// Scans are means of scans to predict from.
type Scans struct {
	Means   blas32.General // [n, V]
	Repeats []int          // how many scans each is the mean of
}

// Predicted are the tokens that a decoder predicts, and the tokens that a prior makes of
// them.
type Predicted struct {
	Raw, Tokens []embed.Tokens
	Prior       string // of prior.Kinds
}

// PredictTokens predicts the tokens of scans, aligned by a prior of prior.Kinds; "" is the
// best one that the decoder has.
func (d *Decoder) PredictTokens(ctx context.Context, scans Scans, kind string) (*Predicted, error) {
	a, err := openAligner(d, kind)
	if err != nil {
		return nil, err
	}
	raw, err := d.Decode(ctx, scans.Means)
	if err != nil {
		return nil, err
	}
	aligned, err := a.align(ctx, raw, scans.Repeats)
	if err != nil {
		return nil, err
	}
	c := d.Config()
	return &Predicted{tokensOf(raw, c.T, c.D), tokensOf(aligned, c.T, c.D), a.kind}, nil
}
