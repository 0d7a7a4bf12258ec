package scan

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"engram/embed"
	"engram/embed/eval"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
)

// compared returns a decoder's arrays of 3 components of 2 tokens of 4 elements,
// and tokens of images and predictions that lie in their space.
func compared(t *testing.T, metric string) (*Metric, blas32.General, blas32.General) {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	targets := random(rng, 40, 8)
	parts, _, err := findComponents(t.Context(), dataOf(targets), 3, Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Preset: PresetLinear, Voxels: 1, T: 2, D: 4, Rank: 3, Metric: metric}
	m := &Model{Config: c, Values: map[string][]float32{basisName: parts.basis.Data, targetMean: parts.mean}}
	if metric != MetricPearson {
		m.Config.Coordinates = 2
		m.Values[metricItem], m.Values[metricQuery] = []float32{1, 2, 0, 1, -1, 3}, []float32{2, 0, 1, 1, 0, 1}
		m.Values[metricShift], m.Values[metricFixed], m.Values[metricTrial] = []float32{.5, -1}, []float32{.1, .2}, []float32{.3, .6}
	}
	got, err := m.Metric()
	if err != nil {
		t.Fatal(err)
	}
	predicted := product(parts.scores(random(rng, 5, 8)), parts.basis)
	for i := range predicted.Rows {
		for j, mean := range parts.mean {
			predicted.Data[i*8+j] += mean
		}
	}
	return got, targets, predicted
}

func random(rng *rand.Rand, rows, cols int) blas32.General {
	m := matrix.New(rows, cols)
	for i := range m.Data {
		m.Data[i] = float32(rng.NormFloat64())
	}
	return m
}

