package study_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"engram/data/progress"
	"engram/embed/ort/orttest"
	"engram/embed/scan"
	"engram/embed/scan/study"

	"gonum.org/v1/gonum/blas/blas32"
)

// world returns trials of images that differ in 12 directions, seen three times each.
// Voxels share two sources of noise, so that errors are correlated.
func world(images int) scan.Data {
	const directions, voxels, tokens, dim, repeats = 12, 60, 2, 12, 3
	rng := rand.New(rand.NewPCG(21, 22))
	normal := func(rows, cols int) [][]float64 {
		m := make([][]float64, rows)
		for i := range m {
			m[i] = make([]float64, cols)
			for j := range m[i] {
				m[i][j] = rng.NormFloat64()
			}
		}
		return m
	}
	latent, toTarget, toVoxels, shared := normal(images, directions), normal(directions, tokens*dim), normal(directions, voxels), normal(2, voxels)
	d := scan.Data{T: tokens, D: dim}
	d.Targets = blas32.General{Rows: images, Cols: tokens * dim, Stride: tokens * dim}
	d.Voxels = blas32.General{Rows: images * repeats, Cols: voxels, Stride: voxels}
	mix := func(weights []float64, rows [][]float64, j int) (sum float64) {
		for k, w := range weights {
			sum += w * rows[k][j]
		}
		return sum
	}
	for i := range images {
		for j := range tokens * dim {
			d.Targets.Data = append(d.Targets.Data, float32(mix(latent[i], toTarget, j)))
		}
	}
	for trial := range images * repeats {
		d.Images = append(d.Images, trial/repeats)
		noise := []float64{3 * rng.NormFloat64(), 3 * rng.NormFloat64()}
		for j := range voxels {
			d.Voxels.Data = append(d.Voxels.Data, float32(mix(latent[trial/repeats], toVoxels, j)+mix(noise, shared, j)+3*rng.NormFloat64()))
		}
	}
	return d
}

func design() study.Design {
	return study.Design{
		Presets: []string{scan.PresetLinear, scan.PresetWhitened, scan.PresetGains, scan.PresetGaussian, scan.PresetAuto},
		Images:  []int{120}, Noise: []float64{1.5, 3}, Seeds: []uint64{1, 2}, Test: 40, Epochs: 2, Base: scan.PresetLinear,
	}
}

// TestAutoIsNotBelowTheBest is the floor that the presets must keep: auto finds
// about as many images as the best preset, and the likelihood more than the ridge,
// on 120 images.
func TestAutoIsNotBelowTheBest(t *testing.T) {
	r := study.Runner{Runtime: orttest.Runtime(t), Data: world(180), Design: design(), Dir: t.TempDir()}
	cells, err := r.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	best, auto := map[[3]float64]float64{}, map[[3]float64]float64{}
	for _, row := range study.Summarise(cells, scan.PresetLinear) {
		t.Logf("%3d images, noise %.1f, %d repeats, %s: %s", row.Images, row.Noise, row.Repeats, row.Preset, row.Top1)
		key := [3]float64{float64(row.Images), row.Noise, float64(row.Repeats)}
		if row.Preset == scan.PresetAuto {
			auto[key] = row.Top1.Mean
			continue
		}
		best[key] = max(best[key], row.Top1.Mean)
		if row.Preset == scan.PresetGaussian && row.Repeats == 1 && row.Difference.Mean <= 0 {
			t.Errorf("noise %v, %d repeats: the likelihood finds %+.3f more than the ridge", row.Noise, row.Repeats, row.Difference.Mean)
		}
	}
	for key, want := range best {
		if auto[key] < want-.1 {
			t.Errorf("%v images, noise %v, %v repeats: auto finds %.3f, the best preset %.3f", key[0], key[1], key[2], auto[key], want)
		}
	}
}

