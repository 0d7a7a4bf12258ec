package local

import (
	"context"
	"slices"

	"engram/index/internal/disk"
)

const (
	// fanIn is how many segments that are no larger than twice the new one are
	// merged with it: so a row is rewritten about once each time that the
	// index grows eightfold, and segments stay few.
	fanIn = 7
	// maxMerge bounds the bytes of segments that one flush rewrites. Segments that
	// would exceed it are left as they are.
	maxMerge = 1 << 30
	// FlushSpace is how many bytes a flush writes at most before old files go,
	// beside payloads, outside a bulk load.
	FlushSpace = defaultMemoryLimit + maxMerge
	// fullSegment is the size in bytes from which a segment is not merged for
	// being one of many: few enough of that size hold what one machine can
	// search, and a large index is not rewritten over and over as it grows.
	fullSegment = 192 << 20
)

// plan says which parts a flush keeps as they are and which it merges into the new
// segment: parts in memory, segments of whose rows two in five are dead, and segments of
// like size once there are many. A part with no live row is in neither list. A
// damaged segment is kept, so that its rows do not get fresh checksums, and so is one with a
// graph or whose graph is being built (see dueMerge).
func plan(ctx context.Context, parts []part) (kept, merged []part, err error) {
	rows, budget := 0, maxMerge
	for _, p := range parts {
		switch {
		case p.live == 0:
		case p.inMemory():
			merged = append(merged, p)
			rows += p.live
		default:
			kept = append(kept, p)
		}
	}
	// move merges the parts that due names, within the budget.
	move := func(due func(part) bool) {
		kept = slices.DeleteFunc(kept, func(p part) bool {
			size := p.live * p.rowBytes()
			if err != nil || size > budget || !due(p) || p.segment.graph != 0 || p.segment.taken.Load() {
				return false
			}
			if p.segment.VerifyRows(ctx) != nil {
				err = ctx.Err()
				return false
			}
			merged = append(merged, p)
			rows += p.live
			budget -= size
			return true
		})
	}
	move(func(p part) bool { return 5*p.live <= 3*len(p.segment.IDs) })
	for before := -1; before != len(merged); {
		before = len(merged)
		limit := 2 * rows
		small := func(p part) bool { return p.live <= limit && p.live*p.rowBytes() < fullSegment }
		if countFunc(kept, small) >= fanIn {
			move(small)
		}
	}
	return kept, merged, err
}

// rowBytes is the size of a row on disk, with its tokens and without its payload.
func (p part) rowBytes() int {
	return disk.RowSizes(p.segment.Dim).Total() + p.segment.TokenSize()
}

func countFunc[T any](list []T, f func(T) bool) int {
	n := 0
	for _, x := range list {
		if f(x) {
			n++
		}
	}
	return n
}
