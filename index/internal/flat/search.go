package flat

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"engram/index/internal/column"
	"engram/index/internal/invariants"
	"engram/index/internal/simd"
)

// Scan is the searcher that looks at every row. The zero value runs the fastest
// kernels on one goroutine.
type Scan struct {
	Kernels *simd.Kernels // nil: simd.Best()
	Threads int           // goroutines at most; less than 1: one
}

var _ column.Searcher = Scan{}

// chunkRows is how many rows a goroutine takes at a time: enough that handing
// them out costs nothing, few enough that none waits long for the last one.
const chunkRows = 4096

// Search implements column.Searcher. It returns exactly the k best rows; fewer
// where there are fewer.
func (s Scan) Search(ctx context.Context, parts []column.Part, q []float32, k int) ([]column.Match, error) {
	if s.Kernels == nil {
		s.Kernels = simd.Best()
	}
	for _, p := range parts {
		p.CheckLayout()
	}
	chunks := split(parts)
	rows := 0
	for _, p := range parts {
		rows += len(p.IDs)
	}
	k = min(k, rows)
	if k < 1 {
		return nil, ctx.Err()
	}
	j := job{kernels: s.Kernels, query: column.NewQuery(q), parts: parts, k: k, limit: newLimit()}
	scanners := make([]*scanner, max(1, min(s.Threads, len(chunks))))
	for i := range scanners {
		scanners[i] = newScanner(j)
	}
	var next atomic.Int64
	work := func(s *scanner) error {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(chunks) {
				s.rescore()
				return s.err
			}
			c := chunks[i]
			if err := s.scan(ctx, c.part, c.lo, c.hi); err != nil {
				return err
			}
		}
	}

	errs := make([]error, len(scanners))
	var wg sync.WaitGroup
	for i, s := range scanners[1:] {
		wg.Go(func() { errs[i+1] = work(s) })
	}
	errs[0] = work(scanners[0])
	wg.Wait()

	if err := cmp.Or(errs...); err != nil {
		return nil, err
	}
	matches := bestOf(scanners)
	if invariants.Enabled {
		invariants.Check(len(matches) <= k && slices.IsSortedFunc(matches, column.Compare), "%d matches for k = %d, or out of order", len(matches), k)
	}
	return matches, nil
}

// bestOf returns the best rows that any of the scanners has found.
func bestOf(scanners []*scanner) []column.Match {
	best := &scanners[0].best
	for _, s := range scanners[1:] {
		for _, m := range s.best.matches {
			best.offer(m)
		}
	}
	return best.sorted()
}

// chunk is a range of rows of one part.
type chunk struct{ part, lo, hi int }

func split(parts []column.Part) []chunk {
	var chunks []chunk
	for i, p := range parts {
		for lo := 0; lo < len(p.IDs); lo += chunkRows {
			chunks = append(chunks, chunk{i, lo, min(lo+chunkRows, len(p.IDs))})
		}
	}
	return chunks
}
