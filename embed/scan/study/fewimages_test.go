package study_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"engram/embed/ort/orttest"
	"engram/embed/scan"
	"engram/embed/scan/study"

	"gonum.org/v1/gonum/blas/blas32"
)

// richWorld returns trials of images that differ in as many directions as there are
// elements, with variances that fall off as one over the direction's number, seen three
// times each. No training set here covers the directions, as none does for real
// embeddings.
func richWorld(images int) scan.Data {
	const directions, voxels, repeats, noise = 480, 200, 3, 6
	rng := rand.New(rand.NewPCG(31, 32))
	normal := func(rows, cols int) blas32.General {
		m := blas32.General{Rows: rows, Cols: cols, Stride: cols, Data: make([]float32, rows*cols)}
		for i := range m.Data {
			m.Data[i] = float32(rng.NormFloat64())
		}
		return m
	}
	d := scan.Data{T: 2, D: directions / 2, Targets: normal(images, directions), Voxels: normal(images*repeats, voxels)}
	for i := range d.Targets.Data {
		d.Targets.Data[i] /= float32(math.Sqrt(1 + float64(i%directions)))
	}
	toVoxels, shared := normal(directions, voxels), normal(4, voxels)
	for trial := range images * repeats {
		d.Images = append(d.Images, trial/repeats)
		to := blas32.Vector{N: voxels, Inc: 1, Data: d.Voxels.Data[trial*voxels:][:voxels]}
		blas32.Scal(noise, to)
		for k := range directions {
			blas32.Axpy(d.Targets.Data[trial/repeats*directions+k], blas32.Vector{N: voxels, Inc: 1, Data: toVoxels.Data[k*voxels:]}, to)
		}
		for k := range shared.Rows {
			blas32.Axpy(float32(4*rng.NormFloat64()), blas32.Vector{N: voxels, Inc: 1, Data: shared.Data[k*voxels:]}, to)
		}
	}
	return d
}

// TestAutoWithFewImages is the floor that auto must keep where there are few images to
// tell what each component is worth: it finds more than every cosine of the ridge's
// scores.
func TestAutoWithFewImages(t *testing.T) {
	d := study.Design{
		Presets: []string{scan.PresetLinear, scan.PresetWhitened, scan.PresetGains, scan.PresetAuto},
		Images:  []int{84, 250}, Noise: []float64{1}, Seeds: []uint64{1, 2, 3}, Test: 150, Epochs: 2, Base: scan.PresetLinear,
	}
	r := study.Runner{Runtime: orttest.Runtime(t), Data: richWorld(400), Design: d, Dir: t.TempDir()}
	cells, err := r.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	best, auto := map[[2]int]float64{}, map[[2]int]float64{} // by images and repeats
	for _, row := range study.Summarise(cells, scan.PresetLinear) {
		t.Logf("%3d images, %d repeats, %s: %s", row.Images, row.Repeats, row.Preset, row.Top1)
		key := [2]int{row.Images, row.Repeats}
		if row.Preset == scan.PresetAuto {
			auto[key] = row.Top1.Mean
		} else {
			best[key] = max(best[key], row.Top1.Mean)
		}
	}
	for key, floor := range map[[2]int]float64{{84, 1}: .22, {84, 3}: .48, {250, 1}: .52, {250, 3}: .9} {
		if auto[key] < max(floor, best[key]) {
			t.Errorf("%d images, mean of %d: auto finds %.3f, the best cosine %.3f, wanted %.2f at least", key[0], key[1], auto[key], best[key], floor)
		}
	}
}
