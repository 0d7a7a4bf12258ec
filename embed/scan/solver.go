package scan

import (
	"context"
	"errors"
	"math/rand/v2"

	"engram/data/dense"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
)

// solver is what the ridge regressions of the same trials have in common, whatever the
// targets are: the Gram matrix of the voxels, its factor for one λ, and the leverages of
// the trials for every λ so far. Its trials are in an order in which every group that is
// left out together lies in one piece. It is not safe for concurrent use.
type solver struct {
	centredRows          // [trials, V]
	groups      [][2]int // from ≤ trial < to in this order
	images      []int    // of each row of x
	zscore      *ZScore  // nil: none
	single      bool     // products of voxels are in float32
	primal      bool     // gram is XᵀX, [V, V], else XXᵀ, [trials, trials]

	// gram has the Gram matrix of the centred voxels above its diagonal, and below
	// it, with the diagonal, the Cholesky factor for one λ. It is empty before the
	// first regression.
	gram     dense.Matrix[float64]
	diagonal []float64
	factor   *dense.Factor // in gram; nil: none
	lambda   float64       // of factor

	// open has, for a λ, the matrix I − H of each group, see solved.errors; nil for a
	// group that was not left out yet.
	open   map[float64][][]float64
	sample *sampleSolver // nil before the first search for λ
	meter  *meter        // of the regression that is solved; nil: none
}

// newSolver orders the trials. Where there are more than lambdaTrials, images are in a
// random order, so that the last ones are a sample.
func newSolver(ctx context.Context, voxels blas32.General, opts RidgeOptions) (*solver, error) {
	s := &solver{centredRows: centredRows{x: voxels}, primal: voxels.Cols < voxels.Rows, images: opts.Images, open: map[float64][][]float64{}}
	if s.images == nil {
		s.images = upTo(voxels.Rows)
	}
	groups := trialsByImage(s.images)
	if len(groups) < 2 && (opts.LeaveOut || opts.Lambda == 0) {
		return nil, errors.New("ridge: leaving an image out needs trials of two images at least, found one")
	}
	if voxels.Rows > lambdaTrials {
		rng := rand.New(rand.NewPCG(1, 3))
		rng.Shuffle(len(groups), func(i, j int) { groups[i], groups[j] = groups[j], groups[i] })
	}
	for _, group := range groups {
		from := len(s.order)
		s.order = append(s.order, group...)
		s.groups = append(s.groups, [2]int{from, len(s.order)})
	}
	if opts.ZScore != nil {
		s.zscore, s.scale = opts.ZScore, opts.ZScore.Scale
	}
	small := float64(min(voxels.Rows, voxels.Cols))
	s.single = small*float64(voxels.Rows)*float64(voxels.Cols) > singleFlops
	var err error
	s.mean, err = matrix.ColMeans(ctx, voxels)
	return s, err
}

// problem is the regression onto some targets, [trials, D].
func (s *solver) problem(ctx context.Context, targets blas32.General) (*problem, error) {
	mean, err := matrix.ColMeans(ctx, targets)
	return &problem{solver: s, y: centredRows{x: targets, order: s.order, mean: mean}}, err
}

// summed says whether there is a Gram matrix.
func (s *solver) summed() bool { return s.gram.Rows > 0 }

// held returns the bytes of the Gram matrix that there is already.
func (s *solver) held() float64 { return 8 * float64(len(s.gram.Data)) }

// factorize brings about the Cholesky factor of the Gram matrix plus λI.
func (s *solver) factorize(ctx context.Context, lambda float64) (err error) {
	if s.factor != nil && s.lambda == lambda {
		return nil
	}
	s.factor, s.lambda = nil, lambda
	n := s.gram.Rows
	const block = 64 // both triangles of a block stay in the cache
	for from := 0; from < n; from += block {
		for below := from; below < n; below += block {
			for i := from; i < min(from+block, n); i++ {
				for j := max(below, i+1); j < min(below+block, n); j++ {
					s.gram.Data[j*n+i] = s.gram.Data[i*n+j]
				}
			}
		}
	}
	for i, x := range s.diagonal {
		s.gram.Data[i*n+i] = x + lambda
	}
	s.factor, err = dense.Cholesky(ctx, s.gram, func(flops float64) { s.meter.add(flops) })
	if errors.Is(err, dense.ErrNotPositive) {
		return notPositive(lambda)
	}
	return err
}

// openTrials is how many trials a group has at most whose matrix I − H is kept: a matrix of
// few images with many trials each would take as much memory as the Gram matrix.
const openTrials = 64

// opened returns the matrices I − H of the groups for a λ, as far as they are known.
func (s *solver) opened(lambda float64) [][]float64 {
	if s.open[lambda] == nil {
		s.open[lambda] = make([][]float64, len(s.groups))
	}
	return s.open[lambda]
}
