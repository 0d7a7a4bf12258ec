package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	format "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
	meta "github.com/parquet-go/parquet-go/format"

	"engram/data/half"
)

// ErrVector says that a row has no vector, one of another length, or one with a
// null.
var ErrVector = errors.New("unusable vector")

// vectorColumn is a column that may hold embeddings: a list of numbers in each
// row, or their bytes, little-endian.
type vectorColumn struct {
	place
	name  string
	typ   string // of the numbers: "float16", "float32" or "float64"; "" for bytes
	fixed int    // bytes of every vector where all have the same number
}

// usual are the names of columns that are taken for embeddings without asking.
var usual = []string{"embedding", "embeddings", "vector", "emb", "image_embedding", "clip_embedding"}

// vectorOf returns the vector column that a leaf may be, or nil.
func vectorOf(kind format.Kind, length int, logical any, at place) *vectorColumn {
	c := &vectorColumn{place: at}
	_, isHalf := logical.(*meta.Float16Type)
	switch {
	case at.element > 0 && isHalf && length == 2:
		c.typ = "float16"
	case at.element > 0 && kind == format.Float:
		c.typ = "float32"
	case at.element > 0 && kind == format.Double:
		c.typ = "float64"
	case at.element == 0 && logical == nil && kind == format.ByteArray:
	case at.element == 0 && logical == nil && kind == format.FixedLenByteArray && length > 0:
		c.fixed = length
	default:
		return nil
	}
	return c
}

// VectorOptions say which column of a table holds vectors.
type VectorOptions struct {
	// Column is its name. Without one it is the first of embedding, embeddings,
	// vector, emb, image_embedding and clip_embedding that there is, or else the
	// only column of lists of floating-point numbers.
	Column string
	// Half says that a column of bytes holds float16 rather than float32.
	Half bool
	// Dim is the number of elements; with 0 the first vector decides it.
	Dim int
}

// vectorColumn returns the column that the options mean.
func (f *File) vectorColumn(o VectorOptions) (*vectorColumn, error) {
	named := func(name string) *vectorColumn {
		i := slices.IndexFunc(f.vectors, func(c *vectorColumn) bool { return c.name == name })
		if i < 0 {
			return nil
		}
		return f.vectors[i]
	}
	if o.Column != "" {
		if c := named(o.Column); c != nil {
			return c, nil
		}
		return nil, fmt.Errorf("column %q: wanted lists of floating-point numbers or bytes, there are those in %q: %w",
			o.Column, f.vectorNames(), ErrColumn)
	}
	for _, name := range usual {
		if c := named(name); c != nil {
			return c, nil
		}
	}
	var only *vectorColumn
	for _, c := range f.vectors {
		if c.typ == "" {
			continue
		}
		if only != nil {
			return nil, fmt.Errorf("wanted one column of lists of floating-point numbers, there are %q and %q: %w", only.name, c.name, ErrColumn)
		}
		only = c
	}
	if only == nil {
		return nil, fmt.Errorf("wanted a column of lists of floating-point numbers, the columns are %q: %w", f.names(), ErrColumn)
	}
	return only, nil
}

func (f *File) vectorNames() []string {
	out := make([]string, len(f.vectors))
	for i, c := range f.vectors {
		out[i] = c.name
	}
	return out
}

// Vectors reads a column of vectors from the first row to the last.
type Vectors struct {
	f       *File
	column  *vectorColumn
	size    int // bytes of an element
	dim     int
	groups  groups
	pages   pages
	entries []float32   // numbers of the dictionary of a list
	of      *dictionary // that these were made from
}

// Vectors starts a reader of a column of vectors (ErrColumn where there is
// none, or more than one that it might be). Close releases it.
func (f *File) Vectors(o VectorOptions) (*Vectors, error) {
	c, err := f.vectorColumn(o)
	if err != nil {
		return nil, f.wrap(err)
	}
	v := &Vectors{f: f, column: c, dim: o.Dim}
	switch v.size = 4; {
	case c.typ == "float16" || c.typ == "" && o.Half:
		v.size = 2
	case c.typ == "float64":
		v.size = 8
	}
	if v.dim == 0 {
		if err := guard(v.findDim); err != nil {
			return nil, f.wrap(fmt.Errorf("column %q: %w", c.name, err))
		}
	}
	v.groups = groups{of: f.table.RowGroups()}
	return v, nil
}

// findDim sets the dimension to the length of the first vector.
func (v *Vectors) findDim() error {
	if v.column.fixed > 0 {
		v.dim = v.column.fixed / v.size
		return nil
	}
	v.groups = groups{of: v.f.table.RowGroups()}
	for v.dim == 0 {
		n, err := v.row(nil)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, ErrVector) {
			return err
		}
		v.dim = n
	}
	return nil
}

// Column returns the name of the column.
func (v *Vectors) Column() string { return v.column.name }

// Dim returns the number of elements of a vector, 0 where no row has one.
func (v *Vectors) Dim() int { return v.dim }

// Type returns the type of the elements in the file, such as "float16".
func (v *Vectors) Type() string {
	return map[int]string{2: "float16", 4: "float32", 8: "float64"}[v.size]
}

