package scan_test

import (
	"math/rand/v2"
	"testing"

	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/scan"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/blas/blas32"
)

// TestTheLinearPartIsTheLinearDecoder compares the ridge within a compact decoder
// with the decoder that training linear on the same data gives.
func TestTheLinearPartIsTheLinearDecoder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	noise := func(rows, cols int) blas32.General {
		m := blas32.General{Rows: rows, Cols: cols, Stride: cols, Data: make([]float32, rows*cols)}
		for i := range m.Data {
			m.Data[i] = float32(rng.NormFloat64())
		}
		return m
	}
	data := scan.Data{Voxels: noise(60, 24), Targets: noise(30, 16), T: 1, D: 16}
	for i := range data.Voxels.Rows {
		data.Images = append(data.Images, i/2)
	}
	rt := orttest.Runtime(t)
	compact, err := scan.Train(t.Context(), rt, data, scan.Options{Preset: scan.PresetCompact, Epochs: 2, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	alone, err := scan.Train(t.Context(), rt, data, scan.Options{Preset: scan.PresetLinear, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	ridge, err := compact.Linear()
	if err != nil {
		t.Fatal(err)
	}
	alone.Config.FirstStage = false // its map is of the ridge's left-out predictions
	if diff := cmp.Diff(alone.Config, ridge.Config); diff != "" {
		t.Errorf("config (-alone +part):\n%s", diff)
	}
	want, got := decoded(t, rt, alone, data.Voxels), decoded(t, rt, ridge, data.Voxels)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("predictions (-alone +part):\n%s", diff)
	}
	if cmp.Equal(want, decoded(t, rt, compact, data.Voxels)) {
		t.Error("the compact decoder predicts what the ridge predicts")
	}
	if _, err := (&scan.Model{Config: scan.Config{Preset: scan.PresetMindEye1}}).Linear(); err == nil {
		t.Error("a decoder without a ridge has a linear part")
	}
}

func decoded(t *testing.T, rt *ort.Runtime, m *scan.Model, voxels blas32.General) []float32 {
	t.Helper()
	dir := t.TempDir()
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	decoder, err := scan.Open(rt, dir, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	out, err := decoder.Decode(t.Context(), voxels)
	if err != nil {
		t.Fatal(err)
	}
	return out.Data
}
