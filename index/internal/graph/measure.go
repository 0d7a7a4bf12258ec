package graph

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"engram/index/internal/column"
	"engram/index/internal/flat"
	"engram/index/internal/simd"
)

const (
	// sampled is how many queries of each kind are measured.
	sampled = 100
	// apart is the length of the noise that makes a query distant, over the distance
	// between two rows.
	apart = .6
)

// measuredK are the numbers of hits that are measured.
var measuredK = [...]int{10, 100}

// efforts are the efforts that are measured, up to the first one that finds all.
var efforts = [...]int{10, 16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 384, 512, 768, 1024}

// measure sets the levels of the graph: it compares walks with exact scans, for
// queries near the rows that are held out of the graph, and for distant ones.
func (b *builder) measure(ctx context.Context, opts Options, held []uint32) error {
	part := column.Part{Rows: b.rows, Dead: column.Bits(nil).Clone(len(b.rows.IDs))}
	for _, row := range held {
		part.Dead.Set(int(row))
	}
	queries := b.queries(held)
	truth, err := flat.Scan{Threads: opts.Threads}.Batch(ctx, []column.Part{part}, queries, slices.Max(measuredK[:]))
	if err != nil || len(held) == 0 {
		return err
	}
	for _, k := range measuredK {
		for _, effort := range efforts {
			if effort < k || len(truth[0]) < k {
				continue
			}
			l := Level{K: k, Effort: effort}
			if err := b.setRecall(ctx, &l, queries, truth); err != nil {
				return err
			}
			if b.Levels = append(b.Levels, l); min(l.Unseen, l.Distant) == 1 {
				break
			}
		}
	}
	return nil
}

// setRecall sets the recall of l.
func (b *builder) setRecall(ctx context.Context, l *Level, queries [][]float32, truth [][]column.Match) error {
	found := make([]float32, len(queries))
	b.parallel(ctx, len(queries), func(w *worker, i int) {
		w.query.Set(queries[i])
		_ = w.walkFor(b.Graph, column.Part{Rows: b.rows}, l.K, l.Effort) // only a filter fails
		for _, m := range w.best {
			// A row that is as near as the last one is as good.
			if m.Score >= truth[i][l.K-1].Score {
				found[i]++
			}
		}
	})
	half := len(queries) / 2
	l.Unseen, l.Distant = 0, 0
	for i := range half {
		l.Unseen += found[i]
		l.Distant += found[half+i]
	}
	l.Unseen /= float32(half * l.K)
	l.Distant /= float32(half * l.K)
	return ctx.Err()
}

// queries returns the vectors of rows, then the same with noise.
func (b *builder) queries(rows []uint32) [][]float32 {
	rng := rand.New(rand.NewPCG(b.seed, 1))
	kernels := simd.Best()
	var queries, distant [][]float32
	for _, row := range rows {
		v, other := b.rows.Vector(int(row)), b.rows.Vector(rng.IntN(len(b.rows.IDs)))
		square := 0.
		for i, x := range v {
			square += float64(x-other[i]) * float64(x-other[i])
		}
		noise := apart * math.Sqrt(square/float64(len(v)))
		q := make([]float32, len(v))
		for i, x := range v {
			q[i] = x + float32(noise*rng.NormFloat64())
		}
		kernels.Scale(q, q, 1/math.Sqrt(kernels.Squares(q)))
		queries, distant = append(queries, v), append(distant, q)
	}
	return append(queries, distant...)
}
