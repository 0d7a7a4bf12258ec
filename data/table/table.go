package table

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"engram/data/gzipstream"
	"engram/data/text"
)

// maxBytes bounds a table: 30,000 trials take a few megabytes.
const maxBytes = 256 << 20

// Table is the content of a file with named columns.
type Table struct {
	Path    string
	Columns []string // trimmed, in the order of the file
	rows    []record
}

// Column is one column of a table.
type Column struct {
	Name   string
	Values []string // trimmed, one for each row
	Lines  []int    // of the file, from 1, on which the rows begin
}

// Read reads the table in a file, which may be gzipped.
func Read(path string) (*Table, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	buffered := bufio.NewReader(file)
	var plain io.Reader = buffered
	if front, _ := buffered.Peek(2); gzipstream.Is(front) { // an error comes again below
		if plain, err = gzipstream.NewReader(buffered); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	content, err := io.ReadAll(io.LimitReader(plain, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(content) > maxBytes {
		return nil, fmt.Errorf("%s: wanted a table of at most %d MiB", path, maxBytes>>20)
	}
	return Parse(path, content)
}

// Parse reads a table. The ending of path tells a table of tabs, as far as its
// header leaves it open, and errors begin with path.
func Parse(path string, content []byte) (*Table, error) {
	t, err := parse(path, content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

func parse(path string, content []byte) (*Table, error) {
	if bytes.HasPrefix(content, []byte("PK\x03\x04")) {
		return nil, fmt.Errorf("wanted a table of text, found a workbook or zip file (save the sheet as CSV)")
	}
	plain, err := text.Decode(content)
	if err != nil {
		return nil, err
	}
	records, err := split(plain, path)
	if err != nil {
		return nil, err
	}
	if len(records) == 0 {
		return nil, fmt.Errorf("wanted a header, found no text")
	}
	t := &Table{Path: path, Columns: trimEmpty(records[0].cells), rows: records[1:]}
	for i, row := range t.rows {
		if len(row.cells) > len(t.Columns) {
			row.cells = append(row.cells[:len(t.Columns):len(t.Columns)], trimEmpty(row.cells[len(t.Columns):])...)
		}
		if len(row.cells) != len(t.Columns) {
			return nil, fmt.Errorf("line %d: wrong number of fields: %d, the header has %d", row.line, len(row.cells), len(t.Columns))
		}
		t.rows[i] = row
	}
	return t, nil
}

// trimEmpty leaves out empty cells at the end.
func trimEmpty(cells []string) []string {
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	return cells
}

// Column returns the column of a name. Where none has it, upper and lower case do
// not matter.
func (t *Table) Column(name string) (Column, error) {
	same := func(column string) bool { return column == name }
	if !slices.ContainsFunc(t.Columns, same) {
		same = func(column string) bool { return strings.EqualFold(column, name) }
	}
	at := slices.IndexFunc(t.Columns, same)
	if at < 0 {
		return Column{}, fmt.Errorf("%s has no column %q, it has %s", t.Path, name, strings.Join(t.Columns, ", "))
	}
	if slices.ContainsFunc(t.Columns[at+1:], same) {
		return Column{}, fmt.Errorf("%s has several columns %q: %s", t.Path, name, strings.Join(t.Columns, ", "))
	}
	c := Column{Name: t.Columns[at]}
	for _, row := range t.rows {
		c.Values, c.Lines = append(c.Values, row.cells[at]), append(c.Lines, row.line)
	}
	return c, nil
}

// Missing reports whether a cell says that there is no value: it is empty, or n/a
// as in BIDS.
func Missing(cell string) bool { return cell == "" || strings.EqualFold(cell, "n/a") }

// tabbed reports whether the ending of a file promises tabs.
func tabbed(path string) bool {
	ending := filepath.Ext(strings.TrimSuffix(strings.ToLower(path), ".gz"))
	return ending == ".tsv" || ending == ".tab"
}
