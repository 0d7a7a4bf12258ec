package scan

import (
	"fmt"
	"math"

	"engram/data/safetensors"
	"engram/embed"
	"engram/embed/internal/matrix"
	"engram/embed/model"

	"gonum.org/v1/gonum/blas/blas32"
)

// arrays returns an array of a decoder by its name.
type arrays func(name string) ([]float32, error)

// arrays returns the arrays of a model in memory.
func (m *Model) arrays() arrays {
	return func(name string) ([]float32, error) { return m.Values[name], nil }
}

// openArrays returns what reads an array from the weights of a decoder that Save
// wrote, as Config says its size.
func openArrays(m *model.Model, c Config) arrays {
	path := m.Path(weightsFile)
	sizes := map[string]int{}
	for _, p := range c.parameters() {
		sizes[p.Name] = p.Size()
	}
	return func(name string) ([]float32, error) {
		r, err := safetensors.Open(path)
		if err != nil {
			return nil, fmt.Errorf("scan: %w", err)
		}
		defer r.Close()
		t, err := r.Tensor(name)
		if err != nil {
			return nil, fmt.Errorf("scan: %w", err)
		}
		values, ok := t.Data.([]float32)
		if !ok || len(values) != sizes[name] {
			return nil, fmt.Errorf("scan: %s: wanted %s as %d float32, found shape %v", path, name, sizes[name], t.Shape)
		}
		return values, nil
	}
}

// Metric returns how the decoder compares its predictions with images. The first call
// reads the components of the targets, [R, T·D], where the metric needs them. The
// metric of a decoder made elsewhere, or without components, is Pearson's r.
func (d *Decoder) Metric() (*Metric, error) { return d.metric() }

// Metric returns how the decoder compares its predictions with images.
func (m *Model) Metric() (*Metric, error) {
	return newMetric(m.Config, m.Values[targetMean], m.arrays())
}

func newMetric(c Config, mean []float32, from arrays) (*Metric, error) {
	m := &Metric{name: c.metric(), mean: mean, size: c.outputs(), confidence: c.Confidence}
	if !c.mapped() {
		return m, nil
	}
	if err := m.read(c, from); err != nil {
		return nil, err
	}
	return m, nil
}

// read fills a metric that maps the scores along components.
func (m *Metric) read(c Config, from arrays) error {
	var err error
	if m.parts, err = readComponents(c, m.mean, from); err != nil {
		return err
	}
	if m.item, err = readMatrix(from, metricItem, c.Rank, c.Coordinates); err != nil {
		return err
	}
	if m.query, err = readMatrix(from, metricQuery, c.Rank, c.Coordinates); err != nil {
		return err
	}
	if m.likelihood = m.name == MetricLikelihood; !m.likelihood {
		return nil
	}
	for name, to := range map[string]*[]float32{metricShift: &m.shift, metricFixed: &m.fixed, metricTrial: &m.trial} {
		if *to, err = from(name); err != nil {
			return err
		}
	}
	for k := range m.fixed {
		if p := m.precision(k, 1); !(m.fixed[k] >= 0 && m.trial[k] >= 0) || math.IsInf(float64(p), 1) {
			return fmt.Errorf("scan: %s and %s: wanted positive variances, found %v and %v at %d", metricFixed, metricTrial, m.fixed[k], m.trial[k], k)
		}
	}
	return nil
}

// readComponents reads the components of the targets.
func readComponents(c Config, mean []float32, from arrays) (*components, error) {
	basis, err := readMatrix(from, basisName, c.Rank, c.outputs())
	if err != nil {
		return nil, err
	}
	return &components{mean: mean, basis: basis, scale: embed.Norm(matrix.Row(basis, 0))}, nil
}

func readMatrix(from arrays, name string, rows, cols int) (blas32.General, error) {
	values, err := from(name)
	return blas32.General{Rows: rows, Cols: cols, Stride: cols, Data: values}, err
}
