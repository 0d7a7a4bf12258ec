package bitmap

import (
	"encoding/binary"
	"maps"
	"slices"

	"engram/index"
)

// Builder makes the index of one field, row by row.
type Builder struct {
	field                                  Field
	rows                                   uint32
	present, strings, numbers, bools, text tableBuilder
}

// NewBuilder returns a builder of an index of no rows.
func NewBuilder(field Field) *Builder {
	return &Builder{
		field: field, present: tableBuilder{}, strings: tableBuilder{}, numbers: tableBuilder{}, bools: tableBuilder{}, text: tableBuilder{},
	}
}

// Add adds the next row with the value that its payload has under the field's key,
// nil for none. It keeps no memory of value.
func (b *Builder) Add(value any) {
	row := b.rows
	b.rows++
	if b.field.Kind == Words {
		b.addWords(value, row)
		return
	}
	if list, ok := value.([]string); value != nil && (!ok || len(list) > 0) {
		b.present.add("", row)
	}
	switch v := value.(type) {
	case string:
		b.strings.add(v, row)
	case []string:
		for _, s := range v {
			b.strings.add(s, row)
		}
	case bool:
		b.bools.add(boolKey(v), row)
	default:
		if key, ok := number(v); ok {
			b.numbers.add(string(key[:]), row)
		}
	}
}

func (b *Builder) addWords(value any, row uint32) {
	switch v := value.(type) {
	case string:
		for word := range index.WordsOf(v) {
			b.text.add(word, row)
		}
	case []string:
		for _, text := range v {
			b.addWords(text, row)
		}
	}
}

func boolKey(v bool) string {
	if v {
		return "\x01"
	}
	return "\x00"
}

// Encode returns the index as it is stored (see Parse).
func (b *Builder) Encode() ([]byte, error) {
	tables := []tableBuilder{b.present, b.strings, b.numbers, b.bools, b.bins()}
	if b.field.Kind == Words {
		tables = []tableBuilder{b.text}
	}
	var dst []byte
	for _, t := range tables {
		var err error
		if dst, err = t.encode(dst); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// bins is about how many bins the numbers of a field are put into, and minBin the
// number of rows that a bin has at least, but for the last one.
const (
	bins   = 64
	minBin = 256
)

// bins returns the rows of runs of numbers. A key is the number of the run's first
// value, 4 bytes, big endian; the run ends where the next one begins.
func (b *Builder) bins() tableBuilder {
	made := tableBuilder{}
	size := max(minBin, int(b.rows)/bins)
	var rows []uint32
	first := 0
	names := slices.Sorted(maps.Keys(b.numbers))
	for i, name := range names {
		if rows = append(rows, b.numbers[name]...); len(rows) >= size || i == len(names)-1 {
			slices.Sort(rows)
			made[binKey(first)] = rows
			rows, first = nil, i+1
		}
	}
	return made
}

func binKey(first int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(first))) }
