package graph

import (
	"cmp"
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"engram/data/simd"
	"engram/index/internal/column"
)

const (
	// buildEffort is the effort of the walks of a build.
	buildEffort = 100
	// entryRows is how many rows every walk begins at. Their codes stay in the
	// second-level cache, and clusters without one are found by links alone.
	entryRows = 256
	// One of entryShare rows is an entry, and no more than maxEntries are, for walks
	// that links of near rows do not lead to the right cluster.
	entryShare, maxEntries = 100, 4096
	// batchShare is the share of all rows that the largest batch has, 1/50: the rows
	// of a batch do not see each other.
	batchShare = 50
)

// Options say how a graph is built. The zero value is fit for use.
type Options struct {
	Seed     uint64 // of the order in which rows are inserted
	Threads  int    // goroutines; less than 1: one
	Progress func(rows int)
}

// Build makes the graph of rows, which are one or more and have codes, and measures
// it (see Level). It ends early with the error of ctx. The same rows and seed give
// the same graph, whatever Threads is.
func Build(ctx context.Context, rows *column.Rows, opts Options) (*Graph, error) {
	b := newBuilder(rows, opts)
	order := b.order()
	held := b.holdOut(order)
	for at := 1; at < len(order)-len(held); {
		if at >= 4*entryRows {
			b.First = entryRows
		}
		batch := order[at : len(order)-len(held)]
		batch = batch[:min(len(batch), at, max(1, len(order)/batchShare))]
		b.insert(ctx, batch)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if at += len(batch); opts.Progress != nil {
			opts.Progress(at)
		}
	}
	b.Entries = slices.Clone(order[:max(b.First, min(len(order)/entryShare, maxEntries))])
	if err := b.measure(ctx, opts, held); err != nil {
		return nil, err
	}
	b.insert(ctx, held)
	b.attach()
	return b.Graph, ctx.Err()
}

// builder is a build under way.
type builder struct {
	*Graph
	rows    *column.Rows
	seed    uint64
	stride  int
	enough  float32 // recall from which no larger effort is measured
	workers []*worker
}

// worker is what one goroutine of a build needs.
type worker struct {
	*builder
	search
	pool []candidate // rows that may be linked, best first
	kept []uint32    // rows that prune has chosen
	dots []float32   // of a row of the pool with rows that are kept
}

func newBuilder(rows *column.Rows, opts Options) *builder {
	b := &builder{
		Graph: &Graph{Links: make([]uint32, len(rows.IDs)*Degree)},
		rows:  rows, seed: opts.Seed, stride: column.CodeStride(rows.Dim), enough: 1,
	}
	for i := range b.Links {
		b.Links[i] = none
	}
	for range max(1, opts.Threads) {
		b.workers = append(b.workers, &worker{builder: b, search: search{walker: walker{kernels: simd.Best()}}, dots: make([]float32, Degree)})
	}
	return b
}

// order returns the rows in the order in which they are inserted. The first one is
// the entry while there are few.
func (b *builder) order() []uint32 {
	rng := rand.New(rand.NewPCG(b.seed, 0))
	order := make([]uint32, len(b.rows.IDs))
	for i, row := range rng.Perm(len(order)) {
		order[i] = uint32(row)
	}
	b.Entries, b.First = order, 1
	return order
}

// code returns the padded code of a row.
func (b *builder) code(row uint32) []int8 { return b.rows.Codes[int(row)*b.stride:][:b.stride] }

// parallel calls f for 0 to n-1 on all workers, until ctx ends.
func (b *builder) parallel(ctx context.Context, n int, f func(w *worker, i int)) {
	const share = 8
	var next atomic.Int64
	var done sync.WaitGroup
	for _, w := range b.workers {
		done.Go(func() {
			for ctx.Err() == nil {
				lo := int(next.Add(share)) - share
				if lo >= n {
					return
				}
				for i := lo; i < min(n, lo+share); i++ {
					f(w, i)
					// Writes and searches that have become ready go first. Otherwise they
					// wait until the scheduler takes the processor away, after 10 ms.
					runtime.Gosched()
				}
			}
		})
	}
	done.Wait()
}

