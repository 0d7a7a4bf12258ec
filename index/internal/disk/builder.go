package disk

import (
	"fmt"
	"slices"

	"engram/index"
	"engram/index/internal/column"
)

// Builder makes a segment in memory, row by row in strictly ascending order of
// id.
type Builder struct {
	segment Segment
	encoder encoder
}

// NewBuilder returns a builder of a segment of up to rows rows, with tokens of
// tokenSize bytes a row, 0 for none.
func NewBuilder(dim, rows, tokenSize int) *Builder {
	columns := column.New(dim, rows)
	columns.IDs = columns.IDs[:0]
	return &Builder{segment: Segment{
		Rows:   columns,
		ends:   make([]uint64, 0, rows),
		tokens: tokenRows{rows: make([]byte, 0, rows*tokenSize), size: tokenSize},
	}}
}

// After sample rows the builder makes room for the payloads of all rows, by the
// mean size so far: at most maxRoom bytes, for later payloads may be smaller.
const (
	sample  = 64
	maxRoom = 4 << 20
)

// Add adds an item, scaled to unit length. It refuses what index.Store's Upsert
// refuses, and then the builder is of no more use.
func (b *Builder) Add(item index.Item) error {
	s := &b.segment
	row := len(s.IDs)
	err := index.UnitTo(s.Vector(row), item.Vector)
	if err == nil && len(item.Tokens) != s.tokens.size {
		err = fmt.Errorf("%d bytes of tokens, the index keeps %d of each item: %w", len(item.Tokens), s.tokens.size, index.ErrTokens)
	}
	if err == nil {
		s.payloads, err = b.encoder.append(s.payloads, item.Payload)
	}
	if err != nil {
		return fmt.Errorf("item %d: %w", item.ID, err)
	}
	s.Quantise(row)
	s.tokens.rows = append(s.tokens.rows, item.Tokens...)
	b.end(item.ID)
	if row+1 == sample {
		rest := cap(s.IDs) - sample
		s.payloads = slices.Grow(s.payloads, min(rest*len(s.payloads)/sample*9/8, maxRoom))
	}
	return nil
}

// Copy adds a row of a segment as it is.
func (b *Builder) Copy(r Ref) error {
	payload, err := r.Segment.payload(r.Row)
	if err != nil {
		return err
	}
	s := &b.segment
	row, vectors, codes := len(s.IDs), column.VectorStride(s.Dim), column.CodeStride(s.Dim)
	copy(s.Vectors[row*vectors:][:vectors], r.Segment.Vectors[r.Row*vectors:])
	copy(s.Codes[row*codes:][:codes], r.Segment.Codes[r.Row*codes:])
	s.Scales[row], s.Residuals[row] = r.Segment.Scales[r.Row], r.Segment.Residuals[r.Row]
	s.payloads = append(s.payloads, payload...)
	s.tokens.rows = append(s.tokens.rows, r.Segment.tokens.rows[r.Row*s.tokens.size:][:s.tokens.size]...)
	b.end(r.ID())
	return nil
}

// end ends a row.
func (b *Builder) end(id index.ID) {
	b.segment.IDs = append(b.segment.IDs, id)
	b.segment.ends = append(b.segment.ends, uint64(len(b.segment.payloads)))
}

// Segment returns the segment, of all rows that the builder has room for.
func (b *Builder) Segment() *Segment { return &b.segment }
