package scan

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"engram/embed/internal/matrix"
	"engram/embed/ort/orttest"
)

// Scores that are drawn as the model says, log-probabilities divided by β, give β back;
// and the probabilities that they state are as often right as they say.
func TestSharpnessIsFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const scans, images, sharpness = 2000, 30, 2.5
	g := calibrationScores{scores: matrix.New(scans, images), repeats: 2}
	for i := range scans {
		row := matrix.Row(g.scores, i)
		var all, sum float64
		for j := range row {
			row[j] = float32(rng.NormFloat64())
			all += math.Exp(sharpness * float64(row[j]))
		}
		drawn, right := rng.Float64()*all, 0
		for ; right < images-1; right++ {
			if sum += math.Exp(sharpness * float64(row[right])); sum > drawn {
				break
			}
		}
		g.right = append(g.right, right)
	}
	found, err := fitSharpness(t.Context(), []calibrationScores{g, {repeats: 1}}, 2)
	if err != nil || math.Abs(found-sharpness) > .1 {
		t.Errorf("sharpness is %v, %v, want %v within .1", found, err, sharpness)
	}
	c := Confidence{Sharpness: []float64{1, found}, Images: images, Scans: scans}
	var stated, hits float64
	for i, right := range g.right {
		row := matrix.Row(g.scores, i)
		stated += c.Probability(row, 3) / scans
		best := 0
		for j, s := range row {
			if s > row[best] {
				best = j
			}
		}
		if best == right {
			hits += 1. / scans
		}
	}
	if math.Abs(stated-hits) > .03 {
		t.Errorf("stated %.3f on average, right in %.3f", stated, hits)
	}
}

