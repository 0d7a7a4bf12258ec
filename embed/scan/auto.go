package scan

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"engram/embed/grad"
	"engram/embed/internal/matrix"
	"engram/embed/onnx"
	"engram/embed/ort"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/stat"
)

// closedForms are the presets that choose nothing and have no network, the simplest
// first.
func closedForms() []string {
	return []string{PresetLinear, PresetWhitened, PresetGains, PresetGaussian}
}

// mapping returns how a preset without a network compares scores, nil for the preset
// linear, which compares tokens, and sets the fields of the metric in config.
func (s leftOutScores) mapping(ctx context.Context, c *Config) (*mapping, error) {
	m, shape, err := s.mapped(ctx, c.Preset)
	if err != nil || c.Preset == PresetLinear {
		return nil, err
	}
	if shape != "" {
		c.Chosen = strings.TrimPrefix(c.Chosen+"; "+shape, "; ")
	}
	c.Metric, c.Coordinates = MetricCosine, m.item.Cols
	if m.likelihood {
		c.Metric = MetricLikelihood
	}
	return m, nil
}

// mapped returns how a preset without a network compares scores, and in words what it
// chose for that. For linear it is the cosine, which Pearson's r of the tokens hardly
// differs from.
func (s leftOutScores) mapped(ctx context.Context, preset string) (*mapping, string, error) {
	switch preset {
	case PresetWhitened:
		return whitened(s.seen(), s.predicted), "", nil
	case PresetGains:
		return s.weighted(), "", nil
	case PresetGaussian:
		m, shape, err := s.fitGaussian(ctx)
		return m, shape.String(), err
	}
	return plain(s.target.Cols), "", nil
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

// candidate is a preset that auto may choose, and how it ranked what was seen.
type candidate struct {
	preset string
	ranks  []float64 // logarithms
}

// geometricMean returns the geometric mean of the ranks.
func (c candidate) geometricMean() float64 { return math.Exp(stat.Mean(c.ranks, nil)) }

// choose returns the shape of the preset that best identifies what was seen in
// trials of training images that it did not see: by the mean logarithm of the rank.
// Each candidate chooses its own constants without the images that it is judged by.
// The network is judged by the first part of the images alone, and must be better
// there than the best closed form by more than two standard errors.
func (t *training) choose(ctx context.Context, auto Config) (Config, error) {
	folds, err := t.leftOut.folds()
	if err != nil {
		return auto, err
	}
	done := t.opts.Progress.Stage(ChoosingStage, "parts", int64(len(folds)))
	closed := make([]candidate, len(closedForms()))
	network := candidate{preset: PresetCompact}
	for k, fold := range folds {
		q, part := t.leftOut.ask(fold.Test), t.leftOut.part(fold.Train)
		for i, preset := range closedForms() {
			m, _, err := part.mapped(ctx, preset)
			if err != nil {
				return auto, err
			}
			ranks, err := t.leftOut.logRanks(q, m)
			if err != nil {
				return auto, err
			}
			closed[i].preset, closed[i].ranks = preset, append(closed[i].ranks, ranks...)
		}
		if k == 0 {
			if network.ranks, err = t.judgeNetwork(ctx, q, part); err != nil {
				return auto, err
			}
		}
		done(int64(k+1), int64(len(folds)))
	}
	best := closed[0]
	for _, c := range closed {
		if stat.Mean(c.ranks, nil) < stat.Mean(best.ranks, nil) {
			best = c
		}
	}
	if clearlyLess(network.ranks, best.ranks[:len(network.ranks)]) {
		best = network
	}
	c, err := PresetConfig(best.preset, auto.Voxels, auto.T, auto.D)
	c.Rank, c.Target, c.Order, c.Chosen = auto.Rank, auto.Target, auto.Order, reason(best, append(closed, network))
	return c, err
}

// reason says why a candidate was chosen.
func reason(best candidate, all []candidate) string {
	var others []string
	for _, c := range all {
		if c.preset != best.preset {
			others = append(others, fmt.Sprintf("%s %.2f", c.preset, c.geometricMean()))
		}
	}
	return fmt.Sprintf("%s: %d scans of left-out training images rank theirs at %.2f in the geometric mean; against %s (the network on %d scans)",
		best.preset, len(all[0].ranks), best.geometricMean(), strings.Join(others, ", "), len(all[len(all)-1].ranks))
}

// judgeNetwork trains the network of the preset compact on a part of the trials and
// returns the logarithms of the ranks that it gives what was seen in others.
func (t *training) judgeNetwork(ctx context.Context, q question, part leftOutScores) ([]float64, error) {
	sub := *t
	sub.leftOut, sub.images, sub.voxels = &part, part.images, blas32.General{Rows: len(part.images)}
	sub.opts.Checkpoint, sub.opts.Batch = "", min(t.opts.Batch, len(part.images))
	c := Config{Preset: PresetCompact, Rank: t.target.Cols, Width: compactWidth, DropoutIn: dropoutIn, DropoutBlock: dropoutBlock}
	trained, err := sub.train(ctx, c)
	if err != nil {
		return nil, err
	}
	judged := *t.leftOut
	if judged.predicted, err = trained.refine(ctx, t.rt, judged.predicted); err != nil {
		return nil, err
	}
	return judged.logRanks(q, plain(c.Rank))
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
