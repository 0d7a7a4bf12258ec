package parquet

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	format "github.com/parquet-go/parquet-go"

	"engram/data/vfs"
)

// ErrPayload says that a row holds a value that a table does not keep, or one of
// another type than the rows before have under the same name.
var ErrPayload = errors.New("unusable payload")

// groupRows is how many rows are held before they are written as a row group.
const groupRows = 1 << 15

// rowColumn is the one column of a table whose rows have no keys.
const rowColumn = "row"

// Writer writes a table of payloads. The columns are the keys of all rows,
// sorted by name; where a row does not have a key the value is null, as it is
// for nil, for a number that is not finite, and in the rows before the key was
// first seen. A key that is nil in every row becomes a column of strings. A
// table of rows without any keys gets a column "row" with their numbers.
//
// The writer holds one row group of 32,768 rows in memory. A key that first comes
// up in a later row group has the file written once more.
type Writer struct {
	fsys   vfs.FS
	path   string
	out    *vfs.PendingFile
	table  *format.GenericWriter[any] // nil before the first row group
	types  map[string]string
	fields []field // of table
	group  []map[string]any
	rows   int
	values []format.Value
}

// field is a column that is written.
type field struct{ name, typ string }

// Create starts a table that will be the file at path, in zstd.
func Create(fsys vfs.FS, path string) (*Writer, error) {
	out, err := vfs.Create(fsys, path)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	return &Writer{fsys: fsys, path: path, out: out, types: map[string]string{}}, nil
}

// Len returns the number of rows.
func (w *Writer) Len() int { return w.rows }

// Write adds a row. It refuses one with a value of a type that is no payload's,
// or of another type than its column's (ErrPayload), and takes none of it. The
// map stays the caller's. After any other error the table is lost: Discard it.
func (w *Writer) Write(row map[string]any) error {
	for name, value := range row {
		typ, ok := typeOf(value)
		switch known := w.types[name]; {
		case !ok || name == "":
			return w.wrap(fmt.Errorf("row %d: value of %q is of type %T, wanted string, bool, int64, float64, []string or nil: %w",
				w.rows, name, value, ErrPayload))
		case typ != "" && known != "" && typ != known:
			return w.wrap(fmt.Errorf("row %d: value of %q is of type %s, the rows before have %s: %w",
				w.rows, name, typ, known, ErrPayload))
		}
	}
	for name, value := range row {
		if typ, _ := typeOf(value); typ != "" || w.types[name] == "" {
			w.types[name] = typ
		}
	}
	w.group = append(w.group, maps.Clone(row))
	w.rows++
	if len(w.group) < groupRows {
		return nil
	}
	return w.flush()
}

func (w *Writer) wrap(err error) error { return fmt.Errorf("parquet: %s: %w", w.path, err) }

// typeOf returns the name of a payload value's type, "" for nil.
func typeOf(value any) (typ string, ok bool) {
	switch value.(type) {
	case nil:
		return "", true
	case string:
		return "string", true
	case bool:
		return "bool", true
	case int64:
		return "int64", true
	case float64:
		return "float64", true
	case []string:
		return "[]string", true
	}
	return "", false
}

// flush writes the rows that are held as one row group.
func (w *Writer) flush() error {
	if w.table == nil || !slices.Equal(w.fields, w.columns()) {
		if err := w.renew(); err != nil {
			return w.wrap(err)
		}
	}
	err := w.put(w.group, w.rows-len(w.group))
	clear(w.group)
	w.group = w.group[:0]
	if err == nil {
		err = w.table.Flush()
	}
	if err != nil {
		return w.wrap(err)
	}
	return nil
}

// columns returns the columns for the keys seen so far.
func (w *Writer) columns() []field {
	var out []field
	for _, name := range slices.Sorted(maps.Keys(w.types)) {
		typ := w.types[name]
		if typ == "" {
			typ = "string"
		}
		out = append(out, field{name, typ})
	}
	if len(out) == 0 {
		out = []field{{rowColumn, "int64"}}
	}
	return out
}

