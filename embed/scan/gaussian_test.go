package scan_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"engram/embed/eval"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/scan"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/blas/blas32"
)

// TestPerfectDecoderFindsEveryImage gives scans without noise that tell all of an
// image, three of each, and expects every preset in closed form to find it.
func TestPerfectDecoderFindsEveryImage(t *testing.T) {
	rt := orttest.Runtime(t)
	data := simulated(80, 3, 40, 2)
	for trial, image := range data.Images { // without noise
		for v := range data.Voxels.Cols {
			data.Voxels.Data[trial*data.Voxels.Stride+v] = data.Targets.Data[image*data.Targets.Stride+v%16] * float32(1+v/16)
		}
	}
	train, test := data, data
	train.Voxels, train.Images = rowsOf(data.Voxels, func(i int) bool { return data.Images[i] < 60 }), kept(data.Images, func(i int) bool { return i < 60 })
	test.Voxels, test.Images = rowsOf(data.Voxels, func(i int) bool { return data.Images[i] >= 60 }), kept(data.Images, func(i int) bool { return i >= 60 })
	presets := []string{scan.PresetLinear, scan.PresetGains, scan.PresetGaussian}
	models, err := scan.TrainPresets(t.Context(), rt, train, scan.Options{}, presets)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range models {
		decoder, err := m.Open(rt, ort.SessionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, repeats := range []int{1, 3} {
			c, err := scan.CompareAverages(t.Context(), decoder, test, scan.Averages{Repeats: repeats})
			if err != nil {
				t.Fatal(err)
			}
			found, err := eval.IdentifyTrials(c[0].Similarity, c[0].Seen)
			if err != nil {
				t.Fatal(err)
			}
			if found.ImageTop1 != 1 {
				t.Errorf("%s, mean of %d: image top-1 is %.3f, want 1", presets[i], repeats, found.ImageTop1)
			}
		}
		if err := decoder.Close(); err != nil {
			t.Error(err)
		}
	}
}

func rowsOf(m blas32.General, keep func(int) bool) blas32.General {
	out := blas32.General{Cols: m.Cols, Stride: m.Cols}
	for i := range m.Rows {
		if keep(i) {
			out.Data = append(out.Data, m.Data[i*m.Stride:][:m.Cols]...)
			out.Rows++
		}
	}
	return out
}

func kept(images []int, keep func(int) bool) (out []int) {
	for _, image := range images {
		if keep(image) {
			out = append(out, image)
		}
	}
	return out
}

// correlated returns trials whose noise is shared by voxels, so that independent
// errors are the wrong model.
func correlated(images, repeats int, seed uint64) scan.Data {
	data := simulated(images, repeats, 40, 2)
	rng := rand.New(rand.NewPCG(seed, 1))
	for trial := range data.Images {
		shared := []float64{rng.NormFloat64(), rng.NormFloat64()}
		for v := range data.Voxels.Cols {
			data.Voxels.Data[trial*data.Voxels.Stride+v] += float32(20 * shared[v%2] * float64(1+v%5))
		}
	}
	return data
}

// TestGaussianIsInvariantToUnits scales all voxels, and all targets, by a constant,
// and expects the same order of images.
func TestGaussianIsInvariantToUnits(t *testing.T) {
	rt := orttest.Runtime(t)
	scores := func(voxelUnit, targetUnit float32) []float64 {
		data := correlated(60, 2, 3)
		for i := range data.Voxels.Data {
			data.Voxels.Data[i] *= voxelUnit
		}
		for i := range data.Targets.Data {
			data.Targets.Data[i] *= targetUnit
		}
		m, err := scan.Train(t.Context(), rt, data, scan.Options{Preset: scan.PresetGaussian})
		if err != nil {
			t.Fatal(err)
		}
		decoder, err := m.Open(rt, ort.SessionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer decoder.Close()
		c, err := scan.CompareAverages(t.Context(), decoder, data, scan.Averages{Repeats: 2})
		if err != nil {
			t.Fatal(err)
		}
		return c[0].Similarity.RawRowView(7)
	}
	want := scores(1, 1)
	for _, unit := range [][2]float32{{8, 1}, {1, .25}} {
		got := scores(unit[0], unit[1])
		for j := range want {
			if math.Abs(got[j]-want[j]) > 2e-3*(1+math.Abs(want[j])) {
				t.Fatalf("units %v, prediction %d: score %v, was %v", unit, j, got[j], want[j])
			}
		}
	}
}

// TestAutoSaysWhatItChose expects the likelihood where errors are correlated, and the
// reason beside it.
func TestAutoSaysWhatItChose(t *testing.T) {
	rt := orttest.Runtime(t)
	data := correlated(200, 3, 4)
	m, err := scan.Train(t.Context(), rt, data, scan.Options{Epochs: 5})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(m.Config.Chosen)
	if m.Config.Preset == scan.PresetAuto || !slices.Contains(scan.Presets(), m.Config.Preset) {
		t.Errorf("auto chose %q", m.Config.Preset)
	}
	for _, word := range []string{"linear", "whitened", "gains", "gaussian", "compact", "left-out"} {
		if !strings.Contains(m.Config.Chosen, word) {
			t.Errorf("%q does not mention %s", m.Config.Chosen, word)
		}
	}
	dir := t.TempDir()
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	opened, err := scan.Open(rt, dir, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if diff := cmp.Diff(m.Config, opened.Config()); diff != "" {
		t.Errorf("the decoder opens with another configuration (-saved +opened):\n%s", diff)
	}
	want, err := m.Metric()
	if err != nil {
		t.Fatal(err)
	}
	got, err := opened.Metric()
	if err != nil {
		t.Fatal(err)
	}
	a, err := want.Map(data.Targets)
	if err != nil {
		t.Fatal(err)
	}
	b, err := got.Map(data.Targets)
	if err != nil {
		t.Fatal(err)
	}
	if got.Name() != want.Name() || !slices.Equal(a.Data, b.Data) {
		t.Errorf("the saved metric %s has other coordinates than %s", got.Name(), want.Name())
	}
}