// TestStudyGoesOn interrupts a study after two cells and while the third was
// written, goes on, and compares with a study that ran through.
func TestStudyGoesOn(t *testing.T) {
	rt, data, d := orttest.Runtime(t), world(60), design()
	d.Presets, d.Images, d.Test = []string{scan.PresetLinear, scan.PresetGains}, []int{20}, 20
	through := study.Runner{Runtime: rt, Data: data, Design: d, Dir: t.TempDir()}
	want, err := through.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	stopped := study.Runner{Runtime: rt, Data: data, Design: d, Dir: dir, Watch: func(r progress.Report) {
		if r.Stage == "comparing decoders" && r.Done == 2 {
			cancel()
		}
	}}
	if _, err := stopped.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("the cancelled study returned %v", err)
	}
	path := filepath.Join(dir, "cells.jsonl")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n"); n != 2 {
		t.Fatalf("%d cells were kept, want 2", n)
	}
	if err := os.WriteFile(path, append(text, `{"noise": 3, "ima`...), 0o600); err != nil {
		t.Fatal(err)
	}
	stopped.Watch = nil
	got, err := stopped.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) || len(want) != 4 {
		t.Fatalf("%d cells, want %d", len(got), len(want))
	}
	for i := range want {
		for j, o := range want[i].Outcomes {
			if !reflect.DeepEqual(got[i].Outcomes[j], o) {
				t.Errorf("cell %d: %+v, of a study that ran through %+v", i, got[i].Outcomes[j], o)
			}
		}
	}
	data.Voxels.Data[0]++
	other := study.Runner{Runtime: rt, Data: data, Design: d, Dir: dir}
	if _, err := other.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "other data") {
		t.Errorf("a folder of other data: error %v", err)
	}
}

// TestNoiseHasTheDatasOwnCovariance doubles the noise and expects four times the
// variance of deviations from an image's mean, and their correlations as before.
func TestNoiseHasTheDatasOwnCovariance(t *testing.T) {
	data := world(400)
	before := deviations(data)
	data.Voxels = study.Noisy(data, 2, 1)
	after := deviations(data)
	for _, pair := range [][2]int{{0, 0}, {0, 1}, {5, 9}} {
		was, is := covariance(before, pair), covariance(after, pair)
		if scale := math.Sqrt(covariance(before, [2]int{pair[0], pair[0]}) * covariance(before, [2]int{pair[1], pair[1]})); math.Abs(is-4*was) > .5*scale {
			t.Errorf("voxels %v: covariance %.2f, was %.2f", pair, is, was)
		}
	}
}

func deviations(d scan.Data) [][]float64 {
	out := make([][]float64, d.Voxels.Rows)
	for trial := range out {
		first := trial / 3 * 3
		for j := range d.Voxels.Cols {
			at := func(i int) float64 { return float64(d.Voxels.Data[i*d.Voxels.Stride+j]) }
			out[trial] = append(out[trial], at(trial)-(at(first)+at(first+1)+at(first+2))/3)
		}
	}
	return out
}

func covariance(rows [][]float64, pair [2]int) (sum float64) {
	for _, row := range rows {
		sum += row[pair[0]] * row[pair[1]] / float64(len(rows))
	}
	return sum
}

// TestDesignIsRefused names what the data cannot serve.
func TestDesignIsRefused(t *testing.T) {
	data := world(30)
	for want, change := range map[string]func(*study.Design){
		"found 120":           func(*study.Design) {},
		"noise is 0.5":        func(d *study.Design) { d.Noise = []float64{.5} },
		"\"best\" is not":     func(d *study.Design) { d.Presets = []string{"best"} },
		"the baseline linear": func(d *study.Design) { d.Presets = []string{scan.PresetGains} },
		"a seed at least":     func(d *study.Design) { d.Seeds = nil },
		"2 test images":       func(d *study.Design) { d.Test = 1 },
	} {
		d := design()
		change(&d)
		r := study.Runner{Data: data, Design: d, Dir: t.TempDir()}
		if _, err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	once := data
	once.Images = make([]int, len(data.Images))
	for i := range once.Images {
		once.Images[i] = i % 30
	}
	once.Voxels.Rows, once.Images = 30, once.Images[:30]
	d := design()
	d.Images, d.Test = []int{10}, 10
	r := study.Runner{Data: once, Design: d, Dir: t.TempDir()}
	if _, err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "seen twice") {
		t.Errorf("noise for images seen once: error %v", err)
	}
}
