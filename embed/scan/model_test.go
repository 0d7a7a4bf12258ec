package scan_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/data/safetensors"
	"engram/data/space"
	"engram/embed"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/scan"
)

// TestSavedDecoderAnswersAsBefore saves and opens a decoder, and compares its
// predictions with the model in memory.
func TestSavedDecoderAnswersAsBefore(t *testing.T) {
	rt := orttest.Runtime(t)
	data := simulated(30, 1, 40, 2)
	network, err := scan.Train(t.Context(), rt, data, scan.Options{Preset: scan.PresetCompact, Epochs: 3, Target: space.Space{Name: "test", Fingerprint: strings.Repeat("ab", 32)}})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "decoder")
	if err := network.Save(dir); err != nil {
		t.Fatal(err)
	}
	memory, err := network.Open(rt, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	opened, err := scan.Open(rt, dir, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if opened.Config() != memory.Config() {
		t.Errorf("opened as %+v, was %+v", opened.Config(), memory.Config())
	}
	want, err := memory.Decode(t.Context(), data.Voxels)
	if err != nil {
		t.Fatal(err)
	}
	got, err := opened.Decode(t.Context(), data.Voxels)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Data, want.Data) {
		t.Fatal("the opened decoder predicts other tokens than before it was saved")
	}
	for _, find := range []func([]float32) (embed.Vector, error){opened.Global, opened.FirstStage} {
		if q, err := find(got.Data[:got.Cols]); err != nil || math.Abs(embed.Norm(q)-1) > 1e-6 {
			t.Errorf("a query is %v, error %v, want one of unit length", q, err)
		}
	}
	weights, _, err := safetensors.ReadFile(filepath.Join(dir, "weights.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range network.Values {
		if saved, ok := weights[name].Data.([]float32); !ok || !slices.Equal(saved, values) {
			t.Errorf("array %s was saved with other values", name)
		}
	}
}

// TestDecoderMadeElsewhereIsWelcome opens a decoder that has a bundle.json and
// an ONNX file, and a config.json that is not of this package.
func TestDecoderMadeElsewhereIsWelcome(t *testing.T) {
	rt := orttest.Runtime(t)
	data := simulated(30, 1, 40, 1)
	network, err := scan.Train(t.Context(), rt, data, scan.Options{Preset: scan.PresetLinear})
	if err != nil {
		t.Fatal(err)
	}
	content, err := network.ONNX()
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(t.TempDir(), "foreign.onnx")
	if err := os.WriteFile(source, content, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"architecture": "another program's"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = model.Wrap(dir, source, model.Manifest{
		Kind: model.Decoder, Name: "foreign", Version: "7", Licence: "MIT", Source: "test", T: 1, D: 8, Voxels: 40, Target: strings.Repeat("cd", 32),
		Graphs: map[string]model.Graph{"decoder": {
			Inputs: map[string]string{"voxels": "voxels"}, Outputs: map[string]string{"embedding": "tokens"},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d, err := scan.Open(rt, dir, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if d.TargetMean() != nil {
		t.Error("a decoder made elsewhere has a target mean")
	}
	tokens, err := d.Decode(t.Context(), data.Voxels)
	if err != nil {
		t.Fatal(err)
	}
	if q, err := d.FirstStage(tokens.Data[:8]); err != nil || tokens.Rows != 30 || len(q) != 8 {
		t.Errorf("%d predictions, query %v, error %v", tokens.Rows, q, err)
	}
}

// TestDamagedDecoderIsRefused changes the files of a decoder's folder.
func TestDamagedDecoderIsRefused(t *testing.T) {
	rt := orttest.Runtime(t)
	network, err := scan.Train(t.Context(), rt, simulated(30, 1, 40, 1), scan.Options{Preset: scan.PresetLinear})
	if err != nil {
		t.Fatal(err)
	}
	for want, damage := range map[string]func(dir string) error{
		"checksum mismatch": func(dir string) error {
			path := filepath.Join(dir, "weights.safetensors")
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			content[len(content)-1] ^= 1
			return os.WriteFile(path, content, 0o600)
		},
		"no such file": func(dir string) error { return os.Remove(filepath.Join(dir, "config.json")) },
		"bundle.json":  func(dir string) error { return os.Remove(filepath.Join(dir, "bundle.json")) },
		"do not describe the same decoder": func(dir string) error {
			b, err := model.Open(dir)
			if err != nil {
				return err
			}
			m := b.Manifest
			m.Target = strings.Repeat("cd", 32)
			_, err = model.Write(dir, m)
			return err
		},
	} {
		dir := t.TempDir()
		if err := errors.Join(network.Save(dir), damage(dir)); err != nil {
			t.Fatal(err)
		}
		if _, err := scan.Open(rt, dir, ort.SessionOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("wanted an error with %q, found %v", want, err)
		}
	}
}

// TestFailedSaveKeepsTheDecoder writes a decoder that cannot be saved over one
// that could.
func TestFailedSaveKeepsTheDecoder(t *testing.T) {
	rt := orttest.Runtime(t)
	network, err := scan.Train(t.Context(), rt, simulated(30, 1, 40, 1), scan.Options{Preset: scan.PresetLinear})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := network.Save(dir); err != nil {
		t.Fatal(err)
	}
	worse := *network
	worse.Config.Target.Fingerprint = "not a fingerprint"
	if err := worse.Save(dir); err == nil {
		t.Fatal("a decoder without a target was saved")
	}
	kept, err := scan.Open(rt, dir, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	if kept.Config() != network.Config {
		t.Errorf("the folder holds %+v, was %+v", kept.Config(), network.Config)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 4 {
		t.Errorf("the folder holds %v, want 4 files (%v)", files, err)
	}
}
