package scan_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/embed"
	"engram/embed/bundle"
	"engram/embed/eval"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/scan"

	"gonum.org/v1/gonum/blas/blas32"
)

// simulated draws images and trials of a small world: each image is a random
// vector of t·d elements along a few directions, each voxel a random mix of
// those directions plus noise, each image seen repeats times.
func simulated(images, repeats, voxels, t, d int) scan.Data {
	const directions = 6
	rng := rand.New(rand.NewPCG(11, 12))
	normal := func(rows, cols int) blas32.General {
		m := blas32.General{Rows: rows, Cols: cols, Stride: cols, Data: make([]float32, rows*cols)}
		for i := range m.Data {
			m.Data[i] = float32(rng.NormFloat64())
		}
		return m
	}
	latent, toTarget, toVoxels := normal(images, directions), normal(directions, t*d), normal(directions, voxels)
	data := scan.Data{T: t, D: d, Targets: product(latent, toTarget)}
	for i := range data.Targets.Data {
		data.Targets.Data[i] += 2 // like real embeddings, all images have much in common
	}
	clean := product(latent, toVoxels)
	data.Voxels = normal(images*repeats, voxels)
	for trial := range images * repeats {
		image := trial % images
		data.Images = append(data.Images, image)
		for v := range voxels {
			x := &data.Voxels.Data[trial*voxels+v]
			*x = 100 + 3*clean.Data[image*voxels+v] + 3*(*x)
		}
	}
	return data
}

func product(a, b blas32.General) blas32.General {
	out := blas32.General{Rows: a.Rows, Cols: b.Cols, Stride: b.Cols, Data: make([]float32, a.Rows*b.Cols)}
	for i := range a.Rows {
		for j := range b.Cols {
			for k := range a.Cols {
				out.Data[i*b.Cols+j] += a.Data[i*a.Stride+k] * b.Data[k*b.Stride+j]
			}
		}
	}
	return out
}

// TestEveryPresetLearns cross-validates on the small world. A decoder that
// learned nothing identifies half of the pairs.
func TestEveryPresetLearns(t *testing.T) {
	rt := orttest.Runtime(t)
	data := simulated(60, 2, 40, 2, 8)
	for preset, want := range map[string]float64{scan.PresetLinear: .95, scan.PresetCompact: .95} {
		folds, err := scan.KFoldByImage(data.Images, 3, 1)
		if err != nil {
			t.Fatal(err)
		}
		cv, err := scan.CrossValidate(t.Context(), rt, data, scan.Options{Preset: preset, Epochs: 20}, folds)
		if err != nil {
			t.Fatal(err)
		}
		twoWay, err := eval.TwoWay(cv.Similarity)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: two-way identification %.3f", preset, twoWay)
		if twoWay < want {
			t.Errorf("%s: two-way identification is %.3f, want %.2f", preset, twoWay, want)
		}
	}
}

// TestSavedDecoderAnswersAsBefore saves, opens and loads, and compares
// predictions with the model in memory.
func TestSavedDecoderAnswersAsBefore(t *testing.T) {
	rt := orttest.Runtime(t)
	data := simulated(30, 1, 40, 2, 8)
	model, err := scan.Train(t.Context(), rt, data, scan.Options{Epochs: 3, Target: scan.Target{Bundle: strings.Repeat("ab", 32), BundleName: "test"}})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "decoder")
	if err := model.Save(dir); err != nil {
		t.Fatal(err)
	}
	memory, err := model.Open(rt, ort.SessionOptions{})
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
	want, err := memory.Queries(t.Context(), data.Voxels)
	if err != nil {
		t.Fatal(err)
	}
	got, err := opened.Queries(t.Context(), data.Voxels)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if !slices.Equal(got[i], want[i]) {
			t.Fatalf("trial %d: the opened decoder answers %v, was %v", i, got[i], want[i])
		}
		if n := embed.Norm(got[i]); math.Abs(n-1) > 1e-6 {
			t.Fatalf("trial %d: query of length %v", i, n)
		}
	}
	loaded, err := scan.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range model.Values {
		if !slices.Equal(loaded.Values[name], values) {
			t.Errorf("array %s came back different", name)
		}
	}
}

