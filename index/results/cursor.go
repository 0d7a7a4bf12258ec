package results

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"

	"engram/index"
)

// place is where a page ends: at a hit, and at a value where hits are grouped, for a
// hit with several values leads several groups. It names no position, so that items
// that come or go elsewhere move no hit to another page.
type place struct {
	score float32
	id    index.ID
	rank  int // of the hit when the page was made; says how much to ask for at first
	value any // of the group; nil where there are none
}

// after reports whether a hit comes after the place in a ranking. The hit of the place
// itself never does, even if its item has another vector by now.
func (p *place) after(h index.Hit) bool {
	return p == nil || h.ID != p.id && (h.Score < p.score || h.Score == p.score && h.ID > p.id)
}

// groupAfter reports whether a group that a hit leads comes after the place.
func (p *place) groupAfter(lead index.Hit, value any) bool {
	return p.after(lead) || lead.ID == p.id && lead.Score == p.score && compareValues(value, p.value) > 0
}

// A cursor is base64url of, little endian:
//
//	version      1 byte: 1
//	fingerprint  8 bytes, of index, query and options
//	score        float32
//	id           uint64
//	rank         uint32
//	value        the rest, of a group (see appendValue); empty where there are none
const (
	cursorVersion = 1
	cursorFixed   = 1 + 8 + 4 + 8 + 4
)

// cursor writes a place as text.
func (p *place) cursor(fingerprint [8]byte) string {
	b := append(make([]byte, 0, 64), cursorVersion)
	b = append(b, fingerprint[:]...)
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(p.score))
	b = binary.LittleEndian.AppendUint64(b, uint64(p.id))
	b = binary.LittleEndian.AppendUint32(b, uint32(p.rank))
	return base64.RawURLEncoding.EncodeToString(appendValue(b, p.value))
}

// parseCursor reads a place, nil for "". It refuses a text that is no cursor, and the
// cursor of another search (index.ErrQuery).
func parseCursor(text string, fingerprint [8]byte, grouped bool) (*place, error) {
	if text == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) < cursorFixed || b[0] != cursorVersion {
		return nil, refuse("%.40q is no cursor, wanted the next of a page", text)
	}
	if !bytes.Equal(b[1:9], fingerprint[:]) {
		return nil, refuse("the cursor is of another search, wanted the same index, query, filter and options but for the number of hits")
	}
	p := &place{
		score: math.Float32frombits(binary.LittleEndian.Uint32(b[9:])),
		id:    index.ID(binary.LittleEndian.Uint64(b[13:])),
		rank:  int(binary.LittleEndian.Uint32(b[21:])),
	}
	var ok bool
	if p.value, ok = parseValue(b[cursorFixed:]); !ok || grouped != (p.value != nil) || !finite(float64(p.score)) {
		return nil, refuse("%.40q is no cursor, wanted the next of a page", text)
	}
	return p, nil
}

// appendValue appends the value of a group: its type and itself. nil is nothing.
func appendValue(b []byte, value any) []byte {
	switch value := value.(type) {
	case string:
		return append(append(b, 's'), value...)
	case bool:
		if value {
			return append(b, 'b', 1)
		}
		return append(b, 'b', 0)
	case int64:
		return binary.LittleEndian.AppendUint64(append(b, 'i'), uint64(value))
	case float64:
		return binary.LittleEndian.AppendUint64(append(b, 'f'), math.Float64bits(value))
	}
	return b
}

// parseValue reads what appendValue has written.
func parseValue(b []byte) (value any, ok bool) {
	if len(b) == 0 {
		return nil, true
	}
	kind, b := b[0], b[1:]
	switch {
	case kind == 's':
		return string(b), true
	case kind == 'b' && len(b) == 1:
		return b[0] == 1, true
	case kind == 'i' && len(b) == 8:
		return int64(binary.LittleEndian.Uint64(b)), true
	case kind == 'f' && len(b) == 8:
		return math.Float64frombits(binary.LittleEndian.Uint64(b)), true
	}
	return nil, false
}

// compareValues orders the values of groups: numbers, then texts, then truth values.
func compareValues(a, b any) int {
	if c := cmp.Compare(kindOf(a), kindOf(b)); c != 0 {
		return c
	}
	switch a := a.(type) {
	case string:
		return cmp.Compare(a, b.(string))
	case bool:
		switch {
		case a == b.(bool):
			return 0
		case a:
			return 1
		}
		return -1
	}
	// One kind of number is never equal to the other (see groupValue).
	if x, ok := a.(int64); ok {
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Or(cmp.Compare(number(a), number(b)), cmp.Compare(fmt.Sprintf("%T", a), fmt.Sprintf("%T", b)))
}

func kindOf(value any) int {
	switch value.(type) {
	case int64, float64:
		return 0
	case string:
		return 1
	}
	return 2
}

func number(value any) float64 {
	if n, ok := value.(int64); ok {
		return float64(n)
	}
	return value.(float64)
}

// fingerprint tells searches apart whose pages do not belong together.
func fingerprint(r Ranking, o Options) (short [8]byte) {
	h := sha256.New()
	field := func(b []byte) { // the length keeps fields apart
		var size [8]byte
		binary.LittleEndian.PutUint64(size[:], uint64(len(b)))
		h.Write(size[:])
		h.Write(b)
	}
	field([]byte(r.Index))
	field([]byte(r.Metric))
	asked := r.Asked
	if asked == nil {
		for _, x := range r.Query.Vector {
			asked = binary.LittleEndian.AppendUint32(asked, math.Float32bits(x))
		}
	}
	field(asked)
	without := slices.Clone(o.Without)
	slices.Sort(without)
	field(fmt.Append(nil, without))
	if o.MinScore != nil {
		field(fmt.Append(nil, *o.MinScore))
	}
	field(fmt.Append(nil, o.Fold, " ", o.size()))
	field([]byte(o.GroupBy))
	writeFilter(h, r.Query.Filter)
	copy(short[:], h.Sum(nil))
	return short
}

// writeFilter writes what a filter says, so that equal filters are written alike.
func writeFilter(w io.Writer, f index.Filter) {
	list := func(name string, filters []index.Filter) {
		fmt.Fprintf(w, "(%s", name)
		for _, f := range filters {
			writeFilter(w, f)
		}
		fmt.Fprint(w, ")")
	}
	switch f := f.(type) {
	case index.And:
		list("and", f)
	case index.Or:
		list("or", f)
	case index.Not:
		list("not", []index.Filter{f.Filter})
	case index.Range:
		fmt.Fprintf(w, "(range %q", f.Key)
		for _, bound := range []*float64{f.Above, f.From, f.Below, f.To} {
			if bound == nil {
				fmt.Fprint(w, " -")
			} else {
				fmt.Fprintf(w, " %v", *bound)
			}
		}
		fmt.Fprint(w, ")")
	default: // has no pointers
		fmt.Fprintf(w, "(%#v)", f)
	}
}
