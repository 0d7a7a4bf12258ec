package scan

import (
	"errors"
	"math"
	"math/rand/v2"

	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"
)

// maxComponentImages bounds the images that the components are computed from:
// the work grows with the square of their number.
const maxComponentImages = 1024

// components are the principal components of the targets. Predictions and losses
// live in their space. The basis is orthogonal, and its vectors have one length, so
// that the cosine of two score vectors is the cosine of their tokens, and training
// never touches the T·D elements of a token matrix.
type components struct {
	mean  []float32      // [T·D], of the targets
	basis blas32.General // [rank, T·D], rows orthogonal, each of length scale
	scale float64        // root mean square of the targets' scores along unit vectors
}

// findComponents computes at most rank components of the targets of images,
// [images, T·D], by the eigenvectors of their Gram matrix (the snapshot method
// of Sirovich 1987, Quarterly of Applied Mathematics 45).
func findComponents(targets blas32.General, rank int, seed uint64) (*components, error) {
	sample := targets
	if targets.Rows > maxComponentImages {
		sample = matrix.Pick(targets, rand.New(rand.NewPCG(seed, 2)).Perm(targets.Rows)[:maxComponentImages])
	}
	centered, _ := matrix.Centered(sample)
	var eigen mat.EigenSym
	if !eigen.Factorize(outer(centered), true) {
		return nil, errors.New("scan: the eigendecomposition of the targets did not converge")
	}
	values := eigen.Values(nil) // ascending
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	largest := values[len(values)-1]
	kept, total := 0, 0.0
	for kept < min(rank, len(values)-1) && values[len(values)-1-kept] > 1e-9*largest {
		total += values[len(values)-1-kept]
		kept++
	}
	if kept == 0 {
		return nil, errors.New("scan: the targets of all images are the same")
	}
	c := &components{mean: float32s(matrix.ColMeans(targets)), basis: matrix.New(kept, targets.Cols)}
	c.scale = math.Sqrt(total / float64(kept*sample.Rows))
	last := len(values) - 1
	var basis mat.Dense
	basis.Mul(vectors.Slice(0, last+1, last+1-kept, last+1).T(), centered)
	for k := range kept {
		row := kept - 1 - k // ascending, too
		length := math.Sqrt(values[last-k])
		for j, x := range basis.RawRowView(row) {
			c.basis.Data[k*targets.Cols+j] = float32(x / length * c.scale)
		}
	}
	return c, nil
}

// scores returns the targets in the space of the components, [images, rank].
func (c *components) scores(targets blas32.General) blas32.General {
	out := matrix.New(targets.Rows, c.basis.Rows)
	inverse := float32(1 / (c.scale * c.scale))
	for from := 0; from < targets.Rows; from += chunkTrials {
		to := min(from+chunkTrials, targets.Rows)
		centered := matrix.Clone(matrix.Part(targets, from, to))
		for i := range centered.Rows {
			row := matrix.Row(centered, i)
			for j, mean := range c.mean {
				row[j] -= mean
			}
		}
		blas32.Gemm(blas.NoTrans, blas.Trans, inverse, centered, c.basis, 0, matrix.Part(out, from, to))
	}
	return out
}
