package scan

import (
	"math/rand/v2"
	"testing"

	"engram/embed/embedtest"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
)

// Products of float32 in sums of float64 cost about a digit.
const momentsTolerance = 2e-5

// trialsFor draws voxels that are nearly z-scored, [trials, voxels], and targets,
// [trials, targets]. Each target is a voxel with noise.
func trialsFor(seed uint64, trials, voxels, targets int) (x, y blas32.General) {
	rng := rand.New(rand.NewPCG(seed, 2))
	x, y = matrix.New(trials, voxels), matrix.New(trials, targets)
	for i := range x.Data {
		x.Data[i] = float32(rng.NormFloat64() + .3)
	}
	for i := range trials {
		for j := range targets {
			y.Data[i*targets+j] = x.Data[i*voxels+j] + float32(rng.NormFloat64()) - 1
		}
	}
	return x, y
}

func unwatched(done, total int64) {}

func TestRidgeOfFoldsIsTheRidgeOfTheirTrials(t *testing.T) {
	const n, lambda = 700, 30
	x, y := trialsFor(1, n, 600, 5)
	folds, err := KFoldByImage(once(n), 3, 7)
	if err != nil {
		t.Fatal(err)
	}
	got, err := foldRidge{x, y, folds, lambda, unwatched}.fit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, err := FitRidge(t.Context(), x, y, RidgeOptions{Lambda: lambda})
	if err != nil {
		t.Fatal(err)
	}
	embedtest.Near(t, "weights", got.Weights.Data, float64s(want.Weights.Data), momentsTolerance)
	embedtest.Near(t, "voxel means", got.VoxelMean, float64s(want.VoxelMean), momentsTolerance)
	embedtest.Near(t, "target means", got.TargetMean, float64s(want.TargetMean), momentsTolerance)
	for _, fold := range folds {
		others, err := FitRidge(t.Context(), matrix.Pick(x, fold.Train), matrix.Pick(y, fold.Train), RidgeOptions{Lambda: lambda})
		if err != nil {
			t.Fatal(err)
		}
		predicted, err := others.Predict(matrix.Pick(x, fold.Test))
		if err != nil {
			t.Fatal(err)
		}
		embedtest.Near(t, "left out", matrix.Pick(got.LeftOut, fold.Test).Data, float64s(predicted.Data), 10*momentsTolerance)
	}
}

func float64s(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

func BenchmarkRidgeOfFolds(b *testing.B) {
	const n = 3000
	x, y := trialsFor(1, n, 1000, 100)
	folds, err := KFoldByImage(once(n), ridgeFolds, 7)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := (foldRidge{x, y, folds, 100, unwatched}).fit(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