// Where every scan tells its image the probability is bounded by the number of scans,
// and where none does it is chance.
func TestProbabilityHasBounds(t *testing.T) {
	g := calibrationScores{scores: matrix.New(8, 8), repeats: 1}
	for i := range 8 {
		g.scores.Data[i*8+i] = 1
		g.right = append(g.right, i)
	}
	for _, test := range []struct {
		name        string
		shift       int // from a scan's image to the one that it scores best
		probability float64
	}{{"told", 0, .9}, {"not told", 1, 1. / 8}} {
		for i := range g.right {
			g.right[i] = (i + test.shift) % 8
		}
		sharpness, err := fitSharpness(t.Context(), []calibrationScores{g}, 1)
		if err != nil || math.IsInf(sharpness, 0) || math.IsNaN(sharpness) {
			t.Fatalf("%s: sharpness is %v, %v", test.name, sharpness, err)
		}
		c := Confidence{Sharpness: []float64{sharpness}, Images: 8, Scans: 8}
		if p := c.Probability(matrix.Row(g.scores, 0), 1); math.Abs(p-test.probability) > 1e-9 {
			t.Errorf("%s: probability is %v, want %v", test.name, p, test.probability)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := fitSharpness(ctx, nil, 1); err == nil {
		t.Error("a cancelled fit went on")
	}
}

// A decoder's confidence is kept with it, and no part of it is fitted to the images
// that it is calibrated by: scans of noise are not trusted.
func TestDecodersAreCalibrated(t *testing.T) {
	rt := orttest.Runtime(t)
	rng := rand.New(rand.NewPCG(5, 6))
	data := Data{T: 1, D: 12, Voxels: matrix.New(120, 20), Targets: matrix.New(60, 12)}
	for i := range data.Targets.Data {
		data.Targets.Data[i] = float32(rng.NormFloat64())
	}
	for i := range data.Voxels.Data {
		data.Voxels.Data[i] = float32(rng.NormFloat64())
	}
	for trial := range 120 {
		data.Images = append(data.Images, trial/2)
	}
	for _, preset := range []string{PresetWhitened, PresetGains, PresetGaussian, PresetLinear} {
		model, err := Train(t.Context(), rt, data, Options{Preset: preset, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := model.Save(dir); err != nil {
			t.Fatal(err)
		}
		m := openMetric(t, dir)
		p, known := m.Confidence([]float32{.5, .1, .1, .1, .1, .1, .1, .1}, 1)
		if known != (preset == PresetGaussian) {
			t.Errorf("%s: the confidence is known: %v", preset, known)
		}
		if c := model.Config.Confidence; known && (c.Images != 12 || c.Scans != 60 || len(c.Sharpness) != 2 || p > .6) {
			t.Errorf("%s: %+v states %.2f", preset, c, p)
		}
	}
}

// TestUnusableConfidencesAreRefused reads what another program may have written.
func TestUnusableConfidencesAreRefused(t *testing.T) {
	for _, test := range []struct {
		c    Confidence
		want bool
	}{
		{Confidence{[]float64{0, 2.5}, 2, 1}, true}, {Confidence{nil, 2, 1}, false},
		{Confidence{[]float64{1, -1}, 2, 1}, false}, {Confidence{[]float64{math.NaN()}, 2, 1}, false},
		{Confidence{[]float64{math.Inf(1)}, 2, 1}, false}, {Confidence{[]float64{1}, 1, 1}, false}, {Confidence{[]float64{1}, 2, 0}, false},
	} {
		if got := test.c.valid(); got != test.want {
			t.Errorf("%+v can be used: %v, want %v", test.c, got, test.want)
		}
	}
}

// TestCalibrationScoresMeansAsASearchDoes compares the scores of a part with the metric's
// own, for the means of two of three scans. The last image was seen once: it is a
// candidate, and has no mean.
func TestCalibrationScoresMeansAsASearchDoes(t *testing.T) {
	all := leftOutWorld(40, 4)
	m := fitted(t, all, .5)
	part := heldOut{test: all.part([]int{0, 1, 2, 30, 31, 32, 60})}
	const repeats = 2
	g, err := part.calibration(m, repeats)
	if err != nil {
		t.Fatal(err)
	}
	if len(g.right) != 2 || g.right[1] != 1 || g.scores.Rows != 2 || g.scores.Cols != 3 || g.repeats != repeats {
		t.Fatalf("rows of images %v, scores [%d, %d], mean of %d", g.right, g.scores.Rows, g.scores.Cols, g.repeats)
	}
	images, err := m.images(matrix.Pick(all.target, []int{0, 10, 20}))
	if err != nil {
		t.Fatal(err)
	}
	offsets := m.offsets(images, repeats)
	for row, trials := range [][2]int{{0, 1}, {30, 31}} {
		mean := matrix.New(1, 4)
		for k := range mean.Data {
			mean.Data[k] = (matrix.Row(all.predicted, trials[0])[k] + matrix.Row(all.predicted, trials[1])[k]) / 2
		}
		query, err := m.queries(mean, repeats)
		if err != nil {
			t.Fatal(err)
		}
		for image := range 3 {
			want := dot(query, 0, images, image) + float64(offsets[image])
			if got := float64(matrix.Row(g.scores, row)[image]); math.Abs(got-want) > 1e-4*(1+math.Abs(want)) {
				t.Errorf("scan %d, image %d: score %v, the metric's is %v", row, image, got, want)
			}
		}
	}
}

// TestLikelihoodsAreCalibratedWithoutTheirPart has no number but NaN outside of what a part
// leaves for the fit.
func TestLikelihoodsAreCalibratedWithoutTheirPart(t *testing.T) {
	all := leftOutWorld(60, 4)
	part := heldOut{fit: all.part(numbers(0, 150)), predicted: matrix.Part(all.predicted, 150, 180), among: matrix.Part(all.target, 50, 60)}
	for trial := range 30 {
		part.right = append(part.right, trial/3)
	}
	unusable := leftOutWorld(60, 4)
	for i := range unusable.predicted.Data {
		unusable.predicted.Data[i] = float32(math.NaN())
	}
	train := &training{leftOut: &unusable, parts: []heldOut{part}}
	m, err := train.likelihoodWithout(t.Context(), part)
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(m.query.Data, func(x float32) bool { return x != x }) {
		t.Error("the likelihood was fitted to more than the part leaves")
	}
}

// openMetric reads the metric of a decoder's folder.
func openMetric(t *testing.T, dir string) *Metric {
	t.Helper()
	m, _, err := openModel(dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := readConfig(m)
	if err != nil {
		t.Fatal(err)
	}
	from := openArrays(m, c)
	mean, err := from(targetMean)
	if err != nil {
		t.Fatal(err)
	}
	metric, err := newMetric(c, mean, from)
	if err != nil {
		t.Fatal(err)
	}
	return metric
}
