package graph

import (
	"math"
	"slices"

	"engram/index/internal/column"
)

// Costs of a walk through all rows, in times of what a scan takes for a row that lies
// anywhere (see NOTES.md).
const (
	// comparison is the cost of a row that is compared, expansion of one whose links are
	// followed.
	comparison, expansion = 1.4, 7
	// compared is how many rows are compared for each one whose links are followed, while
	// these are near the query.
	compared = 12
	// firstCheck is how many rows a walk expands before it is asked for the first time how
	// much it is likely to cost, and doubt how many times the budget that must be for it to
	// be given up: the estimate is rough.
	firstCheck, doubt = 64, 4
)

// scanCost is the cost of a scan of the chosen rows of a part.
func scanCost(part column.Part) float64 {
	return min(float64(part.Matches), sequential*float64(len(part.IDs)))
}

// sequential is the cost of a row that is scanned in sequence.
const sequential = .5

// through is a walk of all rows of a part whose chosen rows are known (column.Part.Possible,
// without a Filter). It keeps the chosen rows, and goes on until it has looked as far as a
// walk for all rows up to these does, however far from the query they are.
//
// Whether that or a scan of the chosen rows is the better way depends on where these lie,
// which is not known before. So the walk is given up once it has cost as much as the scan,
// or is likely to. Both together then cost twice as much as the better one at most.
type through struct {
	*search
	graph   *Graph
	part    column.Part
	k       int // rows that are wanted; there are as many
	recall  float64
	efforts Efforts // for k rows
	budget  float64
	sure    bool // the cost is not estimated
	code    []int8
}

// promising reports whether a walk for chosen rows is worth a try: whether it costs less than
// the scan where the rows nearest to the query are chosen. Where it costs nearly as much, the
// scan is made at once, so that a walk that is soon given up has cost little beside it.
func promising(g *Graph, part column.Part, e Efforts) bool {
	const little = 1.5
	near := float64(e.Near)
	return scanCost(part) >= little*(comparison*(float64(g.First)+compared*near)+expansion*near)
}

// walkChosen is walkFor for a part whose chosen rows are known. It reports false where a scan
// is better.
func (s *search) walkChosen(by Searcher, g *Graph, part column.Part, e Efforts) (bool, error) {
	if part.Matches == len(part.IDs) {
		part.Possible = nil
		err := s.walkFor(g, part, s.k, e)
		return len(s.best) == min(s.k, part.Matches), err
	}
	t := through{search: s, graph: g, part: part, k: min(s.k, part.Matches), recall: by.Recall, efforts: e, budget: scanCost(part)}
	if by.Through {
		t.budget, t.sure = 4*t.budget, true
	}
	if !t.run() {
		return false, nil
	}
	err := s.scoreBeam(part, s.k)
	return len(s.best) == t.k, err
}

// run fills the beam with the best chosen rows. It reports false where the walk is given up,
// and where the graph does not reach the recall.
func (t *through) run() bool {
	need := t.begin()
	if need == 0 {
		return false
	}
	for check := firstCheck; len(t.open) > 0; {
		c := t.open.pop()
		if len(t.path) >= need && len(t.beam) >= t.k && c.score < t.beam[t.k-1].score {
			if need = t.needed(); need == 0 || len(t.path) >= need {
				t.effort = need
				return need > 0
			}
		}
		t.expand(c)
		if t.cost() > t.budget {
			return false
		}
		if len(t.path) == check {
			if check *= 2; !t.sure && t.cost()*t.growth() > doubt*t.budget {
				return false
			}
		}
	}
	t.effort = len(t.path)
	return len(t.beam) >= t.k // all rows that links lead to were looked at
}

// cost is what the walk has cost until now.
func (t *through) cost() float64 {
	return comparison*float64(t.compared) + expansion*float64(len(t.path))
}

