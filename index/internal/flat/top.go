package flat

import (
	"math"
	"slices"
	"sync/atomic"

	"engram/index/internal/column"
)

// top keeps the k best of the matches it is offered, in a heap with the worst
// match at the root.
type top struct {
	k       int
	matches []column.Match
}

// full reports whether k matches are kept, so that a further one must beat the
// worst.
func (t *top) full() bool { return len(t.matches) == t.k }

// offer keeps m where it is among the k best.
func (t *top) offer(m column.Match) {
	if !t.full() {
		t.matches = append(t.matches, m)
		siftUp(t.matches, len(t.matches)-1, worse)
		return
	}
	if column.Compare(m, t.matches[0]) < 0 {
		t.matches[0] = m
		siftDown(t.matches, 0, worse)
	}
}

// sorted returns what is kept, best first. The heap is gone afterwards.
func (t *top) sorted() []column.Match {
	slices.SortFunc(t.matches, column.Compare)
	return t.matches
}

func worse(a, b column.Match) bool { return column.Compare(a, b) > 0 }

// siftUp and siftDown restore the heap order of h around element i, with the
// element that is before all others at the root.
func siftUp[T any](h []T, i int, before func(a, b T) bool) {
	for i > 0 {
		parent := (i - 1) / 2
		if !before(h[i], h[parent]) {
			return
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

func siftDown[T any](h []T, i int, before func(a, b T) bool) {
	for {
		first := 2*i + 1
		if first >= len(h) {
			return
		}
		if right := first + 1; right < len(h) && before(h[right], h[first]) {
			first = right
		}
		if !before(h[first], h[i]) {
			return
		}
		h[i], h[first] = h[first], h[i]
		i = first
	}
}

// limit is the score that a row must reach to be among the k best, as far as
// the goroutines of a search know. Each of them has a k-th best row; limit is the
// highest score among these rows.
type limit struct{ bits atomic.Uint32 }

func (l *limit) reset() { l.bits.Store(math.Float32bits(float32(math.Inf(-1)))) }

func (l *limit) load() float32 { return math.Float32frombits(l.bits.Load()) }

func (l *limit) raise(score float32) {
	for {
		bits := l.bits.Load()
		if score <= math.Float32frombits(bits) || l.bits.CompareAndSwap(bits, math.Float32bits(score)) {
			return
		}
	}
}
