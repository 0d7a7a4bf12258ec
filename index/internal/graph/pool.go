package graph

import (
	"slices"

	"engram/index/internal/column"
)

// pooled is a row in the beam of one of several parts, with its score by codes.
type pooled struct {
	candidate
	part int32
}

// inOrder sets the order in which parts are walked: the largest first. It tells best whether
// the query is distant, and leaves the smaller ones few steps.
func (s *search) inOrder(parts []column.Part) {
	s.order, s.near = s.order[:0], false
	for i := range parts {
		s.order = append(s.order, i)
	}
	slices.SortStableFunc(s.order, func(a, b int) int { return len(parts[b].IDs) - len(parts[a].IDs) })
}

// walkShared walks a part without a filter with an effort that it shares with others, and
// puts the live rows of its beam into the pool. It reports false, and puts none, where a scan
// is better.
func (s *search) walkShared(i int, part column.Part, g *Graph, e Efforts) bool {
	code := s.paddedCode(column.CodeStride(part.Dim))
	effort := s.begin(g, part.Rows, code, e)
	s.near = s.near || !s.distant
	s.best = s.best[:0]
	if effort == 0 {
		return false
	}
	s.common, s.others = s.base.Near, s.pool
	if s.distant {
		// Its rows are spread over more clusters, and a part has few entries (see NOTES.md).
		s.common = s.base.Distant * 3 / 2
	}
	s.finish(g, part.Rows, code, effort)
	s.others = nil
	return s.gather(i, part)
}

// gather puts the live rows of the beam of part i into the pool. Where fewer than k are live,
// though the part has more, it puts none and reports false: the part is to be scanned.
func (s *search) gather(i int, part column.Part) bool {
	live := 0
	for _, c := range s.beam {
		if c.row &^= expanded; part.Allowed(int(c.row)) {
			s.beam[live] = c
			live++
		}
	}
	if live < min(s.k, part.Most()) {
		return false // dead rows took places
	}
	merged, have := s.spare[:0], s.pool
	for _, c := range s.beam[:live] {
		for len(have) > 0 && have[0].score >= c.score {
			merged, have = append(merged, have[0]), have[1:]
		}
		merged = append(merged, pooled{c, int32(i)})
	}
	s.pool, s.spare = append(merged, have...), s.pool
	return true
}

// scorePool sets best to the best k rows of the pool. As the rows of all parts are scored in
// the order of their codes' scores, few are read that are not among the best.
func (s *search) scorePool(parts []column.Part) error {
	s.best, s.choose = s.best[:0], nil
	for i, c := range s.pool {
		if i+1 < len(s.pool) && len(s.best) < s.k {
			if next := s.pool[i+1]; parts[next.part].Read == nil {
				s.kernels.PrefetchVector(parts[next.part].Vector(int(next.row)))
			}
		}
		if err := s.scoreRow(&parts[c.part], c, s.k); err != nil {
			return err
		}
	}
	return nil
}

// take puts the best rows among the ones that were found.
func (s *search) take() {
	s.found = append(s.found, s.best...)
	slices.SortFunc(s.found, column.Compare)
	s.found = s.found[:min(s.k, len(s.found))]
}
