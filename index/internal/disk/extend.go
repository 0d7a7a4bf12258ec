package disk

import (
	"cmp"
	"slices"

	"engram/index"
	"engram/index/internal/column"
	"engram/index/internal/graph"
)

// extendRows bounds the rows that a segment in memory has room for beyond the ones in it.
const extendRows = 4096

// NewSegment returns a segment in memory without rows, with tokens of tokenSize bytes a
// row, 0 for none. It is there to be extended.
func NewSegment(dim, tokenSize int) *Segment {
	return &Segment{Rows: column.Rows{Dim: dim}, tokens: tokenRows{size: tokenSize}}
}

// Extend returns a segment in memory with the rows of s, which is in memory too, and after
// them others in the order in which they come: its row numbers need not follow the ids
// (see Nth), and an id can be there more than once.
//
// s stays as it is, and shares its memory with what is returned, as append does: of one
// segment at most one extension may be in use.
func (s *Segment) Extend(refs []Ref) (*Segment, error) {
	n := len(s.IDs) + len(refs)
	x := &Segment{Rows: s.Rows, ends: s.ends, payloads: s.payloads, tokens: s.tokens}
	if n > cap(x.IDs) {
		x.makeRoom(n + min(n, extendRows))
	}
	x.IDs, x.ends = x.IDs[:n], x.ends[:n]
	x.Scales, x.Residuals = x.Scales[:n], x.Residuals[:n]
	vectors, codes := column.VectorStride(s.Dim), column.CodeStride(s.Dim)
	x.Vectors, x.Codes = x.Vectors[:n*vectors], x.Codes[:n*codes]
	for i, r := range refs {
		payload, err := r.Segment.payload(r.Row)
		if err != nil {
			return nil, err
		}
		row := len(s.IDs) + i
		copy(x.Vectors[row*vectors:], r.Segment.Vectors[r.Row*vectors:][:vectors])
		copy(x.Codes[row*codes:], r.Segment.Codes[r.Row*codes:][:codes])
		x.IDs[row], x.Scales[row], x.Residuals[row] = r.ID(), r.Segment.Scales[r.Row], r.Segment.Residuals[r.Row]
		x.payloads = append(x.payloads, payload...)
		x.tokens.rows = append(x.tokens.rows, r.Segment.tokens.rows[r.Row*s.tokens.size:][:s.tokens.size]...)
		x.ends[row] = uint64(len(x.payloads))
	}
	x.order = s.orderWith(x.IDs)
	return x, nil
}

// makeRoom moves the columns to where n rows have room.
func (s *Segment) makeRoom(n int) {
	rows := column.New(s.Dim, n)
	copy(rows.IDs, s.IDs)
	copy(rows.Vectors, s.Vectors)
	copy(rows.Codes, s.Codes)
	copy(rows.Scales, s.Scales)
	copy(rows.Residuals, s.Residuals)
	s.Rows = rows
	s.ends = append(make([]uint64, 0, n), s.ends...)
}

// orderWith returns the order of ids, which begin with the ids of the segment.
func (s *Segment) orderWith(ids []index.ID) []uint32 {
	compare := func(a, b uint32) int { return cmp.Compare(ids[a], ids[b]) }
	have, order := len(s.IDs), make([]uint32, 0, len(ids))
	fresh := make([]uint32, len(ids)-have)
	for i := range fresh {
		fresh[i] = uint32(have + i)
	}
	slices.SortFunc(fresh, compare)
	for i := range have {
		row := uint32(s.Nth(i))
		for len(fresh) > 0 && compare(fresh[0], row) < 0 {
			order, fresh = append(order, fresh[0]), fresh[1:]
		}
		order = append(order, row)
	}
	return append(order, fresh...)
}

// Nth returns the row with the i-th smallest id.
func (s *Segment) Nth(i int) int {
	if s.order == nil {
		return i
	}
	return int(s.order[i])
}

// From returns how many rows have an id below one: the rows from it on are Nth of that and
// more.
func (s *Segment) From(id index.ID) int {
	if s.order == nil {
		i, _ := slices.BinarySearch(s.IDs, id)
		return i
	}
	i, _ := slices.BinarySearchFunc(s.order, id, func(row uint32, id index.ID) int { return cmp.Compare(s.IDs[row], id) })
	return i
}

// Find returns the row with an id that is not dead.
func (s *Segment) Find(id index.ID, dead column.Bits) (row int, ok bool) {
	for i := s.From(id); i < len(s.IDs); i++ {
		if row = s.Nth(i); s.IDs[row] != id {
			return 0, false
		}
		if !dead.Has(row) {
			return row, true
		}
	}
	return 0, false
}

// SetGraph gives a segment in memory, which nobody else uses yet, the graph of its rows.
func (s *Segment) SetGraph(g *graph.Graph) { s.graph.Graph = g }