// link is a link from a row that was inserted to another row.
type link struct{ to, from uint32 }

// insert links the rows of a batch to rows that were inserted before, then these
// rows back to them.
func (b *builder) insert(ctx context.Context, batch []uint32) {
	b.parallel(ctx, len(batch), func(w *worker, i int) { w.insert(batch[i]) })
	var back []link
	for _, row := range batch {
		for _, to := range b.of(row) {
			if to == none {
				break
			}
			back = append(back, link{to: to, from: row})
		}
	}
	slices.SortFunc(back, func(x, y link) int { return cmp.Or(cmp.Compare(x.to, y.to), cmp.Compare(x.from, y.from)) })
	starts := []int{}
	for i := range back {
		if i == 0 || back[i].to != back[i-1].to {
			starts = append(starts, i)
		}
	}
	starts = append(starts, len(back))
	b.parallel(ctx, len(starts)-1, func(w *worker, i int) { w.linkBack(back[starts[i]:starts[i+1]]) })
}

// insert links row to rows that a walk to it has found.
func (w *worker) insert(row uint32) {
	w.start(w.Graph, w.rows, w.code(row), buildEffort)
	w.finish(w.Graph, w.rows, w.code(row), buildEffort)
	w.pool = w.pool[:0]
	for _, c := range w.beam {
		w.pool = append(w.pool, candidate{c.score, c.row &^ expanded})
	}
	// The rows on the way are far from row: links to them lead out of its cluster.
	worst := w.beam[len(w.beam)-1].score
	for _, c := range w.path {
		if c.score < worst {
			w.pool = append(w.pool, c)
		}
	}
	w.prune(row)
}

// linkBack adds links from one row to rows that were linked to it.
func (w *worker) linkBack(back []link) {
	to := back[0].to
	links := w.of(to)
	have := slices.Index(links, none)
	if have < 0 {
		have = Degree
	}
	if have+len(back) <= Degree {
		for i, l := range back {
			links[have+i] = l.from
		}
		return
	}
	w.fresh = append(w.fresh[:0], links[:have]...)
	for _, l := range back {
		w.fresh = append(w.fresh, l.from)
	}
	w.pruneFresh(to)
}

// pruneFresh links a row to the best of the fresh ones.
func (w *worker) pruneFresh(row uint32) {
	w.scores = slices.Grow(w.scores[:0], len(w.fresh))[:len(w.fresh)]
	w.kernels.ScoreGathered(w.scores, w.code(row), w.rows.Codes, w.rows.Scales, w.fresh)
	w.pool = w.pool[:0]
	for i, c := range w.fresh {
		w.pool = append(w.pool, candidate{w.scores[i], c})
	}
	w.prune(row)
}

// prune links row to the rows of the pool, nearest first. It leaves out a row that is
// nearer to a linked row than to row itself: the diversity heuristic.
func (w *worker) prune(row uint32) {
	slices.SortFunc(w.pool, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.row, b.row))
	})
	w.kept = w.kept[:0]
	for _, c := range w.pool {
		if len(w.kept) == Degree {
			break
		}
		if !w.occluded(c, w.rows.Scales[row]) {
			w.kept = append(w.kept, c.row)
		}
	}
	links := w.of(row)
	for i := copy(links, w.kept); i < Degree; i++ {
		links[i] = none
	}
}

// occluded reports whether c is nearer to a row that is kept than to the row whose
// code has the scale: by the angle, as all rows have unit length.
func (w *worker) occluded(c candidate, scale float32) bool {
	const step = 4 // most rows that are occluded are so by one of the first
	score := c.score * scale
	own := w.rows.Scales[c.row]
	for kept := w.kept; len(kept) > 0; kept = kept[min(step, len(kept)):] {
		some := kept[:min(step, len(kept))]
		w.kernels.ScoreGathered(w.dots, w.code(c.row), w.rows.Codes, w.rows.Scales, some)
		for _, dot := range w.dots[:len(some)] {
			if dot*own >= score {
				return true
			}
		}
	}
	return false
}
