package scan

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"engram/embed/grad"
	"engram/embed/internal/matrix"
	"engram/embed/onnx"
	"engram/embed/ort"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/stat"
)

// closedForms are the presets that auto chooses from and that have no network, the
// simplest first.
func closedForms() []string {
	return []string{PresetLinear, PresetWhitened, PresetGains, PresetGaussian}
}

// metric returns how a preset without a network compares scores, nil for the preset
// linear, which compares tokens, and sets the fields of the metric in config.
func (t *training) metric(ctx context.Context, c *Config) (*mapping, error) {
	c.Metric = MetricCosine
	var m *mapping
	switch c.Preset {
	case PresetGaussian:
		found, shape, err := t.fitGaussian(ctx)
		if err != nil {
			return nil, err
		}
		m, c.Metric = found, MetricLikelihood
		c.Chosen = strings.TrimPrefix(c.Chosen+"; "+shape.String(), "; ")
	case PresetLinear:
		c.Metric = ""
		return nil, nil
	default:
		m = t.leftOut.cosine(c.Preset)
	}
	c.Coordinates = m.item.Cols
	return m, nil
}

// cosine returns the mapping of a preset that compares by a cosine. For linear it is
// the cosine of unchanged scores, which Pearson's r of the tokens hardly differs from.
func (s leftOutScores) cosine(preset string) *mapping {
	switch preset {
	case PresetWhitened:
		return whitened(s.seen(), s.predicted)
	case PresetGains:
		return s.weighted()
	}
	return plain(s.target.Cols)
}

// plain is the mapping of the cosine of unchanged scores.
func plain(rank int) *mapping {
	ones := make([]float32, rank)
	for k := range ones {
		ones[k] = 1
	}
	return cosine(ones, ones)
}

// add adds the arrays of a metric, if there are any.
func (m *Model) add(from *mapping) {
	if from == nil {
		return
	}
	m.Values[metricItem], m.Values[metricQuery] = from.item.Data, from.query.Data
	if from.likelihood {
		m.Values[metricShift], m.Values[metricFixed], m.Values[metricTrial] = from.shift, from.fixed, from.trial
	}
}

// candidate is a preset that auto may choose.
type candidate struct {
	preset string
	ranks  []float64 // of each left-out image, the mean logarithm of its rank
}

// geometricMean returns the geometric mean of the ranks.
func (c candidate) geometricMean() float64 { return math.Exp(stat.Mean(c.ranks, nil)) }

// standardPreset is the one that the study of NOTES.md says is best for any number of
// training images that it compared, 30 to 4,700.
const standardPreset = PresetGaussian

// choose returns the shape of the preset that best identifies what was seen in
// trials of training images that it did not see: by the mean logarithm of the rank.
// Each candidate chooses its own constants without the images that it is judged by.
// Another preset than the standard one must be better by more than two standard errors
// of the differences over images. With few images the least of several means is mostly
// luck (the rule of one standard error of Breiman, Friedman, Olshen & Stone 1984,
// Classification and Regression Trees, with two). The network is judged by the first
// part of the images alone.
func (t *training) choose(ctx context.Context, auto Config) (Config, error) {
	closed, err := t.judgeClosed(ctx)
	if err != nil {
		return auto, err
	}
	network := candidate{preset: PresetCompact}
	if network.ranks, err = t.judgeNetwork(ctx, t.parts[0]); err != nil {
		return auto, err
	}
	chosen := orNetwork(chooseClosed(closed), network)
	c, err := PresetConfig(chosen.preset, auto.Voxels, auto.T, auto.D)
	c.Rank, c.Target, c.Order, c.Chosen = auto.Rank, auto.Target, auto.Order, reason(chosen, append(closed, network))
	return c, err
}

