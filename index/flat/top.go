package flat

import (
	"cmp"
	"math"
	"slices"
	"sync/atomic"

	"engram/index"
)

// Match is a row that a scan found.
type Match struct {
	ID    index.ID
	Score float32 // inner product with the query
	Part  int     // number of the part
	Row   int     // row within the part
}

// better orders matches: the higher score first, equal scores by ascending id.
func better(a, b Match) int {
	if c := cmp.Compare(b.Score, a.Score); c != 0 {
		return c
	}
	return cmp.Compare(a.ID, b.ID)
}

// top keeps the k best of the matches it is offered: a heap with the worst of
// them at the root.
type top struct {
	k       int
	matches []Match
}

// full reports whether k matches are kept, so that a further one must beat the
// worst of them.
func (t *top) full() bool { return len(t.matches) == t.k }

// offer keeps m where it is among the k best.
func (t *top) offer(m Match) {
	if !t.full() {
		t.matches = append(t.matches, m)
		siftUp(t.matches, len(t.matches)-1, worse)
		return
	}
	if better(m, t.matches[0]) < 0 {
		t.matches[0] = m
		siftDown(t.matches, 0, worse)
	}
}

// sorted returns what is kept, best first. The heap is gone afterwards.
func (t *top) sorted() []Match {
	slices.SortFunc(t.matches, better)
	return t.matches
}

func worse(a, b Match) bool { return better(a, b) > 0 }

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
// the goroutines of a search know: the highest of the scores of their k-th best
// rows.
type limit struct{ bits atomic.Uint32 }

func newLimit() *limit {
	l := new(limit)
	l.bits.Store(math.Float32bits(float32(math.Inf(-1))))
	return l
}

func (l *limit) load() float32 { return math.Float32frombits(l.bits.Load()) }

func (l *limit) raise(score float32) {
	for {
		bits := l.bits.Load()
		if score <= math.Float32frombits(bits) || l.bits.CompareAndSwap(bits, math.Float32bits(score)) {
			return
		}
	}
}
