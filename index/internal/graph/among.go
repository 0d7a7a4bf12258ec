package graph

import (
	"math"
	"math/bits"
	"slices"

	"engram/index/internal/column"
)

// A filter whose rows are known (column.Part.Possible, without a Filter) is answered by
// one of two walks. Where it chooses half of the rows or more, the walk goes through all
// rows and keeps more of them (walkThrough). Where it chooses fewer, the walk goes among
// these alone, over one row that is not chosen at most between two that are (walkAmong),
// as ACORN-1 does (Patel et al. 2024, "ACORN: Performant and Predicate-Agnostic Search
// Over Vector Embeddings and Structured Data", §5).

// walkChosen is walkFor for a part whose chosen rows are known. ok is false where a scan
// is better.
func (s *search) walkChosen(g *Graph, part column.Part, k int, e Efforts) (ok bool, err error) {
	n, matches := len(part.IDs), part.Matches
	if 2*matches >= n {
		ok = s.walkThrough(g, part, k, Efforts{e.Near * n / matches, e.Distant * n / matches})
		// The rows that are left out may be the very ones near the query, but no more of them.
		if all := (n-matches)*5/4 + 2*k; !ok && cost*all <= matches {
			ok = s.walkThrough(g, part, k, Efforts{all, all})
		}
	}
	if ok = ok || s.walkAmong(g, part, k, e.Near); !ok {
		return false, nil
	}
	err = s.scoreBeam(part, k)
	return len(s.best) == min(k, matches), err
}

// walkThrough fills the beam by a walk of all rows. It reports false where too few of
// these are chosen to tell which are the nearest.
func (s *search) walkThrough(g *Graph, part column.Part, k int, e Efforts) bool {
	code := s.paddedCode(column.CodeStride(part.Dim))
	effort := s.begin(g, part.Rows, code, e)
	if effort == 0 || cost*effort > part.Matches {
		return false
	}
	s.finish(g, part.Rows, code, effort)
	chosen := 0
	for _, c := range s.beam {
		if part.Possible.Has(int(c.row &^ expanded)) {
			chosen++
		}
	}
	return chosen >= min(k+k/2, part.Matches)
}

const (
	// bridged is how many chosen rows that were not seen the expansion of a row looks
	// for. Rows have 21 links on average.
	bridged = 32
	// rich is the number of links to chosen rows from which a row is expanded by its own
	// links alone.
	rich = 16
	// fewEntries is how many rows a walk among chosen rows begins at, at least.
	fewEntries = 32
)

// walkAmong fills the beam by a walk among the chosen rows, with twice the effort of a walk
// among all rows near the query. Where the hits are remote it walks again with wider times
// the effort, until that finds the same hits. It reports false where a scan is better, or
// where the second walk finds others for the most part.
func (s *search) walkAmong(g *Graph, part column.Part, k, effort int) bool {
	const wider = 4
	code := s.paddedCode(column.CodeStride(part.Dim))
	s.hits = s.hits[:0]
	for effort *= 2; cost*effort <= part.Matches; effort *= wider {
		s.effort, s.distant = effort, false
		s.startAmong(g, part, code, effort)
		if !s.finishAmong(g, part, code, effort) || len(s.beam) < k {
			return false
		}
		if len(s.hits) == 0 {
			near := s.beam[0].score*s.query.Scale >= g.Near // or else a distant query, for which it takes more
			if far := s.remoteness(g, part, code, k); far > hopeless {
				return false
			} else if far <= remote && near {
				return true
			}
		} else if same := s.same(k); same == k || 2*same < k {
			return same == k
		}
		s.hits = append(s.hits[:0], s.beam[:k]...)
	}
	return false
}

// same returns how many of the k hits of the walk before are as near as the k-th of this
// one.
func (s *search) same(k int) (n int) {
	for n < k && s.hits[n].score >= s.beam[k-1].score {
		n++
	}
	return n
}

// startAmong begins a walk among the chosen rows, at the entries that are chosen, and at
// rows from anywhere where these are few.
func (w *walker) startAmong(g *Graph, part column.Part, code []int8, effort int) {
	words := (len(part.IDs) + 63) / 64
	w.seen = slices.Grow(w.seen[:0], words)[:words]
	clear(w.seen)
	w.beam, w.path, w.fresh = slices.Grow(w.beam[:0], effort), w.path[:0], w.fresh[:0]
	for _, row := range g.Entries {
		if part.Possible.Has(int(row)) && !w.seen.Has(int(row)) {
			w.seen.Set(int(row))
			if w.fresh = append(w.fresh, row); len(w.fresh) == 2*g.First {
				break
			}
		}
	}
	for i := 0; len(w.fresh) < fewEntries && i < 2*fewEntries; i++ {
		for at := i * words / (2 * fewEntries); at < (i+1)*words/(2*fewEntries); at++ {
			if free := part.Possible[at] &^ w.seen[at]; free != 0 {
				row := uint32(64*at + bits.TrailingZeros64(free))
				w.seen.Set(int(row))
				w.fresh = append(w.fresh, row)
				break
			}
		}
	}
	w.score(part.Rows, code, effort)
}

