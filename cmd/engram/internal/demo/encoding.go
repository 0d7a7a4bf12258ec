package demo

import (
	"context"
	"errors"
	"fmt"
	"math"

	"engram/data/dense"
	"engram/data/scanner"
	"engram/data/scenes"
	"engram/embed/eval"
	"engram/embed/scan"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

const (
	// bankSeed makes the observer's bank another subject than the one that is scanned.
	bankSeed = 0x9E3779B97F4A7C15
	// bankShare is how many units the bank has for each voxel of the subject.
	bankShare = 0.15
	// noiseShrinkage is how far the covariance of the residuals is shrunk towards its
	// diagonal.
	noiseShrinkage = 0.2
	// faintest is the least variance of a direction of the predictions, relative to the
	// strongest.
	faintest = 1e-6
)

// encodingModel identifies scenes as Kay et al. 2008 (Nature 452:352) do: it predicts
// the scan of every candidate and takes the likeliest. It learns from the trials that
// decoders are trained on. Its features are a bank of units that have the kinds of
// tuning that voxels have, but other fields and preferences; a ridge regression gives
// each voxel's weights. It compares scans along the directions in which predictions can
// differ, one for each unit at most; the residuals of left-out scenes give the covariance there.
type encodingModel struct {
	bank       *scanner.Subject
	mean       []float64 // of the units, over training scenes
	scale      []float64 // 1/deviation of the units
	ridge      *scan.Ridge
	directions blas32.General // [voxels, directions], orthonormal in units of each voxel's residual
	scenes     blas32.General // [training scenes, directions], left-out predictions
}

// learnEncoding fits the model to the mean scans of training scenes.
func (d *demo) learnEncoding(ctx context.Context, r recorded) (*encodingModel, error) {
	train := d.shown()[0]
	means, err := d.means(r, train, d.Scale.Repeats)
	if err != nil {
		return nil, err
	}
	list := train.scenes
	step := d.counter("learning an encoding model", len(list)+min(reference, len(list)))
	units := max(100, int(bankShare*float64(d.Scale.Voxels)))
	m := &encodingModel{}
	m.bank, err = scanner.New(scanner.Options{Seed: d.Seed ^ bankSeed, Voxels: units}, stimuli(ctx, list[:min(reference, len(list))], step))
	if err != nil {
		return nil, err
	}
	features, err := m.bank.Responses(stimuli(ctx, list, step))
	if err != nil {
		return nil, err
	}
	m.standardise(features)
	m.ridge, err = scan.FitRidge(ctx, m.standard(features), means, scan.RidgeOptions{LeaveOut: true})
	if err != nil {
		return nil, err
	}
	if err := m.setDirections(ctx, residualVariances(means, m.ridge.LeftOut)); err != nil {
		return nil, err
	}
	m.scenes, err = m.along(ctx, m.ridge.LeftOut)
	m.ridge.LeftOut = blas32.General{}
	return m, err
}

// residualVariances returns, for each voxel, the mean square of what scans differ by
// from predictions.
func residualVariances(scans, predicted blas32.General) []float64 {
	out := make([]float64, scans.Cols)
	for i := range scans.Rows {
		for j, x := range scans.Data[i*scans.Stride:][:scans.Cols] {
			d := float64(x - predicted.Data[i*predicted.Stride+j])
			out[j] += d * d / float64(scans.Rows)
		}
	}
	return out
}

// setDirections sets the directions that the weights span. With voxels in units of
// their residuals, the weights W [units, voxels] have the Gram matrix W·Wᵀ = E·Λ·Eᵀ,
// and Wᵀ·E·Λ^(−1/2) are orthonormal.
func (m *encodingModel) setDirections(ctx context.Context, variances []float64) error {
	w := m.ridge.Weights
	scaled := blas32.General{Rows: w.Rows, Cols: w.Cols, Stride: w.Cols, Data: make([]float32, w.Rows*w.Cols)}
	for i := range w.Rows {
		for j, x := range w.Data[i*w.Stride:][:w.Cols] {
			scaled.Data[i*w.Cols+j] = x / float32(math.Sqrt(variances[j]))
		}
	}
	gram, err := product(ctx, dense.Of(scaled), dense.Of(scaled).T())
	if err != nil {
		return err
	}
	symmetric := mat.NewSymDense(gram.Rows, nil)
	for i := range gram.Rows {
		for j := i; j < gram.Cols; j++ {
			symmetric.SetSym(i, j, float64(gram.Data[i*gram.Stride+j]))
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(symmetric, true) {
		return errors.New("encoding model: the eigenvalues of its weights are not found")
	}
	values := eigen.Values(nil) // ascending
	first := 0
	for first < len(values)-1 && values[first] < faintest*values[len(values)-1] {
		first++
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	kept := blas32.General{Rows: w.Rows, Cols: len(values) - first, Stride: len(values) - first}
	for i := range w.Rows {
		for k := first; k < len(values); k++ {
			kept.Data = append(kept.Data, float32(vectors.At(i, k)/math.Sqrt(values[k])))
		}
	}
	if m.directions, err = product(ctx, dense.Of(scaled).T(), dense.Of(kept)); err != nil {
		return err
	}
	for i := range m.directions.Rows {
		blas32.Scal(float32(1/math.Sqrt(variances[i])), blas32.Vector{N: m.directions.Cols, Inc: 1, Data: m.directions.Data[i*m.directions.Stride:]})
	}
	return nil
}

// product returns A·B.
func product(ctx context.Context, a, b dense.Matrix[float32]) (blas32.General, error) {
	out := blas32.General{Rows: a.Rows, Cols: b.Cols, Stride: b.Cols, Data: make([]float32, a.Rows*b.Cols)}
	return out, dense.Product[float32]{C: dense.Of(out), A: a, B: b, Sign: 1}.Add(ctx)
}

// along returns the rows of scans along the model's directions.
func (m *encodingModel) along(ctx context.Context, scans blas32.General) (blas32.General, error) {
	return product(ctx, dense.Of(scans), dense.Of(m.directions))
}

// standardise sets the means and scales of the units.
func (m *encodingModel) standardise(features blas32.General) {
	m.mean, m.scale = make([]float64, features.Cols), make([]float64, features.Cols)
	squares, n := make([]float64, features.Cols), float64(features.Rows)
	for i := range features.Rows {
		for j, x := range features.Data[i*features.Stride:][:features.Cols] {
			m.mean[j] += float64(x) / n
			squares[j] += float64(x) * float64(x) / n
		}
	}
	for j := range m.scale {
		if variance := squares[j] - m.mean[j]*m.mean[j]; variance > 0 {
			m.scale[j] = 1 / math.Sqrt(variance)
		}
	}
}

// standard standardises features in place and returns them.
func (m *encodingModel) standard(features blas32.General) blas32.General {
	for i := range features.Rows {
		row := features.Data[i*features.Stride:][:features.Cols]
		for j, x := range row {
			row[j] = float32((float64(x) - m.mean[j]) * m.scale[j])
		}
	}
	return features
}

// predict returns the scans that scenes are predicted to have, along the directions.
func (m *encodingModel) predict(ctx context.Context, list []scenes.Scene) (blas32.General, error) {
	features, err := m.bank.Responses(stimuli(ctx, list, func() {}))
	if err != nil {
		return features, err
	}
	predicted, err := m.ridge.Predict(ctx, m.standard(features))
	if err != nil {
		return predicted, err
	}
	return m.along(ctx, predicted)
}

// whitening returns the upper Cholesky factor of the covariance of what scans of
// training scenes differ by from the predictions for these scenes, along the directions.
func (m *encodingModel) whitening(scans blas32.General) (blas64.Triangular, error) {
	n, v := scans.Rows, scans.Cols
	residuals := blas64.General{Rows: n, Cols: v, Stride: v, Data: make([]float64, n*v)}
	for i := range n {
		for j, x := range scans.Data[i*scans.Stride:][:v] {
			residuals.Data[i*v+j] = float64(x - m.scenes.Data[i*m.scenes.Stride+j])
		}
	}
	c := blas64.Symmetric{Uplo: blas.Upper, N: v, Stride: v, Data: make([]float64, v*v)}
	blas64.Syrk(blas.Trans, 1/float64(n), residuals, 0, c)
	for i := range v {
		for j := i + 1; j < v; j++ {
			c.Data[i*v+j] *= 1 - noiseShrinkage
		}
	}
	factor, positive := lapack64.Potrf(c)
	if !positive {
		return factor, errors.New("encoding model: the covariance of its residuals is not positive definite")
	}
	return factor, nil
}

// whiten returns the rows of a matrix in units of the noise: U⁻ᵀ of each.
func whiten(factor blas64.Triangular, m blas32.General) blas64.General {
	out := blas64.General{Rows: m.Cols, Cols: m.Rows, Stride: m.Rows, Data: make([]float64, m.Rows*m.Cols)}
	for i := range m.Rows {
		for j := range m.Cols {
			out.Data[j*m.Rows+i] = float64(m.Data[i*m.Stride+j])
		}
	}
	blas64.Trsm(blas.Left, blas.Trans, 1, factor, out)
	return out
}

// identify returns how many scans of each set the model identifies among its scenes,
// scans being means of so many repeats.
func (m *encodingModel) identify(ctx context.Context, d *demo, r recorded, repeats int) (map[string]eval.Share, error) {
	training, err := d.means(r, d.shown()[0], repeats)
	if err != nil {
		return nil, err
	}
	seen, err := m.along(ctx, training)
	if err != nil {
		return nil, err
	}
	factor, err := m.whitening(seen)
	if err != nil {
		return nil, fmt.Errorf("%d repeats: %w", repeats, err)
	}
	out := map[string]eval.Share{}
	for _, s := range d.shown()[1:] {
		predicted, err := m.predict(ctx, s.scenes)
		if err != nil {
			return nil, err
		}
		scans, err := d.means(r, s, repeats)
		if err != nil {
			return nil, err
		}
		along, err := m.along(ctx, scans)
		if err != nil {
			return nil, err
		}
		right := nearest(whiten(factor, predicted), whiten(factor, along))
		out[s.name] = eval.Wilson(float64(right)/float64(scans.Rows), scans.Rows)
	}
	return out, nil
}

// nearest returns how many columns of scans are nearest to the column of the same
// number of predictions.
func nearest(predicted, scans blas64.General) int {
	products := blas64.General{Rows: scans.Cols, Cols: predicted.Cols, Stride: predicted.Cols, Data: make([]float64, scans.Cols*predicted.Cols)}
	blas64.Gemm(blas.Trans, blas.NoTrans, 1, scans, predicted, 0, products)
	lengths := make([]float64, predicted.Cols)
	for i := range predicted.Rows {
		for c, x := range predicted.Data[i*predicted.Stride:][:predicted.Cols] {
			lengths[c] += x * x
		}
	}
	right := 0
	for i := range products.Rows {
		best, most := 0, math.Inf(-1)
		for c, x := range products.Data[i*products.Stride:][:products.Cols] {
			if likelihood := x - lengths[c]/2; likelihood > most {
				best, most = c, likelihood
			}
		}
		if best == i {
			right++
		}
	}
	return right
}
