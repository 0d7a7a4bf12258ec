package scan

import (
	"math"
	"testing"

	"engram/embed/embedtest"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
)

const gaussianTolerance = 1e-6

// TestGaussianEqualsNumPy compares the fitted model, and the differences of its
// densities between images, with scripts/golden_gaussian.py.
func TestGaussianEqualsNumPy(t *testing.T) {
	for _, name := range []string{"gaussian_full", "gaussian_diagonal"} {
		t.Run(name, func(t *testing.T) {
			g := embedtest.Read(t, name)
			s := leftOutScores{predicted: g.Inputs["predicted"].Matrix(), target: g.Inputs["scores"].Matrix(), images: g.Inputs["images"].Ints()}
			penalty := g.Number("penalty")
			if penalty < 0 {
				penalty = math.Inf(1)
			}
			fitted, err := newGaussian(s.moments(), int(g.Number("rank")), penalty)
			if err != nil {
				t.Fatal(err)
			}
			embedtest.Near(t, "slope", fitted.slope.RawMatrix().Data, g.Outputs["slope"].Data, 1e-8)
			embedtest.Near(t, "bias", fitted.bias, g.Outputs["bias"].Data, 1e-8)
			embedtest.Near(t, "total", fitted.total.RawMatrix().Data, g.Outputs["total"].Data, 1e-8)
			embedtest.Near(t, "trial", fitted.trial.RawMatrix().Data, g.Outputs["trial"].Data, 1e-8)
			m, err := fitted.mapping(s.target.Cols, g.Number("shrinkage"))
			if err != nil {
				t.Fatal(err)
			}
			embedtest.Near(t, "densities of one trial", densities(t, m, s, 1), g.Outputs["density_1"].Data, gaussianTolerance)
			embedtest.Near(t, "densities of the mean of three", densities(t, m, s, 3), g.Outputs["density_3"].Data, gaussianTolerance)
			single, err := fitted.single(s.target.Cols, g.Number("shrinkage"))
			if err != nil {
				t.Fatal(err)
			}
			embedtest.Near(t, "densities without an eigendecomposition", densities(t, single, s, 1), g.Outputs["density_1"].Data, gaussianTolerance)
		})
	}
}

// densities returns the likelihoods of the first four trials given each image, less
// the likelihood given the first image.
func densities(t *testing.T, m *mapping, s leftOutScores, repeats int) (out []float64) {
	t.Helper()
	coordinates, err := m.images(s.target)
	if err != nil {
		t.Fatal(err)
	}
	queries, err := m.queries(matrix.Part(s.predicted, 0, 4), repeats)
	if err != nil {
		t.Fatal(err)
	}
	offsets := m.offsets(coordinates, repeats)
	for j := range queries.Rows {
		var first float64
		for i := range coordinates.Rows {
			score := dot(queries, j, coordinates, i) + float64(offsets[i])
			if i == 0 {
				first = score
			}
			out = append(out, score-first)
		}
	}
	return out
}

func dot(a blas32.General, i int, b blas32.General, j int) float64 {
	return blas32.DDot(
		blas32.Vector{N: a.Cols, Inc: 1, Data: matrix.Row(a, i)},
		blas32.Vector{N: b.Cols, Inc: 1, Data: matrix.Row(b, j)})
}