// finishAmong is finish for a walk among the chosen rows. It reports false where they
// are so few that the walk cannot go from one to another.
func (w *walker) finishAmong(g *Graph, part column.Part, code []int8, effort int) bool {
	steps, ways := 0, 0
	for w.next = 0; w.next < len(w.beam); {
		c := &w.beam[w.next]
		if c.row&expanded != 0 {
			w.next++
			continue
		}
		row := c.row
		c.row |= expanded
		ways += w.expandAmong(g, part.Possible, row, uint32(len(part.IDs)))
		if steps++; steps == fewSteps && ways < fewSteps*fewWays {
			return false
		}
		w.score(part.Rows, code, effort)
	}
	return true
}

// A walk that after fewSteps rows has found fewer than fewWays chosen rows from each is
// given up.
const fewSteps, fewWays = 8, 6

// expandAmong sets fresh to the chosen rows near a row that were not seen: its
// neighbours, and where few of these are chosen, the neighbours of the others. It returns
// how many chosen rows it came across.
func (w *walker) expandAmong(g *Graph, chosen column.Bits, row, n uint32) (ways int) {
	w.fresh, w.bridges = w.fresh[:0], w.bridges[:0]
	for _, row := range g.of(row) {
		if row >= n {
			break
		}
		word, bit := row>>6, uint64(1)<<(row&63)
		if chosen[word]&bit == 0 {
			w.bridges = append(w.bridges, row)
			continue
		}
		ways++
		if w.seen[word]&bit == 0 {
			w.seen[word] |= bit
			w.fresh = append(w.fresh, row)
		}
	}
	if ways >= rich {
		return ways
	}
	for i, bridge := range w.bridges {
		if len(w.fresh) >= bridged {
			return ways
		}
		word, bit := bridge>>6, uint64(1)<<(bridge&63)
		if w.seen[word]&bit != 0 {
			continue // its neighbours were looked at
		}
		w.seen[word] |= bit
		if i+2 < len(w.bridges) {
			w.kernels.Prefetch(g.of(w.bridges[i+2]))
		}
		for _, row := range g.of(bridge) {
			if row >= n {
				break
			}
			word, bit := row>>6, uint64(1)<<(row&63)
			if chosen[word]&bit == 0 {
				continue
			}
			ways++
			if w.seen[word]&bit == 0 {
				w.seen[word] |= bit
				w.fresh = append(w.fresh, row)
			}
		}
	}
	return ways
}

const (
	// probe is how many rows near the query are found to tell how remote the hits are.
	probe = 32
	// remote is the remoteness from which the hits of a first walk are not taken as they
	// are. With a filter at random it is below for nine queries of ten.
	remote = 16
	// hopeless is the remoteness from which no walk finds the hits before a scan does.
	hopeless = 10_000
)

// remoteness returns how many times further down the list of all rows the k-th row of the
// beam is than if the filter chose its share of the rows anywhere. A filter that leaves
// out the query's neighbourhood makes the rows that are left lie on a shell around it,
// where a walk among them does not find the nearest. The rank of the k-th row comes from
// the nearest rows of all, which are found from the beam: the rank grows as a power of the
// distance. It is an estimate, the rougher the smaller the share, for which it allows.
func (s *search) remoteness(g *Graph, part column.Part, code []int8, k int) float64 {
	last := s.beam[min(k, len(s.beam))-1].score
	beam := append(s.hits[:0], s.beam...)
	clear(s.seen)
	s.fresh = s.fresh[:0]
	for _, c := range s.beam[:min(len(s.beam), 4)] {
		row := c.row &^ expanded
		s.seen.Set(int(row))
		s.fresh = append(s.fresh, row)
	}
	s.beam = slices.Grow(s.beam[:0], probe)
	s.score(part.Rows, code, probe)
	s.finish(g, part.Rows, code, probe)
	distance := func(score float32) float64 { return math.Log2(max(1e-6, 1-float64(score*s.query.Scale))) }
	m := len(s.beam)
	end := distance(s.beam[m-1].score)
	rise := (end - distance(s.beam[m/4].score)) / 2 // while the rank doubles
	rank := float64(m) * math.Exp2((distance(last)-end)/max(rise, 1e-9))
	s.beam, s.hits = beam, s.beam[:0]
	share := float64(part.Matches) / float64(len(part.IDs))
	return rank * share / float64(k) * min(1, share/.1)
}