// judgeClosed judges every closed form.
func (t *training) judgeClosed(ctx context.Context) ([]candidate, error) {
	judged, err := t.judgeShapes(ctx)
	if err != nil {
		return nil, err
	}
	closed, likelihood := make([]candidate, len(closedForms())), crossRanks(judged)
	for i, preset := range closedForms() {
		closed[i].preset = preset
		for k, part := range t.parts {
			ranks := likelihood[k]
			if preset != PresetGaussian {
				if ranks, err = part.logRanks(part.fit.cosine(preset)); err != nil {
					return nil, err
				}
			}
			closed[i].ranks = append(closed[i].ranks, ranks...)
		}
	}
	return closed, nil
}

// chooseClosed returns the best of the candidates that are clearly better than the
// standard one, or else the standard one.
func chooseClosed(closed []candidate) candidate {
	standard := closed[slices.IndexFunc(closed, func(c candidate) bool { return c.preset == standardPreset })]
	chosen := standard
	for _, c := range closed {
		if clearlyLess(c.ranks, standard.ranks) && stat.Mean(c.ranks, nil) < stat.Mean(chosen.ranks, nil) {
			chosen = c
		}
	}
	return chosen
}

// orNetwork returns the network where it is clearly better than the chosen closed form on
// the images that the network was judged by, the first ones.
func orNetwork(chosen, network candidate) candidate {
	if clearlyLess(network.ranks, chosen.ranks[:len(network.ranks)]) {
		return network
	}
	return chosen
}

// reason says why a candidate was chosen.
func reason(chosen candidate, all []candidate) string {
	var others []string
	for _, c := range all {
		if c.preset != chosen.preset {
			others = append(others, fmt.Sprintf("%s %.2f", c.preset, c.geometricMean()))
		}
	}
	return fmt.Sprintf("%s: scans of %d left-out training images rank theirs at %.2f in the geometric mean; against %s (the network on %d images; "+
		"%s is taken unless another preset is better by two standard errors)",
		chosen.preset, len(all[0].ranks), chosen.geometricMean(), strings.Join(others, ", "), len(all[len(all)-1].ranks), standardPreset)
}

// judgeNetwork trains the network of the preset compact on what is known from the
// other images than a part's, and returns the mean logarithms of the ranks of the
// part's images.
func (t *training) judgeNetwork(ctx context.Context, part heldOut) ([]float64, error) {
	fit := part.fit
	sub := &training{rt: t.rt, opts: t.opts, images: fit.images, leftOut: &fit, target: fit.target}
	sub.voxels.Rows = len(fit.images)
	sub.opts.Checkpoint, sub.opts.Batch = "", min(t.opts.Batch, len(fit.images))
	c := Config{Preset: PresetCompact, Rank: fit.target.Cols, Width: compactWidth, DropoutIn: dropoutIn, DropoutBlock: dropoutBlock}
	trained, err := sub.train(ctx, c)
	if err != nil {
		return nil, err
	}
	if part.predicted, err = trained.refine(ctx, t.rt, part.predicted); err != nil {
		return nil, err
	}
	return part.logRanks(plain(c.Rank))
}

// refine returns what gains and network make of the ridge's scores, [trials, rank].
func (m *Model) refine(ctx context.Context, rt *ort.Runtime, scores blas32.General) (_ blas32.General, err error) {
	l := newLayers(m.Config)
	rank := m.Config.Rank
	ridge := l.Graph().Data(ridgeName, onnx.Float, grad.Batch, rank)
	refined := l.scores(grad.Mul(ridge, l.fixed(ridgeScale, rank)))
	content, err := grad.Export(map[string]*grad.Node{targetName: refined}, m.Values)
	if err != nil {
		return blas32.General{}, err
	}
	session, err := rt.OpenBytes("network", content, ort.SessionOptions{})
	if err != nil {
		return blas32.General{}, err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	out := matrix.New(scores.Rows, rank)
	return out, session.Run(ctx, ort.Tensors{ridgeName: tensor(scores)}, ort.Tensors{targetName: tensor(out)})
}
