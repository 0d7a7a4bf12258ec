package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	format "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
)

// errWithin reports a list that no row starts.
var errWithin = fmt.Errorf("the row group starts within a list: %w", ErrCorrupt)

// cursor reads one column of one row group, page by page.
type cursor struct {
	column *column
	pages
	entries []any             // values of the dictionary
	of      format.Dictionary // that entries were made from
}

// pages steps through the pages of a column chunk. A page has one level per
// value, null or not, and a value for every level that says so.
type pages struct {
	source      format.Pages // nil after close
	page        format.Page
	values      encoding.Values
	definitions []byte // empty where no value can be null
	repetitions []byte // empty where no value can repeat
	levels      int    // of the page
	level       int    // the next one
	value       int    // the next one
}

// pages starts at the first page of a column in a row group.
func (f *File) pages(group format.RowGroup, at place) pages {
	chunk := group.ColumnChunks()[at.leaf].(*format.FileColumnChunk)
	var file io.ReaderAt = f.file
	if at.element > 0 {
		i := slices.Index(f.table.RowGroups(), group)
		file = withoutEmptyPages(file, &f.table.Metadata().RowGroups[i].Columns[at.leaf].MetaData)
	}
	return pages{source: chunk.PagesFrom(file)}
}

// next loads the next page that has levels. It returns io.EOF behind the last.
func (p *pages) next() error {
	for {
		p.release()
		page, err := p.source.ReadPage()
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return io.EOF
		}
		if err != nil {
			return fmt.Errorf("%w: %w", err, ErrCorrupt)
		}
		p.page, p.values = page, page.Data()
		p.definitions, p.repetitions = page.DefinitionLevels(), page.RepetitionLevels()
		p.levels, p.level, p.value = int(page.NumValues()), 0, 0
		if p.levels > 0 {
			return nil
		}
	}
}

func (p *pages) release() {
	if p.page != nil {
		format.Release(p.page)
		p.page = nil
	}
	p.levels, p.level = 0, 0
}

func (p *pages) close() {
	p.release()
	if p.source != nil {
		p.source.Close()
		p.source = nil
	}
}

// need loads the next page where the current one is finished; rows that the
// row group has must have values.
func (p *pages) need() error {
	if p.level < p.levels {
		return nil
	}
	err := p.next()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the column ends before the row group does: %w", ErrCorrupt)
	}
	return err
}

// read fills dst with the values of the rows that come next.
func (c *cursor) read(dst []any) error {
	if c.column.element > 0 {
		return c.readLists(dst)
	}
	for len(dst) > 0 {
		if err := c.need(); err != nil {
			return err
		}
		n := min(len(dst), c.levels-c.level)
		c.run(dst[:n])
		dst = dst[n:]
	}
	return nil
}

// run fills dst from the current page, nil where a level says that there is no
// value.
func (c *cursor) run(dst []any) {
	present := len(dst)
	var definitions []byte
	if len(c.definitions) > 0 {
		definitions = c.definitions[c.level : c.level+len(dst)]
		present = bytes.Count(definitions, []byte{c.column.max})
	}
	c.decode(dst[:present])
	c.level += len(dst)
	for i := len(dst) - 1; present <= i; i-- {
		dst[i] = nil
		if definitions[i] == c.column.max {
			present--
			dst[i] = dst[present]
		}
	}
}

// decode fills dst with the values of the current page that come next.
func (c *cursor) decode(dst []any) {
	at := c.value
	c.value += len(dst)
	dictionary := c.page.Dictionary()
	if dictionary == nil {
		c.column.scalar.decode(dst, c.values, at)
		return
	}
	if dictionary != c.of {
		c.entries, c.of = make([]any, dictionary.Len()), dictionary
		c.column.scalar.decode(c.entries, dictionary.Page().Data(), 0)
	}
	for i, k := range c.values.Int32()[at : at+len(dst)] {
		dst[i] = c.entries[k]
	}
}

// readLists fills dst with the lists of the rows that come next.
func (c *cursor) readLists(dst []any) error {
	for i := range dst {
		if err := c.need(); err != nil {
			return err
		}
		if c.repetitions[c.level] != 0 {
			return errWithin
		}
		list, err := c.list()
		if err != nil {
			return err
		}
		dst[i] = list
	}
	return nil
}

// list returns the list that starts at the current level, or nil for a null.
// It may go on in the next pages.
func (c *cursor) list() (any, error) {
	list := []string{}
	for {
		switch d := c.definitions[c.level]; {
		case d+1 < c.column.element:
			c.level++
			return nil, nil
		case d == c.column.max:
			var one [1]any
			c.decode(one[:])
			list = append(list, one[0].(string))
		}
		c.level++
		if c.level == c.levels {
			if err := c.next(); errors.Is(err, io.EOF) {
				return list, nil
			} else if err != nil {
				return nil, err
			}
		}
		if c.repetitions[c.level] == 0 {
			return list, nil
		}
	}
}