// TestDecoderMadeElsewhereIsWelcome opens a decoder that has a bundle.json and
// an ONNX file, but none of this package's own files.
func TestDecoderMadeElsewhereIsWelcome(t *testing.T) {
	rt := orttest.Runtime(t)
	data := simulated(30, 1, 40, 1, 8)
	model, err := scan.Train(t.Context(), rt, data, scan.Options{Preset: scan.PresetLinear})
	if err != nil {
		t.Fatal(err)
	}
	content, err := model.ONNX()
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(t.TempDir(), "foreign.onnx")
	if err := os.WriteFile(source, content, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	_, err = bundle.Wrap(dir, source, bundle.Manifest{
		Kind: bundle.Decoder, Name: "foreign", Version: "7", Licence: "MIT", Source: "test", T: 1, D: 8, Voxels: 40, Target: strings.Repeat("cd", 32),
		Models: map[string]bundle.Model{"decoder": {
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
	if q, err := d.Queries(t.Context(), data.Voxels); err != nil || len(q) != 30 {
		t.Errorf("%d queries, error %v", len(q), err)
	}
}

// TestTrainingResumesWhereItStopped stops a training by its context and wants
// the resumed one to end in the weights of one that ran through.
func TestTrainingResumesWhereItStopped(t *testing.T) {
	rt := orttest.Runtime(t)
	data := simulated(40, 1, 40, 1, 8)
	opts := scan.Options{Epochs: 9, Batch: 16, Seed: 5}
	whole, err := scan.Train(t.Context(), rt, data, opts)
	if err != nil {
		t.Fatal(err)
	}
	opts.Checkpoint = t.TempDir()
	opts.CheckpointEvery = 1
	ctx, cancel := context.WithCancel(t.Context())
	opts.Progress = func(p scan.Progress) {
		if p.Epoch == 5 {
			cancel()
		}
	}
	if _, err := scan.Train(ctx, rt, data, opts); !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled training returned %v", err)
	}
	first := 0
	opts.Progress = func(p scan.Progress) {
		if first == 0 {
			first = p.Epoch
		}
	}
	resumed, err := scan.Train(t.Context(), rt, data, opts)
	if err != nil {
		t.Fatal(err)
	}
	if first != 6 {
		t.Errorf("resumed at epoch %d, want 6", first)
	}
	for name, want := range whole.Values {
		if !slices.Equal(resumed.Values[name], want) {
			t.Errorf("array %s differs from that of an uninterrupted training", name)
		}
	}
	opts.Seed = 6
	if _, err := scan.Train(t.Context(), rt, data, opts); err == nil || !strings.Contains(err.Error(), "another training") {
		t.Errorf("a checkpoint of another seed gave %v", err)
	}
}

// TestTrainRefuses wants a sentence for each kind of unusable data.
func TestTrainRefuses(t *testing.T) {
	rt := orttest.Runtime(t)
	for want, spoil := range map[string]func(d *scan.Data, o *scan.Options){
		"voxel 3 is NaN":        func(d *scan.Data, _ *scan.Options) { d.Voxels.Data[3] = float32(math.NaN()) },
		"want 2 tokens of 8":    func(d *scan.Data, _ *scan.Options) { d.T = 2 },
		"saw image 99":          func(d *scan.Data, _ *scan.Options) { d.Images[4] = 99 },
		"image of each of 30":   func(d *scan.Data, _ *scan.Options) { d.Images = d.Images[:7] },
		"images at least":       func(d *scan.Data, _ *scan.Options) { clear(d.Images) },
		`"huge" is not known`:   func(_ *scan.Data, o *scan.Options) { o.Preset = "huge" },
		"targets of all images": func(d *scan.Data, _ *scan.Options) { clear(d.Targets.Data) },
		"no voxel varies":       func(d *scan.Data, _ *scan.Options) { clear(d.Voxels.Data) },
		"want a lower":          func(_ *scan.Data, o *scan.Options) { o.LR, o.Preset = 1e30, scan.PresetCompact },
	} {
		data := simulated(30, 1, 40, 1, 8)
		opts := scan.Options{Preset: scan.PresetLinear, Epochs: 4}
		spoil(&data, &opts)
		if _, err := scan.Train(t.Context(), rt, data, opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("wanted an error with %q, found %v", want, err)
		}
	}
	model, err := scan.Train(t.Context(), rt, simulated(30, 1, 40, 1, 8), scan.Options{Preset: scan.PresetLinear})
	if err != nil {
		t.Fatal(err)
	}
	d, err := model.Open(rt, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Decode(t.Context(), simulated(3, 1, 41, 1, 8).Voxels); err == nil || !strings.Contains(err.Error(), "reads 40 voxels, the scan has 41") {
		t.Errorf("41 voxels gave %v", err)
	}
	nan := simulated(3, 1, 40, 1, 8).Voxels
	nan.Data[5] = float32(math.Inf(1))
	if _, err := d.Decode(t.Context(), nan); !errors.Is(err, embed.ErrNotFinite) {
		t.Errorf("an infinite voxel gave %v", err)
	}
}
