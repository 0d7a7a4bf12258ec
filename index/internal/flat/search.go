package flat

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"engram/data/simd"
	"engram/index/internal/column"
	"engram/index/internal/invariants"
)

// Scan is the searcher that looks at every row. The zero value runs the fastest
// kernels on one goroutine.
type Scan struct {
	Kernels *simd.Kernels // nil: simd.Best()
	Threads int           // goroutines at most; less than 1: one
	// Least is the score that a row must reach to be wanted by Search; 0: any row is.
	Least float32

	share int // bytes that a goroutine must have to read; 0: minBytes. Tests set fewer
}

var _ column.Searcher = Scan{}

const (
	// chunkRows is how many rows a goroutine takes at a time: enough that handing
	// them out costs nothing, few enough that none waits long for the last one.
	chunkRows = 4096
	// minBytes is how much a goroutine must have to read to be worth waking. A
	// second one saves less than it adds to the slowest searches below twice that.
	minBytes = 8 << 20
)

// Search implements column.Searcher. It appends exactly the k best rows; fewer
// where there are fewer, or fewer that reach Least.
func (s Scan) Search(ctx context.Context, dst []column.Match, parts []column.Part, q []float32, k int) ([]column.Match, error) {
	rows := 0
	for _, p := range parts {
		p.CheckLayout()
		rows += len(p.IDs)
	}
	k = min(k, rows)
	if k < 1 {
		return dst, ctx.Err()
	}
	r := runs.Get().(*run)
	defer r.release()
	r.prepare(ctx, s, parts, k)
	r.query.Set(q)
	if err := r.scanAll(); err != nil {
		return dst, err
	}
	matches := r.merge()
	if err := r.scanners[0].check(&r.query, matches); err != nil {
		return dst, err
	}
	if invariants.Enabled {
		invariants.Check(len(matches) <= k && slices.IsSortedFunc(matches, column.Compare), "%d matches for k = %d, or out of order", len(matches), k)
	}
	return append(dst, matches...), nil
}

// run is one search under way, with all the memory that it needs. It is used again by
// the next search, so that a search allocates nothing once a few have run.
type run struct {
	ctx      context.Context
	kernels  *simd.Kernels
	query    column.Query
	parts    []column.Part
	k        int
	limit    limit
	wanted   float32 // see Scan.Least
	chunks   []chunk
	next     atomic.Int64 // chunk
	scanners []*scanner   // the first active ones are at work
	active   int
	done     sync.WaitGroup
}

// runs holds what searches that have ended leave to the next.
var runs = sync.Pool{New: func() any { return new(run) }}

// prepare readies the run and its scanners for another search.
func (r *run) prepare(ctx context.Context, s Scan, parts []column.Part, k int) {
	r.ctx, r.kernels, r.parts, r.k = ctx, s.Kernels, parts, k
	if r.kernels == nil {
		r.kernels = simd.Best()
	}
	r.limit.reset()
	if r.wanted = s.Least; s.Least > 0 {
		r.limit.raise(s.Least)
	}
	r.next.Store(0)
	bytes := 0
	r.chunks, bytes = split(r.chunks[:0], parts, s.Least)
	r.active = max(1, min(s.Threads, len(r.chunks), bytes/cmp.Or(s.share, minBytes)))
	for len(r.scanners) < r.active {
		r.scanners = append(r.scanners, newScanner(r))
	}
	for _, s := range r.scanners[:r.active] {
		s.prepare()
	}
}

// release hands the run to the next search. It keeps nothing of this one alive.
func (r *run) release() {
	r.ctx, r.parts, r.query.Vector = nil, nil, nil
	for _, s := range r.scanners[:r.active] {
		clear(s.choose)
		s.scorer.parts = nil
	}
	runs.Put(r)
}

// scanAll looks at all rows, on as many goroutines as there are active scanners.
func (r *run) scanAll() error {
	r.done.Add(r.active - 1)
	for _, s := range r.scanners[1:r.active] {
		go s.task()
	}
	r.scanners[0].work()
	r.done.Wait()
	var err error
	for _, s := range r.scanners[:r.active] {
		err = cmp.Or(err, s.err)
	}
	return err
}

// merge returns the best rows that any of the scanners has found, best first.
func (r *run) merge() []column.Match {
	best := &r.scanners[0].best
	for _, s := range r.scanners[1:r.active] {
		for _, m := range s.best.matches {
			best.offer(m)
		}
	}
	return best.sorted()
}

// chunk is a range of rows of one part.
type chunk struct{ part, lo, hi int }

// split appends the chunks of parts, and returns how many bytes a scan reads.
func split(chunks []chunk, parts []column.Part, least float32) ([]chunk, int) {
	bytes := 0
	for i, p := range parts {
		for lo := 0; lo < len(p.IDs); lo += chunkRows {
			chunks = append(chunks, chunk{i, lo, min(lo+chunkRows, len(p.IDs))})
		}
		if coded(p, least) && p.Possible != nil {
			bytes += min(len(p.Codes), p.Matches*column.CodeStride(p.Dim))
		} else if coded(p, least) {
			bytes += len(p.Codes)
		} else {
			bytes += 4 * len(p.Vectors)
		}
	}
	return chunks, bytes
}

// coded reports whether a part is scanned by its codes, for rows of a score of least or
// more. Few rows are only where that is known: otherwise most of them are scored again.
func coded(p column.Part, least float32) bool {
	return p.Codes != nil && (len(p.IDs) >= minCoded || least > 0)
}
