package column

import (
	"cmp"
	"context"

	"engram/index"
)

// Searcher finds the rows with the highest inner products with a query.
type Searcher interface {
	// Search appends up to k rows of parts to dst, best first (see Compare), and
	// returns it. q has unit length and the dimension of the rows; an id is in one
	// part at most. The score of a match is the float32 inner product, whichever way
	// the row was found. Only ctx and the filters of the parts can make it return an
	// error, and dst as it was. It allocates nothing where dst has room.
	Search(ctx context.Context, dst []Match, parts []Part, q []float32, k int) ([]Match, error)
}

// Part is what a search sees of one set of rows: the rows that are not dead and
// that its filter chooses.
type Part struct {
	*Rows
	Dead Bits
	Live int // rows that are not dead; 0: nobody counted them
	// Possible are the rows that a filter may choose, without dead ones: the filter
	// chooses no others. nil: nothing is known of it. Matches is their number.
	Possible Bits
	Matches  int
	// Filter makes a Chooser for one goroutine, which decides about the possible rows;
	// nil chooses all of them.
	Filter func() Chooser
}

// Allowed reports whether a row may be a match as far as is known without asking the
// filter.
func (p *Part) Allowed(row int) bool {
	if p.Possible != nil {
		return p.Possible.Has(row)
	}
	return !p.Dead.Has(row)
}

// Most returns how many rows may be matches as far as is known without asking the
// filter, dead ones included where nobody counted the others.
func (p *Part) Most() int {
	if p.Possible != nil {
		return p.Matches
	}
	if p.Live > 0 {
		return p.Live
	}
	return len(p.IDs)
}

// Chooser reports whether a row may be a match. A search asks about each row once at
// most, and only about rows whose score would make them a match.
type Chooser func(row int) (bool, error)

// Match is a row that a search found.
type Match struct {
	ID    index.ID
	Score float32 // inner product with the query
	Part  int     // number of the part
	Row   int     // row within the part
}

// Compare orders matches, the better one first: the higher score, then the
// lower id.
func Compare(a, b Match) int {
	if c := cmp.Compare(b.Score, a.Score); c != 0 {
		return c
	}
	return cmp.Compare(a.ID, b.ID)
}
