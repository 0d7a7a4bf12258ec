package flat

import (
	"cmp"
	"context"
	"math"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"engram/data/simd"
	"engram/index/internal/column"
)

const (
	// maxBatch is how many queries pass over the rows together. Their codes, 393 kB
	// for 768 elements, stay in the second-level cache beside a block of rows.
	maxBatch = 512
	// minBatch is the number of queries from which a panel is faster than one scan
	// for each.
	minBatch = 4
	// groupQueries is the least number of queries of a goroutine with a pass of its own.
	groupQueries = 128
	// panelRows is how many rows are multiplied with one panel after the other.
	// It is a multiple of the rows of a kernel's tile.
	panelRows = 240
	// batchWaiting is the least number of candidates of a query that wait.
	batchWaiting = 256
)

// Batch is Search for many queries: element i of the result is what Search finds for
// queries[i], to the bit. The rows are read once for every 512 queries, and each
// of their codes is multiplied with many queries while it is in the cache. A
// filter of the parts is for all queries.
func (s Scan) Batch(ctx context.Context, parts []column.Part, queries [][]float32, k int) ([][]column.Match, error) {
	found := make([][]column.Match, 0, len(queries))
	for len(queries) > 0 {
		some := queries[:min(maxBatch, len(queries))]
		queries = queries[len(some):]
		if len(some) >= minBatch {
			matches, err := s.passes(ctx, parts, some, k)
			if err != nil {
				return nil, err
			}
			found = append(found, matches...)
			continue
		}
		for _, q := range some {
			matches, err := s.Search(ctx, nil, parts, q, k)
			if err != nil {
				return nil, err
			}
			found = append(found, matches)
		}
	}
	return found, nil
}

// passes shares at most maxBatch queries among the goroutines: each passes over all rows
// for a group of its own, so that a query has one list of candidates and fewer panels
// are in a cache. Goroutines beyond the number of groups share the rows of one.
func (s Scan) passes(ctx context.Context, parts []column.Part, queries [][]float32, k int) ([][]column.Match, error) {
	groups := min(s.Threads, len(queries)/groupQueries)
	if groups < 2 {
		return s.pass(ctx, parts, queries, k)
	}
	each := s
	each.Threads = s.Threads / groups
	size := (len(queries)/groups + simd.Lanes - 1) / simd.Lanes * simd.Lanes
	found := make([][]column.Match, len(queries))
	group, ctx := errgroup.WithContext(ctx)
	for lo := 0; lo < len(queries); lo += size {
		group.Go(func() error {
			matches, err := each.pass(ctx, parts, queries[lo:min(len(queries), lo+size)], k)
			copy(found[lo:], matches)
			return err
		})
	}
	return found, group.Wait()
}

// batch is what the goroutines of one pass over the rows share.
type batch struct {
	ctx     context.Context
	kernels *simd.Kernels
	parts   []column.Part
	k       int
	queries []column.Query
	panels  []simd.Panel
	limits  []limit // of each query
	chunks  []chunk
	next    atomic.Int64 // chunk
}

// pass finds the nearest rows of at most maxBatch queries.
func (s Scan) pass(ctx context.Context, parts []column.Part, queries [][]float32, k int) ([][]column.Match, error) {
	rows := 0
	for _, p := range parts {
		p.CheckLayout()
		rows += len(p.IDs)
	}
	b := &batch{ctx: ctx, kernels: s.Kernels, parts: parts, k: min(k, rows)}
	if b.k < 1 {
		return make([][]column.Match, len(queries)), ctx.Err()
	}
	if b.kernels == nil {
		b.kernels = simd.Best()
	}
	b.encode(queries)
	bytes := 0
	b.chunks, bytes = split(nil, parts, 0)
	workers := make([]*batchScanner, max(1, min(s.Threads, len(b.chunks), bytes*len(queries)/minBatch/cmp.Or(s.share, minBytes))))
	var wg sync.WaitGroup
	for i := range workers {
		workers[i] = newBatchScanner(b)
		if i > 0 {
			wg.Go(workers[i].work)
		}
	}
	workers[0].work()
	wg.Wait()
	return b.merge(workers)
}

// encode codes the queries and lays them out in panels.
func (b *batch) encode(queries [][]float32) {
	b.queries, b.limits = make([]column.Query, len(queries)), make([]limit, len(queries))
	codes := make([][]int8, len(queries))
	for i, q := range queries {
		b.queries[i].Set(q)
		b.limits[i].reset()
		codes[i] = b.queries[i].Code
	}
	b.panels = make([]simd.Panel, (len(queries)+simd.Lanes-1)/simd.Lanes)
	for i := range b.panels {
		b.panels[i].Set(codes[i*simd.Lanes : min(len(codes), (i+1)*simd.Lanes)])
	}
}

