package bitmap

import (
	"github.com/RoaringBitmap/roaring/v2"

	"engram/index"
	"engram/index/internal/column"
)

// Choice is what indexes say about the rows that a filter chooses.
type Choice struct {
	// Possible are the rows that the filter may choose: it chooses no others. nil:
	// nothing is known.
	Possible column.Bits
	// Sure are the possible rows that it chooses for certain. Payloads decide about
	// the rest.
	Sure column.Bits
	// Exact says that the two are the same.
	Exact bool
}

// Find returns the index of a field of a segment, nil where there is none.
type Find func(Field) (*Index, error)

// Choose returns what the indexes of a segment of rows rows say about a filter,
// which passes Check.
func Choose(f index.Filter, rows int, find Find) (Choice, error) {
	c := chooser{find: find, all: roaring.New(), none: roaring.New()}
	c.all.AddRange(0, uint64(rows))
	b, err := c.bounds(f)
	switch {
	case err != nil:
		return Choice{}, err
	case c.open > 0 && c.decided == 0:
		return Choice{}, nil
	case b.upper == b.lower:
		bits := dense(b.upper, rows)
		return Choice{Possible: bits, Sure: bits, Exact: true}, nil
	}
	return Choice{Possible: dense(b.upper, rows), Sure: dense(b.lower, rows)}, nil
}

// dense returns a set as bits, of rows rows.
func dense(set *roaring.Bitmap, rows int) column.Bits {
	bits := make(column.Bits, (rows+63)/64)
	set.WriteDenseTo(bits)
	return bits
}

// bounds are sets below and above the rows that a filter chooses. They are the same
// set, and not only equal, where every condition of it was decided. Sets are never
// changed.
type bounds struct{ lower, upper *roaring.Bitmap }

// chooser finds the bounds of filters.
type chooser struct {
	find      Find
	all, none *roaring.Bitmap

	decided, open int // conditions with an index, and others
}

func (c *chooser) bounds(f index.Filter) (bounds, error) {
	switch f := f.(type) {
	case index.And:
		return c.fold(f, bounds{c.all, c.all}, roaring.And)
	case index.Or:
		return c.fold(f, bounds{c.none, c.none}, roaring.Or)
	case index.Not:
		b, err := c.bounds(f.Filter)
		if err != nil {
			return b, err
		}
		return b.apply(bounds{c.all, c.all}, func(set, all *roaring.Bitmap) *roaring.Bitmap { return roaring.AndNot(all, set) }).swapped(), nil
	}
	var x *Index
	if field, ok := fieldOf(f); ok {
		var err error
		if x, err = c.find(field); err != nil {
			return bounds{}, err
		}
	}
	if x == nil {
		c.open++
		return bounds{c.none, c.all}, nil
	}
	c.decided++
	set, err := x.choose(f)
	return bounds{set, set}, err
}

// fold joins the bounds of filters by join, which leaves unit as it is.
func (c *chooser) fold(filters []index.Filter, unit bounds, join func(a, b *roaring.Bitmap) *roaring.Bitmap) (bounds, error) {
	if len(filters) == 0 {
		return unit, nil
	}
	joined, err := c.bounds(filters[0])
	for _, f := range filters[1:] {
		if err != nil {
			return bounds{}, err
		}
		var next bounds
		next, err = c.bounds(f)
		if err == nil {
			joined = joined.apply(next, join)
		}
	}
	return joined, err
}

// apply joins lower with lower and upper with upper, once where they are the same.
func (b bounds) apply(other bounds, join func(a, b *roaring.Bitmap) *roaring.Bitmap) bounds {
	upper := join(b.upper, other.upper)
	if b.lower == b.upper && other.lower == other.upper {
		return bounds{upper, upper}
	}
	return bounds{join(b.lower, other.lower), upper}
}

func (b bounds) swapped() bounds { return bounds{lower: b.upper, upper: b.lower} }