// begin scores the entries. It returns how many rows the walk expands at least, 0 where a
// scan is better for the query.
func (t *through) begin() int {
	t.code = t.paddedCode(column.CodeStride(t.part.Dim))
	words := (len(t.part.IDs) + 63) / 64
	t.seen = slices.Grow(t.seen[:0], words)[:words]
	clear(t.seen)
	t.effort = max(t.efforts.Near, t.efforts.Distant)
	t.beam, t.open, t.path, t.compared = slices.Grow(t.beam[:0], t.effort), t.open[:0], t.path[:0], 0
	t.meet(t.graph.Entries[:t.graph.First])
	if t.distant = t.open[0].score*t.query.Scale < t.graph.Near; !t.distant {
		t.effort = t.efforts.Near
	} else if t.effort = t.efforts.Distant; t.effort > 0 {
		t.meet(t.graph.Entries[t.graph.First:])
	}
	t.beam = t.beam[:min(len(t.beam), t.effort)]
	return t.effort
}

// expand scores the neighbours of a row that were not seen.
func (t *through) expand(c candidate) {
	t.path = append(t.path, c)
	if len(t.open) > 0 {
		t.kernels.Prefetch(t.graph.of(t.open[0].row))
	}
	t.meet(t.graph.of(c.row))
}

// meet scores the rows that were not seen, puts them into the frontier and the chosen ones
// into the beam. A number that is no row's ends them.
func (t *through) meet(rows []uint32) {
	t.fresh = t.fresh[:0]
	for _, row := range rows {
		if int64(row) >= int64(len(t.part.IDs)) {
			break
		}
		if word, bit := &t.seen[row>>6], uint64(1)<<(row&63); *word&bit == 0 {
			*word |= bit
			t.fresh = append(t.fresh, row)
		}
	}
	t.compared += len(t.fresh)
	t.scores = slices.Grow(t.scores[:0], len(t.fresh))[:len(t.fresh)]
	t.kernels.ScoreGathered(t.scores, t.code, t.part.Codes, t.part.Scales, t.fresh)
	for i, score := range t.scores {
		c := candidate{score, t.fresh[i]}
		t.open.push(c)
		if (len(t.beam) < t.effort || score > t.beam[t.effort-1].score) && t.part.Possible.Has(int(c.row)) {
			t.insert(c, t.effort)
		}
	}
}

// needed returns how many rows the walk must expand for the k best chosen rows to be found
// with the recall: as many as a walk for as many rows as twice their mean rank among all
// rows. Where the chosen rows are anywhere, that is the rank of the last one; where they
// begin at a distance, twice that, as rows so far away are found less often than the ones
// before them. It is 0 where the graph does not reach the recall.
func (t *through) needed() int {
	ranks := 0 // their sum
	for _, p := range t.path {
		better, _ := slices.BinarySearchFunc(t.beam[:t.k], p.score, func(c candidate, score float32) int {
			if c.score > score {
				return -1
			}
			return 1
		})
		ranks += t.k - better
	}
	return t.least(2*ranks/t.k - 1)
}

// least returns the effort of a walk for as many rows, k or more.
func (t *through) least(rows int) int {
	e, _ := t.graph.Efforts(max(t.k, rows), t.recall)
	if t.distant {
		return e.Distant
	}
	return e.Near
}

// growth estimates how many times as many rows as until now the walk is to expand. The rank
// of the k-th chosen row that was met comes from the rows that were expanded: the rank grows
// as a power of the distance.
func (t *through) growth() float64 {
	n, end := len(t.path), t.path[len(t.path)-1].score
	if len(t.beam) < t.k {
		return math.Inf(1)
	}
	doubling := (t.distance(end) - t.distance(t.path[n/4].score)) / 2
	doublings := (t.distance(t.beam[t.k-1].score) - t.distance(end)) / max(doubling, 1e-9)
	rank := min(float64(n)*math.Exp2(doublings), float64(len(t.part.IDs)))
	return float64(t.least(int(rank))) / float64(n)
}

// distance is the logarithm of the distance of a row to the query.
func (t *through) distance(score float32) float64 {
	return math.Log2(max(1e-6, 1-float64(score*t.query.Scale)))
}