// Close releases the reader's buffers. The file stays open.
func (v *Vectors) Close() { v.pages, v.entries = pages{}, nil }

// Read fills dst with the len(bad) vectors that come next, one after another,
// and says in bad which rows have no usable one and why (ErrVector), nil for
// the others. Whether the elements are finite is not looked at. It returns
// io.ErrUnexpectedEOF where the file has fewer rows.
func (v *Vectors) Read(dst []float32, bad []error) error {
	err := guard(func() error {
		for i := range bad {
			vector := dst[i*v.dim : (i+1)*v.dim]
			n, err := v.row(vector)
			switch {
			case errors.Is(err, io.EOF):
				return io.ErrUnexpectedEOF
			case err != nil && !errors.Is(err, ErrVector):
				return fmt.Errorf("column %q: %w", v.column.name, err)
			case err == nil && (n != v.dim || n == 0):
				err = fmt.Errorf("wanted %d elements, found %d: %w", v.dim, n, ErrVector)
			}
			bad[i] = err
		}
		return nil
	})
	if err != nil {
		return v.f.wrap(err)
	}
	return nil
}

// row reads the next row into dst as far as there is room, and returns how many
// elements it has. The error is io.EOF behind the last row, and ErrVector for a
// row whose vector is null or has a null.
func (v *Vectors) row(dst []float32) (int, error) {
	started, err := v.groups.advance()
	if err != nil {
		return 0, err
	}
	if started {
		v.pages = v.f.pages(v.groups.current(), v.column.place)
	}
	p := &v.pages
	if err := p.need(); err != nil {
		return 0, err
	}
	v.groups.left--
	if p.element > 0 {
		return v.list(dst)
	}
	p.level++
	if p.max > 0 && p.definitions[p.level-1] != p.max {
		return 0, fmt.Errorf("the vector is null: %w", ErrVector)
	}
	raw := p.bytes(p.value)
	p.value++
	if len(raw)%v.size != 0 {
		return 0, fmt.Errorf("%d bytes are no multiple of %d: %w", len(raw), v.size, ErrVector)
	}
	n := len(raw) / v.size
	widen(dst[:min(n, len(dst))], raw, v.size)
	return n, nil
}

// list reads the list that starts at the current level. It may go on in the
// next pages.
func (v *Vectors) list(dst []float32) (int, error) {
	p := &v.pages
	if p.repetitions[p.level] != 0 {
		return 0, errWithin
	}
	if d := p.definitions[p.level]; d < p.element {
		p.level++
		if d+1 < p.element {
			return 0, fmt.Errorf("the vector is null: %w", ErrVector)
		}
		return 0, nil
	}
	got, nulls := 0, 0
	for {
		end := p.levels
		if k := bytes.IndexByte(p.repetitions[p.level+1:], 0); k >= 0 {
			end = p.level + 1 + k
		}
		present := bytes.Count(p.definitions[p.level:end], []byte{p.max})
		if got < len(dst) {
			v.numbers(dst[got:min(got+present, len(dst))])
		}
		nulls += end - p.level - present
		got += present
		p.value += present
		p.level = end
		if p.level == p.levels {
			if err := p.next(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return got, err
			}
		}
		if p.repetitions[p.level] == 0 {
			break
		}
	}
	if nulls > 0 {
		return got + nulls, fmt.Errorf("%d elements are null: %w", nulls, ErrVector)
	}
	return got, nil
}

// numbers fills dst with the numbers of a list from the current value on.
func (v *Vectors) numbers(dst []float32) {
	p := &v.pages
	if len(dst) == 0 {
		return
	}
	if !p.indexed {
		convert(dst, p.values, p.value)
		return
	}
	if p.dictionary != v.of {
		v.entries, v.of = make([]float32, p.dictionary.len), p.dictionary
		convert(v.entries, p.dictionary.values, 0)
	}
	for i, k := range p.indexes[p.value : p.value+len(dst)] {
		dst[i] = v.entries[k]
	}
}

// convert fills dst with the numbers of a page from number at on.
func convert(dst []float32, values encoding.Values, at int) {
	switch values.Kind() {
	case encoding.Float:
		copy(dst, values.Float()[at:at+len(dst)])
	case encoding.Double:
		for i, x := range values.Double()[at : at+len(dst)] {
			dst[i] = float32(x)
		}
	case encoding.FixedLenByteArray:
		data, _ := values.FixedLenByteArray()
		half.Float32s(dst, data[2*at:])
	}
}

// bytes returns value number at of a column of bytes.
func (p *pages) bytes(at int) []byte {
	values := p.values
	if p.indexed {
		at, values = int(p.indexes[at]), p.dictionary.values
	}
	if values.Kind() == encoding.FixedLenByteArray {
		data, size := values.FixedLenByteArray()
		return data[at*size : (at+1)*size]
	}
	data, offsets := values.ByteArray()
	return data[offsets[at]:offsets[at+1]]
}

// widen converts little-endian float16 or float32 numbers.
func widen(dst []float32, raw []byte, size int) {
	if size == 2 {
		half.Float32s(dst, raw)
		return
	}
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
}