// TestPearsonIsTheTables compares the metric of decoders without a metric of their
// own with the figures of package eval.
func TestPearsonIsTheTables(t *testing.T) {
	m, images, predicted := compared(t, MetricPearson)
	want, err := eval.Compare(t.Context(), images, predicted, m.mean)
	if err != nil {
		t.Fatal(err)
	}
	coordinates, err := m.Map(images)
	if err != nil {
		t.Fatal(err)
	}
	for j := range predicted.Rows {
		query, err := m.Query(matrix.Row(predicted, j), 1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Score(query, coordinates, m.Offsets(coordinates, 1))
		if err != nil {
			t.Fatal(err)
		}
		for i, g := range got {
			if math.Abs(float64(g)-want.At(i, j)) > 1e-6 {
				t.Fatalf("image %d, prediction %d: %v, eval has %v", i, j, g, want.At(i, j))
			}
		}
	}
}

// TestLikelihoodIsADensity compares differences of scores with the differences of
// the normal density of the coordinates.
func TestLikelihoodIsADensity(t *testing.T) {
	m, images, predicted := compared(t, MetricLikelihood)
	z, p := m.parts.scores(images), m.parts.scores(predicted)
	for _, repeats := range []int{1, 3} {
		got, err := m.Compare(t.Context(), images, predicted, repeats)
		if err != nil {
			t.Fatal(err)
		}
		density := func(i, j int) (sum float64) {
			for k := range 2 {
				q, u := float64(m.shift[k]), 0.0
				for r := range 3 {
					u += float64(z.Data[i*3+r]) * float64(m.item.Data[r*2+k])
					q += float64(p.Data[j*3+r]) * float64(m.query.Data[r*2+k])
				}
				sum -= (q - u) * (q - u) / (float64(m.fixed[k]) + float64(m.trial[k])/float64(repeats)) / 2
			}
			return sum
		}
		for i := 1; i < images.Rows; i++ {
			want, found := density(i, 2)-density(0, 2), got.At(i, 2)-got.At(0, 2)
			if math.Abs(want-found) > 1e-4*(1+math.Abs(want)) {
				t.Fatalf("%d repeats, image %d: %v, the density says %v", repeats, i, found, want)
			}
		}
	}
}

// TestCosineIgnoresLengths doubles what predictions and images differ by from the
// mean.
func TestCosineIgnoresLengths(t *testing.T) {
	m, images, predicted := compared(t, MetricCosine)
	want, err := m.Compare(t.Context(), images, predicted, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range []blas32.General{images, predicted} {
		for i := range rows.Data {
			rows.Data[i] += rows.Data[i] - m.mean[i%8]
		}
	}
	got, err := m.Compare(t.Context(), images, predicted, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range images.Rows {
		if w, g := want.At(i, 0), got.At(i, 0); math.Abs(w-g) > 1e-5 || math.Abs(w) > 1+1e-6 {
			t.Fatalf("image %d: %v, was %v", i, g, w)
		}
	}
}

// TestMetricRefuses gives a metric what it cannot compare.
func TestMetricRefuses(t *testing.T) {
	m, images, predicted := compared(t, MetricPearson)
	if _, err := m.Map(blas32.General{Rows: 1, Cols: 8, Stride: 8, Data: m.mean}); !errors.Is(err, embed.ErrZero) {
		t.Errorf("tokens without a direction: error %v", err)
	}
	if _, err := m.Query(matrix.Row(predicted, 0)[:7], 1); err == nil {
		t.Error("a prediction of another size was taken")
	}
	if _, err := m.Query(matrix.Row(predicted, 0), 0); err == nil {
		t.Error("the mean of no scan was taken")
	}
	if _, err := m.Score(m.mean[:7], images, nil); err == nil {
		t.Error("a query of another size was taken")
	}
	m, _, _ = compared(t, MetricLikelihood)
	m.fixed[0], m.trial[0] = 0, 0
	values := map[string][]float32{basisName: m.parts.basis.Data, metricFixed: m.fixed, metricTrial: m.trial, metricItem: m.item.Data, metricQuery: m.query.Data}
	c := Config{T: 2, D: 4, Rank: 3, Metric: MetricLikelihood, Coordinates: 2}
	if _, err := (&Model{Config: c, Values: values}).Metric(); err == nil {
		t.Error("a variance of 0 was taken")
	}
}

// dataOf are data in which every image of targets was seen once.
func dataOf(targets blas32.General) Data {
	d := Data{Targets: targets, T: 1, D: targets.Cols}
	for image := range targets.Rows {
		d.Images = append(d.Images, image)
	}
	return d
}

// BenchmarkQuery maps a prediction of 65 × 64 elements to a query, by 512 components, as
// every search by scan does.
func BenchmarkQuery(b *testing.B) {
	const size, rank = 65 * 64, 512
	rng := rand.New(rand.NewPCG(1, 2))
	ones := random(rng, 1, rank).Data
	m := &Metric{
		size: size, parts: &components{basis: random(rng, rank, size), mean: make([]float32, size), scale: 1},
		mapping: mapping{likelihood: true, item: random(rng, rank, rank), query: random(rng, rank, rank), shift: ones, fixed: ones, trial: ones},
	}
	prediction := random(rng, 1, size).Data
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Query(prediction, 1); err != nil {
			b.Fatal(err)
		}
	}
}

// TestScoresOfOneTargetAreTheScoresOfMany compares the product of one row with the
// product of several.
func TestScoresOfOneTargetAreTheScoresOfMany(t *testing.T) {
	const size, rank, n = 50, 7, 3
	rng := rand.New(rand.NewPCG(3, 4))
	c := &components{basis: random(rng, rank, size), mean: random(rng, 1, size).Data, scale: 3}
	targets := random(rng, n, size)
	many := c.scores(targets)
	for i := range n {
		one := c.scores(matrix.Part(targets, i, i+1))
		for k, want := range matrix.Row(many, i) {
			if got := one.Data[k]; math.Abs(float64(got-want)) > 1e-5*(1+math.Abs(float64(want))) {
				t.Errorf("score %d of target %d is %v alone, and %v among others", k, i, got, want)
			}
		}
	}
}
