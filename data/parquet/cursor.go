package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// errWithin reports a list that no row starts.
var errWithin = fmt.Errorf("the row group starts within a list: %w", ErrCorrupt)

// cursor reads one column of one row group, page by page.
type cursor struct {
	column *column
	pages
	entries []any       // of the dictionary, as payload values
	of      *dictionary // that entries were made from
}

// read fills dst with the values of the rows that come next.
func (c *cursor) read(dst []any) error {
	if c.element > 0 {
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
	if c.max > 0 {
		definitions = c.definitions[c.level : c.level+len(dst)]
		present = bytes.Count(definitions, []byte{c.max})
	}
	c.decode(dst[:present])
	c.level += len(dst)
	for i := len(dst) - 1; present <= i; i-- {
		dst[i] = nil
		if definitions[i] == c.max {
			present--
			dst[i] = dst[present]
		}
	}
}

// decode fills dst with the values of the current page that come next.
func (c *cursor) decode(dst []any) {
	at := c.value
	c.value += len(dst)
	if len(dst) == 0 {
		return
	}
	if !c.indexed {
		c.column.scalar.decode(dst, c.values, at)
		return
	}
	if c.dictionary != c.of {
		c.entries, c.of = make([]any, c.dictionary.len), c.dictionary
		c.column.scalar.decode(c.entries, c.dictionary.values, 0)
	}
	for i, k := range c.indexes[at : at+len(dst)] {
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
		case d+1 < c.element:
			c.level++
			return nil, nil
		case d == c.max:
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
