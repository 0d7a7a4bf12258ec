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
	comparison, expansion = 1, 5
	// compared is how many rows are compared for each one whose links are followed, while
	// these are near the query.
	compared = 12
	// sequential is the cost of a row that is scanned in sequence.
	sequential = .65
	// firstCheck is the share of its budget after which a walk is asked for the first time
	// how much it is likely to cost, and doubt how many times the budget that must be for it
	// to be given up: the estimate is rough.
	firstCheck, doubt = 1. / 8, 1.5
)

// scanCost is the cost of a scan of the chosen rows of a part.
func scanCost(part column.Part) float64 {
	return min(float64(part.Matches), sequential*float64(len(part.IDs)))
}

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
	met     int // chosen rows that were expanded
}

// promising reports whether a walk for chosen rows is worth a try for what a scan of them
// costs: whether it costs clearly less where the rows nearest to the query are chosen. Else
// the scan is made at once, so that a walk that is soon given up has cost little beside it.
func promising(scan float64, entries, effort int) bool {
	const clearly = 1.5
	walk := comparison*float64(entries+compared*effort) + expansion*float64(effort)
	return scan >= clearly*walk
}

// walkChosen is walkFor for a part whose chosen rows are known. It reports false where a scan
// is better.
func (s *search) walkChosen(by Searcher, g *Graph, part column.Part, e Efforts) (bool, error) {
	if part.Matches == len(part.IDs) {
		part.Possible = nil
		err := s.walkFor(g, part, s.k, e)
		return len(s.best) >= min(s.k, part.Matches), err
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
	next := t.begin() // rows on the path when the walk may have looked far enough
	if next == 0 {
		return false
	}
	for check := firstCheck * t.budget; len(t.open) > 0; {
		c := t.open.pop()
		if len(t.path) >= next && len(t.beam) >= t.k && c.score < t.beam[t.k-1].score {
			need, looked := t.needed(), t.better(c.score)
			if looked >= need {
				t.effort = need
				return need > 0
			}
			next = len(t.path) + need - looked
		}
		t.expand(c)
		cost := t.cost()
		if cost > t.budget {
			return false
		}
		if cost >= check && len(t.path) >= 2*t.effort {
			if check = 2 * cost; !t.sure && cost*t.growth() > doubt*t.budget {
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
		if !t.sure && !promising(t.budget, len(t.graph.Entries), t.effort) {
			return 0
		}
		t.meet(t.graph.Entries[t.graph.First:])
	}
	t.beam = t.beam[:min(len(t.beam), t.effort)]
	return t.effort
}

// expand scores the neighbours of a row that were not seen.
func (t *through) expand(c candidate) {
	if t.path = append(t.path, c); t.part.Possible.Has(int(c.row)) {
		t.met++
	}
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
// with the recall, 0 where the graph does not reach it. A walk for the r nearest rows of all
// finds the recall of these on average, of the nearest more and of the last fewer. So r is
// the rank of the last of the k rows where they are spread evenly over the ranks before it,
// and more where most of them come late: up to three times that.
func (t *through) needed() int {
	sum, last := 0, 0 // of the ranks
	for _, p := range t.path {
		better, _ := slices.BinarySearchFunc(t.beam[:t.k], p.score, func(c candidate, score float32) int {
			if c.score > score {
				return -1
			}
			return 1
		})
		if better < t.k {
			last++
			sum += t.k - better
		}
	}
	return t.least(max(last, 4*sum/t.k-last))
}

// better returns how many of the expanded rows are better than a score: how many rows the
// walk has kept where that is the best score of the frontier.
func (t *through) better(score float32) (n int) {
	for _, p := range t.path {
		if p.score > score {
			n++
		}
	}
	return n
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
// of the last of the wanted rows is the lower one of two guesses: the chosen rows have the
// share of all rows that they have among the expanded ones, or the last one is the k-th of
// the chosen rows that were met, and the rank grows as a power of the distance.
func (t *through) growth() float64 {
	n, end := float64(len(t.path)), t.path[len(t.path)-1].score
	if len(t.beam) < t.k {
		return math.Inf(1)
	}
	doubling := (t.distance(end) - t.distance(t.path[len(t.path)/4].score)) / 2
	doublings := (t.distance(t.beam[t.k-1].score) - t.distance(end)) / max(doubling, 1e-9)
	rank := min(n*math.Exp2(doublings), n*float64(t.k)/float64(t.met), float64(len(t.part.IDs)))
	return float64(t.least(int(rank))) / n
}

// distance is the logarithm of the distance of a row to the query.
func (t *through) distance(score float32) float64 {
	return math.Log2(max(1e-6, 1-float64(score*t.query.Scale)))
}
