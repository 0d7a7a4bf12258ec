package scan_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/scan"

	"gonum.org/v1/gonum/blas/blas32"
)

// Scores give the same queries, of the metric and of the first stage, as the tokens that
// they stand for, to 1e-4 of an element of a query.
func TestScoresSearchAsTheirTokensDo(t *testing.T) {
	rt, data := orttest.Runtime(t), correlated(80, 2, 5)
	for _, preset := range []string{scan.PresetGaussian, scan.PresetWhitened, scan.PresetGains} {
		m, inMemory := trained(t, rt, data, preset)
		dir := t.TempDir()
		if err := m.Save(dir); err != nil {
			t.Fatal(err)
		}
		saved, err := scan.Open(rt, dir, ort.SessionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for where, d := range map[string]*scan.Decoder{"in memory": inMemory, "saved": saved} {
			sameQueries(t, preset+", "+where, d, data.Voxels)
			if err := d.Close(); err != nil {
				t.Error(err)
			}
			if _, err := d.Scores(t.Context(), data.Voxels); !errors.Is(err, ort.ErrClosed) {
				t.Errorf("%s: a closed decoder: error %v, wanted ort.ErrClosed", where, err)
			}
		}
	}
}

// A decoder that is loaded searches when its files have gone.
func TestALoadedDecoderNeedsNoFiles(t *testing.T) {
	rt, data := orttest.Runtime(t), correlated(80, 2, 5)
	for _, preset := range []string{scan.PresetGaussian, scan.PresetLinear, scan.PresetCompact} {
		m, _ := trained(t, rt, data, preset)
		dir := t.TempDir()
		if err := m.Save(dir); err != nil {
			t.Fatal(err)
		}
		d, err := scan.Open(rt, dir, ort.SessionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		err = d.Load()
		if gone := os.Remove(filepath.Join(dir, "weights.safetensors")); err != nil || gone != nil {
			t.Fatal(err, gone)
		}
		if d.Config().Scored() {
			sameQueries(t, preset, d, data.Voxels)
		}
		if _, _, err := d.Deviation(data.Voxels.Data[:data.Voxels.Cols]); err != nil {
			t.Errorf("%s: %v", preset, err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if d.Config().Scored() {
			if err := d.Load(); !errors.Is(err, ort.ErrClosed) {
				t.Errorf("%s: a closed decoder is loaded: error %v", preset, err)
			}
		}
	}
}

// trained returns a decoder of some data, and the decoder open, until the test ends.
func trained(t *testing.T, rt *ort.Runtime, data scan.Data, preset string) (*scan.Model, *scan.Decoder) {
	t.Helper()
	m, err := scan.Train(t.Context(), rt, data, scan.Options{Preset: preset, Epochs: 1})
	if err != nil {
		t.Fatal(err)
	}
	d, err := m.Open(rt, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return m, d
}

func sameQueries(t *testing.T, name string, d *scan.Decoder, voxels blas32.General) {
	t.Helper()
	if !d.Config().Scored() {
		t.Fatalf("%s compares no scores", name)
	}
	tokens, err := d.Decode(t.Context(), voxels)
	if err != nil {
		t.Fatal(err)
	}
	scores, err := d.Scores(t.Context(), voxels)
	if err != nil {
		t.Fatal(err)
	}
	metric, err := d.Metric()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		token, score := tokens.Data[i*tokens.Stride:][:tokens.Cols], scores.Data[i*scores.Stride:][:scores.Cols]
		want, err := metric.Query(token, 2)
		if err != nil {
			t.Fatal(err)
		}
		got, err := metric.QueryScores(score, 2)
		near(t, name+": query", got, want, err)
		first, err := d.FirstStage(token)
		if err != nil {
			t.Fatal(err)
		}
		ofScores, err := d.FirstStageOfScores(t.Context(), score)
		near(t, name+": first stage", ofScores, first, err)
	}
}

func near(t *testing.T, name string, got, want []float32, err error) {
	t.Helper()
	if err != nil || len(got) != len(want) {
		t.Fatalf("%s: %d elements, error %v; wanted %d", name, len(got), err, len(want))
	}
	length := 0.
	for _, x := range want {
		length = max(length, math.Abs(float64(x)))
	}
	for i, x := range want {
		if math.Abs(float64(got[i]-x)) > 1e-4*length {
			t.Fatalf("%s: element %d is %v, wanted %v", name, i, got[i], x)
		}
	}
}

// Without a learned first stage, which three images are too few for, the first token
// searches.
func TestScoresOfADecoderWithoutAFirstStage(t *testing.T) {
	rt, data := orttest.Runtime(t), simulated(3, 4, 40, 2)
	m, d := trained(t, rt, data, scan.PresetWhitened)
	if m.Config.FirstStage {
		t.Fatal("the decoder has a first stage")
	}
	sameQueries(t, "three images", d, data.Voxels)
}

// A decoder with a network predicts no scores, nor does one that compares tokens.
func TestOnlyARidgeHasScores(t *testing.T) {
	rt, data := orttest.Runtime(t), correlated(40, 2, 5)
	for _, preset := range []string{scan.PresetCompact, scan.PresetLinear} {
		_, d := trained(t, rt, data, preset)
		if _, err := d.Scores(t.Context(), data.Voxels); err == nil || d.Config().Scored() {
			t.Errorf("%s: scores are predicted", preset)
		}
	}
}

// NaN and another number of voxels are refused, and cost the next scan nothing.
func TestScoresRefuseUnusableScans(t *testing.T) {
	rt, data := orttest.Runtime(t), correlated(40, 2, 5)
	_, d := trained(t, rt, data, scan.PresetGaussian)
	one := blas32.General{Rows: 1, Cols: data.Voxels.Cols, Stride: data.Voxels.Cols, Data: make([]float32, data.Voxels.Cols)}
	one.Data[3] = float32(math.NaN())
	if _, err := d.Scores(t.Context(), one); err == nil {
		t.Error("NaN is taken")
	}
	one.Data[3] = 0
	if _, err := d.Scores(t.Context(), blas32.General{Rows: 1, Cols: 3, Stride: 3, Data: make([]float32, 3)}); err == nil {
		t.Error("3 voxels are taken")
	}
	if _, err := d.Scores(t.Context(), one); err != nil {
		t.Error(err)
	}
}