// renew starts the table with the columns that there are now, and with the row
// groups of the one before.
func (w *Writer) renew() error {
	if w.table == nil {
		w.start()
		return nil
	}
	if err := w.table.Close(); err != nil {
		return err
	}
	old := w.out
	before, err := Open(old.Name())
	if err != nil {
		return err
	}
	defer before.Close()
	if w.out, err = vfs.Create(w.fsys, w.path); err != nil {
		w.out = old
		return err
	}
	w.start()
	return errors.Join(w.copy(before), old.Discard())
}

// start begins a table in w.out.
func (w *Writer) start() {
	w.fields = w.columns()
	root := format.Group{}
	for _, f := range w.fields {
		root[f.name] = node(f.typ)
	}
	w.table = format.NewGenericWriter[any](w.out, format.NewSchema("schema", root), format.Compression(&format.Zstd))
}

// node returns the schema of a column.
func node(typ string) format.Node {
	switch typ {
	case "bool":
		return format.Optional(format.Leaf(format.BooleanType))
	case "int64":
		return format.Optional(format.Leaf(format.Int64Type))
	case "float64":
		return format.Optional(format.Leaf(format.DoubleType))
	case "[]string":
		return format.Optional(format.List(format.String()))
	}
	return format.Optional(format.String())
}

// copy writes all rows of a table.
func (w *Writer) copy(from *File) error {
	rows, err := from.Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	block := make([]map[string]any, 1024)
	for done := 0; ; {
		n, err := rows.Read(block)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := w.put(block[:n], done); err != nil {
			return err
		}
		before := done / groupRows
		if done += n; done/groupRows > before {
			if err := w.table.Flush(); err != nil {
				return err
			}
		}
	}
}

// put writes rows; first is the number of rows[0].
func (w *Writer) put(rows []map[string]any, first int) error {
	for i, row := range rows {
		w.values = w.values[:0]
		for k, f := range w.fields {
			value := row[f.name]
			if f.name == rowColumn && len(w.types) == 0 {
				value = int64(first + i)
			}
			w.values = appendValue(w.values, k, value)
		}
		if _, err := w.table.WriteRows([]format.Row{w.values}); err != nil {
			return err
		}
	}
	return nil
}

// appendValue appends the value of column k with its levels: 0 for a null, 1
// for a value or an empty list, 2 for an element of a list.
func appendValue(row []format.Value, k int, value any) []format.Value {
	switch v := value.(type) {
	case string:
		return append(row, textValue(v).Level(0, 1, k))
	case bool:
		return append(row, format.BooleanValue(v).Level(0, 1, k))
	case int64:
		return append(row, format.Int64Value(v).Level(0, 1, k))
	case float64:
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			return append(row, format.DoubleValue(v).Level(0, 1, k))
		}
	case []string:
		if len(v) == 0 {
			return append(row, format.NullValue().Level(0, 1, k))
		}
		for i, s := range v {
			row = append(row, textValue(s).Level(min(i, 1), 2, k))
		}
		return row
	}
	return append(row, format.NullValue().Level(0, 0, k))
}

// textValue returns a string as UTF-8, which the format demands.
func textValue(s string) format.Value {
	return format.ByteArrayValue([]byte(strings.ToValidUTF8(s, "\ufffd")))
}

// Commit writes the last rows and puts the finished file at its path. It ends the
// writer.
func (w *Writer) Commit() error {
	err := w.flush()
	if err == nil {
		err = w.table.Close()
	}
	if err != nil {
		return errors.Join(err, w.Discard())
	}
	if err := w.out.Commit(); err != nil {
		return w.wrap(err)
	}
	return nil
}

// Discard ends the writer and leaves no file.
func (w *Writer) Discard() error { return w.out.Discard() }
