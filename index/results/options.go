package results

import (
	"fmt"
	"math"
	"slices"

	"engram/index"
)

const (
	// DefaultFold is the cosine from which on two items count as near-duplicates where
	// nobody says (NOTES.md has the measurement).
	DefaultFold = .94
	// DefaultBound is how many hits of a ranking a search looks at, at most.
	DefaultBound = 10_000
	// MaxDiverse bounds the hits among which a diverse search chooses.
	MaxDiverse = DefaultBound
	// maxHits bounds the hits of a page and of a group, so that sums of them are no
	// overflow.
	maxHits = math.MaxInt32
)

// Options say what a search returns of a ranking.
type Options struct {
	K int // hits, or groups, of one page
	// Without are items that are left out, such as the ones that the query is made of.
	Without []index.ID
	// MinScore is the least score of a hit; nil: any.
	MinScore *float64
	// Fold is the cosine of two vectors, in (0, 1], from which on the later hit is a
	// near-duplicate of the earlier one and is folded into it; 0: none is.
	Fold float64
	// Diverse chooses hits that differ among themselves; nil: the nearest.
	Diverse *Diverse
	// GroupBy is a payload key: the page has the best hit of each value, and up to
	// GroupSize - 1 more hits that have the value. "": no groups.
	GroupBy   string
	GroupSize int // 0: 1
	// After is the Next of the page before; "": the first page.
	After string
	// Bound is how many hits of the ranking are looked at, at most; 0: DefaultBound. It
	// is never below what a page without folding takes.
	Bound int
}

// Diverse asks for maximal marginal relevance (Carbonell & Goldstein 1998): the next
// choice is the hit d among the first Candidates with the largest
//
//	Lambda·relevance(d) - (1-Lambda)·max over chosen c of cosine(d, c)
//
// The relevance is the score where scores are cosines; of another metric it is the
// score's place between the least and the largest of the candidates, 0 to 1.
type Diverse struct {
	Lambda     float64 // in [0, 1]; 1 is the ranking itself
	Candidates int     // 0: 100, or 5·K where this is more
}

// Check refuses options that make no sense, alone or together (index.ErrQuery).
func (o Options) Check() error {
	switch {
	case o.K < 1 || o.K > maxHits:
		return refuse("a search for %d items, wanted 1 to %d", o.K, maxHits)
	case o.MinScore != nil && !finite(*o.MinScore):
		return refuse("a least score of %v, wanted a finite number", *o.MinScore)
	case !(o.Fold >= 0 && o.Fold <= 1): // or NaN
		return refuse("near-duplicates from a cosine of %v, wanted a number above 0 and up to 1", o.Fold)
	case o.Diverse != nil:
		return o.checkDiverse()
	case o.GroupSize < 0 || o.GroupSize > maxHits:
		return refuse("groups of %d items, wanted 1 to %d", o.GroupSize, maxHits)
	case o.GroupSize > 0 && o.GroupBy == "":
		return refuse("groups of %d items without the payload key to group by", o.GroupSize)
	}
	return nil
}

// checkDiverse refuses what a diverse search cannot do.
func (o Options) checkDiverse() error {
	d := o.Diverse
	switch {
	case !(d.Lambda >= 0 && d.Lambda <= 1): // or NaN
		return refuse("a diverse search with a lambda of %v, wanted 0 to 1", d.Lambda)
	case d.Candidates < 0 || d.Candidates > MaxDiverse:
		return refuse("a diverse search among %d candidates, wanted 1 to %d", d.Candidates, MaxDiverse)
	case d.Candidates > 0 && d.Candidates < o.K:
		return refuse("a diverse search for %d items among %d candidates, wanted as many candidates at least", o.K, d.Candidates)
	case o.GroupBy != "" || o.GroupSize != 0:
		return refuse("a search that is diverse and grouped by %q, wanted one of the two", o.GroupBy)
	case o.After != "":
		return refuse("a page after a cursor of a diverse search, which has one page: its choice depends on how many hits are wanted")
	}
	return nil
}

// candidates returns among how many hits a diverse search chooses.
func (o Options) candidates() int {
	if n := o.Diverse.Candidates; n > 0 {
		return n
	}
	return max(o.K, min(max(100, 5*o.K), MaxDiverse))
}

// size returns how many hits a group has, at most.
func (o Options) size() int { return max(1, o.GroupSize) }

// bound returns how many hits of the ranking are looked at, at most.
func (o Options) bound() int {
	bound := o.Bound
	if bound == 0 {
		bound = DefaultBound
	}
	least := o.K + 1
	if o.Diverse != nil {
		least = o.candidates()
	}
	return max(bound, least+len(o.Without))
}

// left reports whether an item is left out.
func (o Options) left(id index.ID) bool { return slices.Contains(o.Without, id) }

// refuse returns an index.ErrQuery that says what was wanted.
func refuse(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), index.ErrQuery)
}

func finite(x float64) bool { return x-x == 0 }
