package disk

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"unsafe"

	"engram/index"
)

// The kinds of payload values, as FORMAT.md lists them.
const (
	kindNil = iota
	kindFalse
	kindTrue
	kindInt64
	kindFloat64
	kindString
	kindStrings
)

// AppendPayload appends the encoding of p, which passes Payload.Check, to b. A
// nil payload takes no bytes. Equal payloads have equal encodings.
func AppendPayload(b []byte, p index.Payload) []byte {
	var room [16]string // most payloads have fewer keys, and need no memory for them
	e := encoder{keys: room[:0]}
	b, _ = e.append(b, p)
	return b
}

// encoder encodes payloads. It remembers the sorted keys of the last payload:
// rows that follow each other mostly have the same keys.
type encoder struct {
	keys []string
}

// append is AppendPayload for any payload. It refuses what Payload.Check refuses,
// and appends nothing then.
func (e *encoder) append(b []byte, p index.Payload) ([]byte, error) {
	if p == nil {
		return b, nil
	}
	if b, ok := e.entries(b, p); ok {
		return b, nil
	}
	if err := p.Check(); err != nil {
		return b, err
	}
	e.keys = slices.AppendSeq(e.keys[:0], maps.Keys(p))
	slices.Sort(e.keys)
	b, _ = e.entries(b, p)
	return b, nil
}

// entries is append where p has the remembered keys, and no others, and passes
// Check. It reports whether that is so.
func (e *encoder) entries(b []byte, p index.Payload) ([]byte, bool) {
	if len(p) != len(e.keys) {
		return nil, false
	}
	b = binary.AppendUvarint(b, uint64(len(p)))
	for _, key := range e.keys {
		value, ok := p[key]
		if ok {
			b, ok = appendValue(appendString(b, key), value)
		}
		if !ok {
			return nil, false
		}
	}
	return b, true
}

// appendValue reports whether value is of a type that stores keep.
func appendValue(b []byte, value any) ([]byte, bool) {
	switch v := value.(type) {
	case nil:
		b = append(b, kindNil)
	case bool:
		if v {
			b = append(b, kindTrue)
		} else {
			b = append(b, kindFalse)
		}
	case int64:
		b = binary.AppendVarint(append(b, kindInt64), v)
	case float64:
		b = binary.LittleEndian.AppendUint64(append(b, kindFloat64), math.Float64bits(v))
	case string:
		b = appendString(append(b, kindString), v)
	case []string:
		b = binary.AppendUvarint(append(b, kindStrings), uint64(len(v)))
		for _, s := range v {
			b = appendString(b, s)
		}
	default:
		return b, false
	}
	return b, true
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// DecodePayload is the inverse of AppendPayload. It copies what it returns out
// of b. Bytes that are no payload give ErrCorrupt.
func DecodePayload(b []byte) (index.Payload, error) {
	if len(b) == 0 {
		return nil, nil
	}
	d := decoder{rest: b}
	// A key and its value take up two bytes at least.
	n := d.count(2)
	p := make(index.Payload, n)
	for range n {
		key := d.string()
		p[key] = d.value()
	}
	if d.bad || len(d.rest) != 0 || len(p) != n {
		return nil, corruptPayload(b)
	}
	return p, nil
}

func corruptPayload(b []byte) error {
	return fmt.Errorf("a payload of %d bytes does not decode: %w", len(b), index.ErrCorrupt)
}

// decoder reads rest from its start. After the first fault bad is set and
// every method returns a zero value.
type decoder struct {
	rest []byte
	bad  bool
	view bool // strings share memory with rest
}

// fail notes a fault and leaves nothing to read.
func (d *decoder) fail() { d.bad, d.rest = true, nil }

func (d *decoder) uvarint() uint64 {
	if len(d.rest) > 0 && d.rest[0] < 0x80 {
		v := uint64(d.rest[0])
		d.rest = d.rest[1:]
		return v
	}
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// count reads the number of elements that follow, where an element takes up at
// least size bytes.
func (d *decoder) count(size int) int {
	n := d.uvarint()
	if left := uint64(len(d.rest)); n > left || n*uint64(size) > left {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) bytes(n int) []byte {
	if n > len(d.rest) {
		d.fail()
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) string() string {
	b := d.bytes(d.count(1))
	if d.view {
		return unsafe.String(unsafe.SliceData(b), len(b))
	}
	return string(b)
}

// skip reads over a value.
func (d *decoder) skip() {
	kind := d.bytes(1)
	if d.bad {
		return
	}
	switch kind[0] {
	case kindNil, kindFalse, kindTrue:
	case kindInt64:
		d.uvarint()
	case kindFloat64:
		d.bytes(8)
	case kindString:
		d.bytes(d.count(1))
	case kindStrings:
		for range d.count(1) {
			d.bytes(d.count(1))
		}
	default:
		d.fail()
	}
}

func (d *decoder) value() any {
	kind := d.bytes(1)
	if d.bad {
		return nil
	}
	switch kind[0] {
	case kindNil:
		return nil
	case kindFalse, kindTrue:
		return kind[0] == kindTrue
	case kindInt64:
		v, n := binary.Varint(d.rest)
		if n <= 0 {
			break
		}
		d.rest = d.rest[n:]
		return v
	case kindFloat64:
		if b := d.bytes(8); !d.bad {
			return math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
	case kindString:
		return d.string()
	case kindStrings:
		list := make([]string, d.count(1))
		for i := range list {
			list[i] = d.string()
		}
		return list
	}
	d.fail()
	return nil
}
