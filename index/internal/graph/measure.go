package graph

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"unsafe"

	"engram/data/simd"
	"engram/index/internal/column"
	"engram/index/internal/flat"
)

const (
	// sampled is how many queries of each kind are measured.
	sampled = 100
	// A distant query has distantOwn of what sets a row apart from the mean, and noise
	// of distantNoise times its length.
	distantOwn, distantNoise = .8, .6
)

// measuredK are the numbers of hits that are measured.
var measuredK = [...]int{10, 100}

// efforts are the efforts that are measured, up to the first one that finds all.
var efforts = [...]int{10, 16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 384, 512, 768, 1024}

// holdOut returns the last rows of order, which are queries before they are inserted.
func (b *builder) holdOut(order []uint32) []uint32 {
	return b.lastUnequal(order, min(sampled, len(order)/20))
}

// lastUnequal moves n rows that all differ to the end of order, fewer where there are not so
// many, and returns them: where most rows are copies of a few, queries
// drawn like the rows would say nothing of the others.
func (b *builder) lastUnequal(order []uint32, n int) []uint32 {
	seen := map[string]bool{}
	first := len(order)
	for i := len(order) - 1; i >= 0 && len(seen) < n; i-- {
		if code := b.text(order[i]); !seen[code] {
			seen[code] = true
			first--
			order[first], order[i] = order[i], order[first]
		}
	}
	return order[first:]
}

// uncounted returns the rows that a measurement does not look for: the held ones, which are
// in no graph yet, and all copies of them, which every walk to a held row finds, though it may
// find nothing else. Where that leaves hardly any rows, copies are looked for too.
func (b *builder) uncounted(held []uint32) column.Bits {
	heldOnly := column.Bits(nil).Clone(len(b.rows.IDs))
	codes := map[string]bool{}
	for _, row := range held {
		heldOnly.Set(int(row))
		codes[b.text(row)] = true
	}
	all := heldOnly.Clone(len(b.rows.IDs))
	for row := range uint32(len(b.rows.IDs)) {
		if codes[b.text(row)] {
			all.Set(int(row))
		}
	}
	if len(b.rows.IDs)-all.Count() < slices.Max(measuredK[:]) {
		return heldOnly
	}
	return all
}

// text returns the code of a row as text, which shares its memory.
func (b *builder) text(row uint32) string {
	return unsafe.String((*byte)(unsafe.Pointer(&b.code(row)[0])), b.stride)
}

// measure sets the levels of the graph: it compares walks with exact scans, for
// queries near the rows that are held out of the graph, and for distant ones.
func (b *builder) measure(ctx context.Context, opts Options, held []uint32) error {
	part := column.Part{Rows: b.rows, Dead: b.uncounted(held)}
	queries := b.queries(held)
	truth, err := flat.Scan{Threads: opts.Threads}.Batch(ctx, []column.Part{part}, queries, slices.Max(measuredK[:]))
	if err != nil || len(held) == 0 {
		return err
	}
	b.setNear(queries[:len(held)])
	for _, k := range measuredK {
		for _, effort := range efforts {
			if effort < k || len(truth[0]) < k {
				continue
			}
			l := Level{K: k, Effort: effort}
			if err := b.setRecall(ctx, &l, part, queries, truth); err != nil {
				return err
			}
			if b.Levels = append(b.Levels, l); l.Unseen >= b.enough && l.Distant >= 2*b.enough-1 {
				break
			}
		}
	}
	return nil
}

// setNear sets Near by queries like the rows.
func (b *builder) setNear(queries [][]float32) {
	w := b.workers[0]
	best := make([]float32, len(queries))
	for i, q := range queries {
		w.query.Set(q)
		w.start(b.Graph, b.rows, w.paddedCode(b.stride), 1)
		best[i] = w.beam[0].score * w.query.Scale
	}
	slices.Sort(best)
	b.Near = best[len(best)/50]
}

// setRecall sets the recall of l, among the rows of part.
func (b *builder) setRecall(ctx context.Context, l *Level, part column.Part, queries [][]float32, truth [][]column.Match) error {
	found := make([]float32, len(queries))
	held := len(queries) / 3
	near, distant := *b.Graph, *b.Graph // one takes every query for near, the other for distant
	near.Near, distant.Near = float32(math.Inf(-1)), float32(math.Inf(1))
	b.parallel(ctx, len(queries), func(w *worker, i int) {
		g := &near
		if i >= 2*held {
			g = &distant
		}
		w.query.Set(queries[i])
		_ = w.walkFor(g, part, l.K, Efforts{l.Effort, l.Effort}) // only a filter fails
		for _, m := range w.best {
			// A row that is as near as the last one is as good.
			if m.Score >= truth[i][l.K-1].Score {
				found[i]++
			}
		}
	})
	var share [3]float32 // of each kind
	for kind := range share {
		for _, n := range found[kind*held:][:held] {
			share[kind] += n
		}
		share[kind] /= float32(held * l.K)
	}
	l.Unseen, l.Distant = min(share[0], share[1]), share[2]
	return ctx.Err()
}

// queries returns the vectors of rows, then each of them turned by 27°, as a prediction
// of it may lie, then a distant query made from each.
func (b *builder) queries(rows []uint32) [][]float32 {
	rng := rand.New(rand.NewPCG(b.seed, 1))
	mean := b.mean()
	gap := normal(rng, len(mean), math.Sqrt(squares(mean)))
	kernels := simd.Best()
	var queries, turned, distant [][]float32
	for _, row := range rows {
		v := b.rows.Vector(int(row))
		own := make([]float64, len(v))
		for i, x := range v {
			own[i] = float64(x) - mean[i]
		}
		noise := normal(rng, len(mean), distantNoise*math.Sqrt(squares(own)))
		q := make([]float32, len(v))
		for i := range q {
			q[i] = float32(gap[i] + distantOwn*own[i] + noise[i])
		}
		kernels.Scale(q, q, 1/math.Sqrt(kernels.Squares(q)))
		off := normal(rng, len(mean), 1)
		t := make([]float32, len(v))
		for i := range t {
			t[i] = v[i] + float32(off[i]/(2*math.Sqrt(squares(off))))
		}
		kernels.Scale(t, t, 1/math.Sqrt(kernels.Squares(t)))
		queries, turned, distant = append(queries, v), append(turned, t), append(distant, q)
	}
	return slices.Concat(queries, turned, distant)
}

// mean returns the mean of sampled rows.
func (b *builder) mean() []float64 {
	const most = 4096
	mean := make([]float64, b.rows.Dim)
	step := max(1, len(b.rows.IDs)/most)
	n := 0.
	for row := 0; row < len(b.rows.IDs); row += step {
		n++
		for i, x := range b.rows.Vector(row) {
			mean[i] += float64(x)
		}
	}
	for i := range mean {
		mean[i] /= n
	}
	return mean
}

// normal returns a vector of normally distributed elements, whose length is about
// length.
func normal(rng *rand.Rand, dim int, length float64) []float64 {
	v := make([]float64, dim)
	for i := range v {
		v[i] = length / math.Sqrt(float64(dim)) * rng.NormFloat64()
	}
	return v
}

// squares returns the sum of the squares of v.
func squares(v []float64) (sum float64) {
	for _, x := range v {
		sum += x * x
	}
	return sum
}
