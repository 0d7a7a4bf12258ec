package bitmap

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"

	"engram/index"
)

// Index says which rows of a segment have a value under the key of a field.
type Index struct {
	field Field

	present, strings, numbers, bools, bins table // of values
	text                                   table // of words
}

// Parse views an index of rows rows that Builder.Encode has made. b must stay as it
// is: Parse looks at every set of rows once, and later reads rely on that. ErrCorrupt says that b is no index of the field.
func Parse(field Field, rows int, b []byte) (*Index, error) {
	x := &Index{field: field}
	tables := []*table{&x.present, &x.strings, &x.numbers, &x.bools, &x.bins}
	if field.Kind == Words {
		tables = []*table{&x.text}
	}
	for _, t := range tables {
		var err error
		if *t, b, err = parseTable(b, rows); err != nil {
			return nil, fmt.Errorf("the index of %s: %w", field, err)
		}
	}
	if len(b) != 0 {
		return nil, fmt.Errorf("the index of %s: %d bytes follow its end: %w", field, len(b), index.ErrCorrupt)
	}
	return x, nil
}

// choose returns the rows that a condition on the index's field chooses.
func (x *Index) choose(f index.Filter) (set *roaring.Bitmap, err error) {
	switch f := f.(type) {
	case index.Equal:
		set, err = x.equal(f.Value)
	case index.In:
		sets := make([]*roaring.Bitmap, len(f.Values))
		for i, value := range f.Values {
			if sets[i], err = x.equal(value); err != nil {
				break
			}
		}
		if err == nil {
			set = roaring.FastOr(sets...)
		}
	case index.Range:
		set, err = x.inRange(f)
	case index.Exists:
		set, err = x.present.get(nil)
	case index.Text:
		set, err = x.withWords(f)
	default:
		return nil, fmt.Errorf("a condition of type %T on %s", f, x.field)
	}
	if err != nil {
		return nil, fmt.Errorf("the index of %s: %w", x.field, err)
	}
	return set, nil
}

// equal returns the rows whose value, or an element of it, is value.
func (x *Index) equal(value any) (*roaring.Bitmap, error) {
	switch v := value.(type) {
	case string:
		return x.strings.get([]byte(v))
	case bool:
		return x.bools.get([]byte(boolKey(v)))
	}
	key, ok := number(value)
	if !ok {
		return roaring.New(), nil
	}
	return x.numbers.get(key[:])
}

// inRange returns the rows whose number lies within the bounds.
func (x *Index) inRange(f index.Range) (*roaring.Bitmap, error) {
	lo, hi := 0, x.numbers.n
	if f.From != nil {
		lo = max(lo, x.firstNumber(*f.From, false))
	}
	if f.Above != nil {
		lo = max(lo, x.firstNumber(*f.Above, true))
	}
	if f.Below != nil {
		hi = min(hi, x.firstNumber(*f.Below, false))
	}
	if f.To != nil {
		hi = min(hi, x.firstNumber(*f.To, true))
	}
	return x.between(lo, hi)
}

// firstNumber returns which number is the first that is not below bound, or the
// first that is above it.
func (x *Index) firstNumber(bound float64, above bool) int {
	at := ordered(bound)
	if above {
		at++ // the largest belongs to +Inf, which is no bound
	}
	return x.numbers.from(binary.BigEndian.AppendUint64(nil, at))
}

// between returns the rows of the numbers lo to hi: of the bins between them, and
// of the single numbers on both sides.
func (x *Index) between(lo, hi int) (*roaring.Bitmap, error) {
	var u union
	bin := x.bins.from([]byte(binKey(lo)))
	for lo < hi {
		var err error
		if end := x.binEnd(bin); bin < x.bins.n && x.binStart(bin) == lo && end <= hi {
			err = u.add(x.bins, bin)
			lo, bin = max(end, lo+1), bin+1
		} else {
			if bin < x.bins.n && x.binStart(bin) == lo {
				bin++ // only a part of it is wanted
			}
			err = u.add(x.numbers, lo)
			lo++
		}
		if err != nil {
			return nil, err
		}
	}
	return u.set(), nil
}

// binStart is the first number of a bin, and binEnd the one after its last.
func (x *Index) binStart(bin int) int {
	key := x.bins.key(bin)
	if len(key) != 4 {
		return -1 // of no number
	}
	return int(binary.BigEndian.Uint32(key))
}

func (x *Index) binEnd(bin int) int {
	if bin+1 >= x.bins.n {
		return x.numbers.n
	}
	return x.binStart(bin + 1)
}

// withWords returns the rows whose text has every word of a condition.
func (x *Index) withWords(f index.Text) (*roaring.Bitmap, error) {
	var sets []*roaring.Bitmap
	for word := range index.WordsOf(f.Words) {
		set, err := x.withWord(word)
		if err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
	return roaring.FastAnd(sets...), nil
}

// withWord looks at every word of the index where word is found inside of others.
func (x *Index) withWord(word string) (*roaring.Bitmap, error) {
	if !index.Spaceless(word) {
		return x.text.get([]byte(word))
	}
	var u union
	for i := range x.text.n {
		if bytes.Contains(x.text.key(i), []byte(word)) {
			if err := u.add(x.text, i); err != nil {
				return nil, err
			}
		}
	}
	return u.set(), nil
}
