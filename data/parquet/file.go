package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	format "github.com/parquet-go/parquet-go"
)

var (
	// ErrCorrupt says that the file is not Parquet, is cut short or contradicts
	// itself.
	ErrCorrupt = errors.New("not a sound parquet file")
	// ErrColumn says that the file has no such column, or none of the wanted kind.
	ErrColumn = errors.New("no such column")
)

// readBuffer is how much of a column is read from the file at a time, in bytes.
const readBuffer = 1 << 18

// File is an open Parquet file. Its readers may be used concurrently with each
// other; Close must come after.
type File struct {
	path    string
	file    *os.File
	table   *format.File
	codec   codec
	rows    int
	columns []*column
	dropped []Dropped
	vectors []*vectorColumn
}

// Open opens the file at path and reads its footer. The error wraps ErrCorrupt
// where the file's content is at fault.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	f := &File{path: path, file: file, codec: newCodec()}
	if err := guard(f.readFooter); err != nil {
		file.Close()
		return nil, f.wrap(err)
	}
	return f, nil
}

// wrap says where an error comes from.
func (f *File) wrap(err error) error { return fmt.Errorf("parquet: %s: %w", f.path, err) }

// guard turns a panic of the decoder, which is its answer to some broken files,
// into an error.
func guard(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("decode: %v: %w", p, ErrCorrupt)
		}
	}()
	return do()
}

// readFooter reads schema and row groups and checks that they fit each other.
func (f *File) readFooter() error {
	size, err := f.checkEnd()
	if err != nil {
		return err
	}
	f.table, err = format.OpenFile(f.file, size, format.SkipPageIndex(true),
		format.SkipBloomFilters(true))
	if err != nil {
		return fmt.Errorf("%w: %w", err, ErrCorrupt)
	}
	var rows int64
	for i, group := range f.table.RowGroups() {
		if group.NumRows() < 0 {
			return fmt.Errorf("row group %d has %d rows: %w", i, group.NumRows(), ErrCorrupt)
		}
		rows += group.NumRows()
	}
	if rows != f.table.NumRows() || int64(int(rows)) != rows {
		return fmt.Errorf("the footer says %d rows, the row groups have %d: %w", f.table.NumRows(), rows, ErrCorrupt)
	}
	f.rows = int(rows)
	f.readSchema()
	return nil
}

// checkEnd returns the size of the file after a look at its last eight bytes:
// nothing is allocated for a footer that cannot be there.
func (f *File) checkEnd() (size int64, err error) {
	info, err := f.file.Stat()
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("wanted a file, found %s: %w", info.Mode().Type(), ErrCorrupt)
	}
	size = info.Size()
	var end [8]byte
	if size < int64(len(end))+4 {
		return 0, fmt.Errorf("wanted magic, footer and magic, found %d bytes: %w", size, ErrCorrupt)
	}
	if _, err := f.file.ReadAt(end[:], size-int64(len(end))); err != nil {
		return 0, err
	}
	if magic := string(end[4:]); magic != "PAR1" && magic != "PARE" {
		return 0, fmt.Errorf("wanted PAR1 at the end, found %q: %w", magic, ErrCorrupt)
	}
	if footer := int64(binary.LittleEndian.Uint32(end[:])); footer > size-12 {
		return 0, fmt.Errorf("the footer takes %d bytes, the file has %d: %w", footer, size, ErrCorrupt)
	}
	return size, nil
}

// Len returns the number of rows.
func (f *File) Len() int { return f.rows }

// Columns returns the columns that Rows can read, in the file's order.
func (f *File) Columns() []Column {
	out := make([]Column, len(f.columns))
	for i, c := range f.columns {
		out[i] = c.Column
	}
	return out
}

// Dropped returns the columns that Rows cannot read, in the file's order.
func (f *File) Dropped() []Dropped { return slices.Clone(f.dropped) }

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// Rows reads some columns of a file from the first row to the last.
type Rows struct {
	f       *File
	columns []*column
	groups  groups
	cursors []cursor
	block   []any
}

// groups steps through the row groups of a file.
type groups struct {
	of   []format.RowGroup
	next int // the group that comes next
	left int // rows of the current group that were not read
}

// advance starts the next group with rows where the current one is finished,
// and says whether it did. It returns io.EOF behind the last group.
func (g *groups) advance() (started bool, err error) {
	for g.left == 0 {
		if g.next == len(g.of) {
			return false, io.EOF
		}
		g.left, started = int(g.of[g.next].NumRows()), true
		g.next++
	}
	return started, nil
}

// current is the number of the current group.
func (g *groups) current() int { return g.next - 1 }

// Rows starts a reader of the columns with these names (ErrColumn where one is
// not there), or of all of them without names. Close releases it.
func (f *File) Rows(names ...string) (*Rows, error) {
	r := &Rows{f: f, groups: groups{of: f.table.RowGroups()}}
	if len(names) == 0 {
		r.columns = f.columns
	}
	for _, name := range names {
		i := slices.IndexFunc(f.columns, func(c *column) bool { return c.Name == name })
		if i < 0 {
			return nil, f.wrap(fmt.Errorf("column %q: wanted one of %q: %w", name, f.names(), ErrColumn))
		}
		if c := f.columns[i]; !slices.Contains(r.columns, c) {
			r.columns = append(r.columns, c)
		}
	}
	return r, nil
}

func (f *File) names() []string {
	out := make([]string, len(f.columns))
	for i, c := range f.columns {
		out[i] = c.Name
	}
	return out
}

// Read fills dst from the front with maps of the rows that come next, one entry
// per column, and returns how many there were: fewer than len(dst) only at the
// end, and io.EOF where there are none. Strings of one call share memory.
func (r *Rows) Read(dst []map[string]any) (int, error) {
	n := 0
	err := guard(func() error {
		for n < len(dst) {
			started, err := r.groups.advance()
			if err != nil {
				return err
			}
			if started {
				r.start()
			}
			rows := dst[n:min(n+r.groups.left, len(dst))]
			if err := r.fill(rows); err != nil {
				return err
			}
			r.groups.left -= len(rows)
			n += len(rows)
		}
		return nil
	})
	switch {
	case errors.Is(err, io.EOF) && n > 0:
		return n, nil
	case errors.Is(err, io.EOF):
		return 0, io.EOF
	case err != nil:
		return 0, r.f.wrap(err)
	}
	return n, nil
}

// start goes to the columns of the next group.
func (r *Rows) start() {
	r.cursors = make([]cursor, len(r.columns))
	for i, c := range r.columns {
		r.cursors[i] = cursor{column: c, pages: r.f.pages(r.groups.current(), c.place)}
	}
}

// fill makes the maps of rows of the current group.
func (r *Rows) fill(rows []map[string]any) error {
	for i := range rows {
		rows[i] = make(map[string]any, len(r.columns))
	}
	if cap(r.block) < len(rows) {
		r.block = make([]any, len(rows))
	}
	block := r.block[:len(rows)]
	for i := range r.cursors {
		c := &r.cursors[i]
		if err := c.read(block); err != nil {
			return fmt.Errorf("column %q: %w", c.column.Name, err)
		}
		for k, value := range block {
			rows[k][c.column.Name] = value
		}
	}
	return nil
}

// Close releases the reader's buffers. The file stays open.
func (r *Rows) Close() { r.cursors, r.block = nil, nil }