// merge returns the best rows that any of the goroutines has found for each query.
func (b *batch) merge(workers []*batchScanner) ([][]column.Match, error) {
	for _, w := range workers {
		if w.err != nil {
			return nil, w.err
		}
	}
	found := make([][]column.Match, len(b.queries))
	for i := range found {
		best := &workers[0].lists[i].best
		for _, w := range workers[1:] {
			for _, m := range w.lists[i].best.matches {
				best.offer(m)
			}
		}
		found[i] = best.sorted()
		if err := workers[0].check(&b.queries[i], found[i]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// batchScanner looks at rows for all queries. It belongs to one goroutine.
type batchScanner struct {
	*batch
	scorer
	choose []column.Chooser
	chosen [panelRows]choice // of the block's rows

	lists  []shortlist // of each query
	bounds []simd.Bounds
	dots   []int32  // [panelRows, Lanes]
	reach  []uint32 // of each row of a block
	scores []float32
}

// choice is what is known of a filter's answer about a row.
type choice uint8

const (
	unasked choice = iota
	chosen
	passedOver
)

func newBatchScanner(b *batch) *batchScanner {
	s := &batchScanner{
		batch: b, choose: make([]column.Chooser, len(b.parts)),
		lists: make([]shortlist, len(b.queries)), bounds: make([]simd.Bounds, len(b.panels)),
		dots: make([]int32, panelRows*simd.Lanes), reach: make([]uint32, panelRows), scores: make([]float32, panelRows),
	}
	s.prepare(b.kernels, b.parts)
	for i, p := range b.parts {
		if p.Filter != nil {
			s.choose[i] = p.Filter()
		}
	}
	for i := range s.lists {
		s.lists[i].reset(b.k, batchWaiting, &b.limits[i])
	}
	for i := range s.bounds {
		for lane := range simd.Lanes {
			s.bounds[i].Limit[lane] = float32(math.Inf(1))
		}
	}
	for i, q := range b.queries {
		bounds, lane := &s.bounds[i/simd.Lanes], i%simd.Lanes
		bounds.Scale[lane], bounds.Slope[lane], bounds.Offset[lane] = q.Scale, q.Slope, q.Offset
	}
	return s
}

// work looks at chunks of rows until none is left.
func (s *batchScanner) work() {
	for {
		i := int(s.next.Add(1)) - 1
		if i >= len(s.chunks) {
			break
		}
		c := s.chunks[i]
		for lo := c.lo; lo < c.hi; lo += panelRows {
			if s.err = cmp.Or(s.err, s.ctx.Err()); s.err != nil {
				return
			}
			clear(s.chosen[:])
			if hi := min(c.hi, lo+panelRows); coded(s.batch.parts[c.part], 0) {
				s.scanCodes(c.part, lo, hi)
			} else {
				s.scanVectors(c.part, lo, hi)
			}
		}
		runtime.Gosched() // a batch is long, and searches beside it are short
	}
	for i := range s.lists {
		s.rescore(&s.lists[i], s.queries[i].Vector)
	}
}

// takes reports whether row, row at of its block, is alive and chosen.
func (s *batchScanner) takes(part, row, at int) bool {
	if s.chosen[at] == unasked {
		s.chosen[at] = chosen
		if s.batch.parts[part].Dead.Has(row) {
			s.chosen[at] = passedOver
		} else if choose := s.choose[part]; choose != nil && s.err == nil {
			var ok bool
			if ok, s.err = choose(row); !ok || s.err != nil {
				s.chosen[at] = passedOver
			}
		}
	}
	return s.chosen[at] == chosen && s.err == nil
}

// scanVectors scores the rows lo to hi with each query in float32.
func (s *batchScanner) scanVectors(part, lo, hi int) {
	p := s.batch.parts[part]
	stride := column.VectorStride(p.Dim)
	scores := s.scores[:hi-lo]
	for query, q := range s.queries {
		s.batch.kernels.DotRows(scores, q.Vector, p.Vectors[lo*stride:hi*stride], stride)
		limit := s.lists[query].least()
		for i, score := range scores {
			if !(score < limit) && s.takes(part, lo+i, i) {
				s.checkNumber(p.Rows, lo+i, score)
				s.lists[query].best.offer(column.Match{ID: p.IDs[lo+i], Score: score, Part: part, Row: lo + i})
				limit = s.lists[query].least()
			}
		}
	}
}

// scanCodes looks at the codes of the rows lo to hi for all queries, and puts the
// rows that may be among a query's best on its list.
func (s *batchScanner) scanCodes(part, lo, hi int) {
	p := s.batch.parts[part]
	stride := column.CodeStride(p.Dim)
	dots, reach := s.dots[:(hi-lo)*simd.Lanes], s.reach[:hi-lo]
	for i := range s.panels {
		s.batch.kernels.DotPanel(dots, &s.panels[i], p.Codes[lo*stride:hi*stride], stride, hi-lo)
		first := i * simd.Lanes
		for lane := range s.queries[first:min(len(s.queries), first+simd.Lanes)] {
			s.bounds[i].Limit[lane] = s.lists[first+lane].least()
		}
		s.batch.kernels.Reach(reach, dots, p.Scales[lo:hi], p.Residuals[lo:hi], &s.bounds[i])
		for at, lanes := range reach {
			if lanes == 0 || !s.takes(part, lo+at, at) {
				continue
			}
			for ; lanes != 0; lanes &= lanes - 1 {
				lane := bits.TrailingZeros32(lanes)
				s.wait(first+lane, part, lo+at, dots[at*simd.Lanes+lane])
			}
		}
	}
}

// wait puts a row on a query's list, by the product of their codes.
func (s *batchScanner) wait(query, part, row int, dot int32) {
	p, q := s.batch.parts[part], &s.queries[query]
	upper := float32(dot)*(q.Scale*p.Scales[row]) + q.Slope*p.Residuals[row] + q.Offset
	list := &s.lists[query]
	if list.full() {
		s.rescore(list, q.Vector)
	}
	if upper >= list.limit.load() {
		list.waiting = append(list.waiting, candidate{upper: upper, part: int32(part), row: int32(row)})
	}
}
