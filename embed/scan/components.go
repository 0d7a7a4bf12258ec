package scan

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"engram/data/dense"
	"engram/data/simd"
	"engram/embed/internal/matrix"

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

// findComponents computes at most rank components of the targets of the images that
// were seen, and the scores of all targets, [images, rank]. The components are the
// eigenvectors of the Gram matrix of at most maxComponentImages targets, a random sample
// (the snapshot method of Sirovich 1987, Quarterly of Applied Mathematics 45). The
// targets are read twice.
func findComponents(ctx context.Context, data Data, rank int, opts Options) (*components, blas32.General, error) {
	read := data.readings(2, opts.Progress)
	images := read.seen
	if len(images) > maxComponentImages {
		images = take(images, rand.New(rand.NewPCG(opts.Seed, 2)).Perm(len(images))[:maxComponentImages])
	}
	sample, err := read.sample(ctx, images)
	if err != nil {
		return nil, blas32.General{}, err
	}
	c := &components{mean: float32s(sample.mean)}
	if err := c.fit(ctx, sample.rows, rank); err != nil {
		return nil, blas32.General{}, err
	}
	scores := matrix.New(data.Targets.Rows, c.basis.Rows)
	return c, scores, read.each(ctx, func(from int, piece blas32.General) error {
		return c.addScores(ctx, matrix.Part(scores, from, from+piece.Rows), piece)
	})
}

// fit computes scale and basis from some targets.
func (c *components) fit(ctx context.Context, targets blas32.General, rank int) error {
	mean, err := matrix.ColMeans(ctx, targets)
	if err != nil {
		return err
	}
	sample := centredRows{x: targets, order: upTo(targets.Rows), mean: mean}
	e, err := sample.eigen(ctx)
	if err != nil {
		return err
	}
	kept, total := 0, 0.0
	for kept < min(rank, len(e.values)-1) && e.values[kept] > 1e-9*e.values[0] {
		total += e.values[kept]
		kept++
	}
	if kept == 0 {
		return errors.New("scan: the targets of all images are the same")
	}
	c.scale = math.Sqrt(total / float64(kept*targets.Rows))
	c.basis = matrix.New(kept, targets.Cols)
	return c.combine(ctx, sample, e)
}

// upTo returns the numbers from 0 to before n.
func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// eigen are the eigenvalues of a Gram matrix, the largest first, and its
// eigenvectors, the columns of vectors.
type eigen struct {
	values  []float64
	vectors dense.Matrix[float64]
}

// eigen decomposes the Gram matrix of rows.
func (c centredRows) eigen(ctx context.Context) (eigen, error) {
	n := len(c.order)
	gram := dense.New[float64](n, n)
	var piece []float64
	for from := 0; from < c.x.Cols; from += sumDepth {
		x := centred(c, span{0, n, from, min(from+sumDepth, c.x.Cols)}, &piece)
		if err := dense.Accumulate(ctx, gram, x, x.T(), dense.Upper); err != nil {
			return eigen{}, err
		}
	}
	return decompose(ctx, gram)
}

// decompose returns eigenvalues and eigenvectors of the symmetric matrix in m's upper
// triangle. gonum's decomposition cannot be stopped: where ctx ends before it does, it
// ends by itself, and nobody waits for it. One of 1,024 columns takes a second or two.
func decompose(ctx context.Context, m dense.Matrix[float64]) (eigen, error) {
	done := make(chan eigen, 1)
	go func() {
		var found mat.EigenSym
		if !found.Factorize(mat.NewSymDense(m.Rows, m.Data), true) {
			done <- eigen{}
			return
		}
		var vectors mat.Dense
		found.VectorsTo(&vectors)
		e := eigen{values: found.Values(nil), vectors: dense.New[float64](m.Rows, m.Rows)}
		slices.Reverse(e.values) // from ascending
		for i := range m.Rows {
			row := e.vectors.Row(i)
			copy(row, vectors.RawRowView(i))
			slices.Reverse(row)
		}
		done <- e
	}()
	select {
	case e := <-done:
		if e.values == nil {
			return e, errors.New("scan: the eigendecomposition of the targets did not converge")
		}
		return e, nil
	case <-ctx.Done():
		return eigen{}, ctx.Err()
	}
}

// combine computes the basis from the rows and the eigenvectors of their Gram
// matrix.
func (c *components) combine(ctx context.Context, rows centredRows, e eigen) error {
	var piece []float64
	vectors := e.vectors.Slice(0, e.vectors.Rows, 0, c.basis.Rows).T()
	for from := 0; from < c.basis.Cols; from += sumDepth {
		x := centred(rows, span{0, len(rows.order), from, min(from+sumDepth, c.basis.Cols)}, &piece)
		sum := dense.New[float64](vectors.Rows, x.Cols)
		if err := (dense.Product[float64]{C: sum, A: vectors, B: x, Sign: 1}).Add(ctx); err != nil {
			return err
		}
		for k := range sum.Rows {
			to := matrix.Row(c.basis, k)[from:]
			for j, x := range sum.Row(k) {
				to[j] = float32(x / math.Sqrt(e.values[k]) * c.scale)
			}
		}
	}
	return nil
}

// scores returns targets in the space of the components, [images, rank].
func (c *components) scores(targets blas32.General) blas32.General {
	out := matrix.New(targets.Rows, c.basis.Rows)
	if targets.Rows == 1 {
		c.score(out.Data, matrix.Row(targets, 0))
		return out
	}
	_ = c.addScores(context.Background(), out, targets) // only a context that ends makes it fail
	return out
}

// scoreElements is how many elements of the basis a processor reads at least: a start of it
// takes as long as some thousands.
const scoreElements = 1 << 18

// score returns the scores of one target. It reads the basis as it lies, where a product
// of matrices would first pack all of it for a single row, and each processor a part of it.
func (c *components) score(out, target []float32) {
	centred := slices.Clone(target)
	for j, mean := range c.mean {
		centred[j] -= mean
	}
	inverse := float32(1 / (c.scale * c.scale))
	rows := c.basis.Rows
	parts := min(runtime.GOMAXPROCS(0), max(1, rows*len(centred)/scoreElements), rows)
	var group sync.WaitGroup
	for part := range parts {
		from, to := rows*part/parts, rows*(part+1)/parts
		group.Go(func() {
			simd.Best().DotRows(out[from:to], centred, matrix.Part(c.basis, from, to).Data, c.basis.Stride)
		})
	}
	group.Wait()
	for i := range out {
		out[i] *= inverse
	}
}

// someTargets is how many targets are centred at a time.
const someTargets = 256

// addScores adds the scores of targets to out, [images, rank].
func (c *components) addScores(ctx context.Context, out, targets blas32.General) error {
	for from := 0; from < targets.Rows; from += someTargets {
		to := min(from+someTargets, targets.Rows)
		centered := matrix.Clone(matrix.Part(targets, from, to))
		for i := range centered.Rows {
			row := matrix.Row(centered, i)
			for j, mean := range c.mean {
				row[j] -= mean
			}
		}
		inverse := float32(1 / (c.scale * c.scale))
		p := dense.Product[float32]{C: dense.Of(matrix.Part(out, from, to)), A: dense.Of(centered), B: dense.Of(c.basis).T(), Sign: inverse}
		if err := p.Add(ctx); err != nil {
			return err
		}
	}
	return nil
}
