package bitmap

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"engram/index"
)

// maxListed is the number of rows up to which they are listed one by one. A
// Roaring bitmap of few rows takes up 16 bytes and 2 for each row.
const maxListed = 8

// tableBuilder gathers the rows of each key. Rows come in ascending order.
type tableBuilder map[string][]uint32

// add adds a row to a key, which may share memory with what is about to change.
func (b tableBuilder) add(key string, row uint32) {
	rows, known := b[key]
	switch {
	case !known:
		b[strings.Clone(key)] = []uint32{row}
	case rows[len(rows)-1] != row: // or else the value is in a list twice
		b[key] = append(rows, row)
	}
}

// encode appends the table to dst.
func (b tableBuilder) encode(dst []byte) ([]byte, error) {
	names := slices.Sorted(maps.Keys(b))
	var keyEnds, postingEnds, counts, keys, postings []byte
	for _, name := range names {
		keys = append(keys, name...)
		keyEnds = binary.LittleEndian.AppendUint64(keyEnds, uint64(len(keys)))
		rows := b[name]
		counts = binary.LittleEndian.AppendUint32(counts, uint32(len(rows)))
		var err error
		if postings, err = appendPosting(postings, rows); err != nil {
			return nil, err
		}
		postingEnds = binary.LittleEndian.AppendUint64(postingEnds, uint64(len(postings)))
	}
	for _, n := range []int{len(names), len(keys), len(postings)} {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(n))
	}
	return slices.Concat(dst, keyEnds, postingEnds, counts, keys, postings), nil
}

// appendPosting encodes the rows of a key.
func appendPosting(dst []byte, rows []uint32) ([]byte, error) {
	if len(rows) <= maxListed {
		for _, row := range rows {
			dst = binary.LittleEndian.AppendUint32(dst, row)
		}
		return dst, nil
	}
	set := roaring.BitmapOf(rows...)
	set.RunOptimize()
	b, err := set.ToBytes()
	return append(dst, b...), err
}

// table maps keys in ascending order to sets of rows.
type table struct {
	n                            int
	keyEnds, postingEnds, counts []byte // uint64, uint64, uint32
	keys, postings               []byte
}

// tableHeader is the size of what comes before the columns of a table.
const tableHeader = 24

// parseTable views the table at the start of b, of rows below rows, and returns what
// follows it. It looks at every set once, so that later readers need not.
func parseTable(b []byte, rows int) (t table, rest []byte, err error) {
	damaged := fmt.Errorf("a table in %d bytes does not parse: %w", len(b), index.ErrCorrupt)
	if len(b) < tableHeader {
		return t, nil, damaged
	}
	n, keys, postings := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])
	b = b[tableHeader:]
	left := uint64(len(b))
	if n > left/20 || keys > left-20*n || postings > left-20*n-keys {
		return t, nil, damaged
	}
	take := func(size uint64) []byte {
		taken := b[:size:size]
		b = b[size:]
		return taken
	}
	t = table{n: int(n), keyEnds: take(8 * n), postingEnds: take(8 * n), counts: take(4 * n), keys: take(keys), postings: take(postings)}
	if !ascends(t.keyEnds, keys) || !ascends(t.postingEnds, postings) {
		return t, nil, damaged
	}
	for i := range t.n {
		if !t.sound(i, rows) {
			return t, nil, damaged
		}
	}
	return t, b, nil
}

// sound reports whether key i has a set of rows below rows, as many as it says.
func (t table) sound(i, rows int) bool {
	count, b := binary.LittleEndian.Uint32(t.counts[4*i:]), slice(t.postings, t.postingEnds, i)
	if count > maxListed {
		set := roaring.New()
		n, err := set.FromBuffer(b)
		return err == nil && n == int64(len(b)) && set.Validate() == nil && set.GetCardinality() == uint64(count) && int64(set.Maximum()) < int64(rows)
	}
	for at := 0; at+4 <= len(b); at += 4 {
		if int64(binary.LittleEndian.Uint32(b[at:])) >= int64(rows) {
			return false
		}
	}
	return len(b) == int(4*count)
}

// ascends reports whether ends do, up to total.
func ascends(ends []byte, total uint64) bool {
	last := uint64(0)
	for ; len(ends) > 0; ends = ends[8:] {
		end := binary.LittleEndian.Uint64(ends)
		if end < last {
			return false
		}
		last = end
	}
	return last == total
}

// slice returns the bytes of entry i of a column whose entries end at ends.
func slice(content, ends []byte, i int) []byte {
	start := uint64(0)
	if i > 0 {
		start = binary.LittleEndian.Uint64(ends[8*(i-1):])
	}
	return content[start:binary.LittleEndian.Uint64(ends[8*i:])]
}

func (t table) key(i int) []byte { return slice(t.keys, t.keyEnds, i) }

// from returns the number of the first key that is not below a prefix.
func (t table) from(prefix []byte) int {
	return sort.Search(t.n, func(i int) bool { return bytes.Compare(t.key(i), prefix) >= 0 })
}

// find returns the number of a key.
func (t table) find(key []byte) (i int, ok bool) {
	i = t.from(key)
	return i, i < t.n && bytes.Equal(t.key(i), key)
}

// get returns the rows of a key, none where it is not there.
func (t table) get(key []byte) (*roaring.Bitmap, error) {
	i, ok := t.find(key)
	if !ok {
		return roaring.New(), nil
	}
	var u union
	if err := u.add(t, i); err != nil {
		return nil, err
	}
	return u.set(), nil
}

// union gathers sets of rows.
type union struct {
	listed []uint32
	sets   []*roaring.Bitmap
}

// add adds the rows of key i of a table.
func (u *union) add(t table, i int) error {
	count, b := binary.LittleEndian.Uint32(t.counts[4*i:]), slice(t.postings, t.postingEnds, i)
	if count <= maxListed {
		for ; len(b) > 0; b = b[4:] {
			u.listed = append(u.listed, binary.LittleEndian.Uint32(b))
		}
		return nil
	}
	set := roaring.New()
	if _, err := set.FromBuffer(b); err != nil {
		return fmt.Errorf("a bitmap of %d rows does not decode from %d bytes: %w", count, len(b), index.ErrCorrupt)
	}
	u.sets = append(u.sets, set)
	return nil
}

// set returns the union, which shares no memory that the caller may change.
func (u *union) set() *roaring.Bitmap {
	if len(u.listed) > 0 {
		slices.Sort(u.listed)
		listed := roaring.New()
		listed.AddMany(u.listed)
		u.sets = append(u.sets, listed)
	}
	switch len(u.sets) {
	case 0:
		return roaring.New()
	case 1:
		return u.sets[0]
	}
	return roaring.FastOr(u.sets...)
}
