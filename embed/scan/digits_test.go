package scan_test

import (
	"errors"
	"math"
	"path/filepath"
	"testing"

	"engram/data/npy"
	"engram/data/realtest"
	"engram/embed/eval"
	"engram/embed/internal/matrix"
	"engram/embed/scan"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"
)

// One person sees 90 handwritten sixes and nines (van Gerven et al. 2010).
// Ten-fold cross-validation of the ridge into the 784 pixels, λ chosen on the
// training trials of each fold, images and predictions less the mean training
// image, compared by Pearson's r. The wanted figures come from the same steps in
// NumPy on the same folds; the best λ in hindsight (100) gives .947 to .948.
func TestRidgeIdentifiesRealDigits(t *testing.T) {
	t.Parallel()
	dir := realtest.Path(t, "scans/digits69")
	voxels := readMatrix(t, filepath.Join(dir, "voxels.npy"))
	pixels := readMatrix(t, filepath.Join(dir, "stimuli.npy"))
	for seed, want := range []float64{0.9408, 0.9446, 0.9437} {
		sim := crossValidate(t, voxels, pixels, uint64(seed))
		twoWay, err := eval.TwoWay(sim)
		if err != nil {
			t.Fatal(err)
		}
		ranks, err := eval.Ranks(sim)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("division %d: two-way %.4f, top-1 of 90 %.3f, top-5 %.3f", seed, twoWay, eval.TopK(ranks, 1), eval.TopK(ranks, 5))
		// One of the 8,010 pairs is 0.0001.
		if math.Abs(twoWay-want) > 0.001 {
			t.Errorf("division %d: two-way identification is %.4f, NumPy's is %.4f", seed, twoWay, want)
		}
	}
}

// crossValidate returns the similarity of all targets with the prediction of
// each trial by the nine folds that it is not in.
func crossValidate(t *testing.T, voxels, targets blas32.General, seed uint64) *mat.Dense {
	t.Helper()
	images := make([]int, voxels.Rows) // each is seen once
	for i := range images {
		images[i] = i
	}
	folds, err := scan.KFoldByImage(images, 10, seed)
	if err != nil {
		t.Fatal(err)
	}
	all := mat.NewDense(targets.Rows, targets.Rows, nil)
	for _, fold := range folds {
		train, test := matrix.Pick(voxels, fold.Train), matrix.Pick(voxels, fold.Test)
		z, err := scan.FitZScore(t.Context(), train)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(z.Apply(train), z.Apply(test)); err != nil {
			t.Fatal(err)
		}
		ridge, err := scan.FitRidge(t.Context(), train, matrix.Pick(targets, fold.Train), scan.RidgeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		predicted, err := ridge.Predict(t.Context(), test)
		if err != nil {
			t.Fatal(err)
		}
		sim, err := eval.Compare(t.Context(), targets, predicted, ridge.TargetMean)
		if err != nil {
			t.Fatal(err)
		}
		for column, trial := range fold.Test {
			all.SetCol(trial, mat.Col(nil, column, sim))
		}
	}
	return all
}

// readMatrix reads an array of any number of axes as one row for each trial.
func readMatrix(t *testing.T, path string) blas32.General {
	t.Helper()
	a, err := npy.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	x := a.Float32s()
	n := a.Shape[0]
	return blas32.General{Rows: n, Cols: len(x) / n, Stride: len(x) / n, Data: x}
}
