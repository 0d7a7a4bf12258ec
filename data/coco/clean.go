package coco

import (
	"bufio"
	"bytes"
	"io"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// decoded returns the text of a file in UTF-8, without the byte order mark with
// which editors on Windows begin it.
func decoded(r io.Reader) io.Reader {
	b := bufio.NewReaderSize(r, 1<<16)
	head, _ := b.Peek(4) // the reader meets the error again
	utf16 := func(order unicode.Endianness) io.Reader {
		return transform.NewReader(b, unicode.UTF16(order, unicode.UseBOM).NewDecoder())
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = b.Discard(3) // they were peeked
	case bytes.HasPrefix(head, []byte("\xff\xfe")), len(head) > 1 && head[0] != 0 && head[1] == 0:
		return utf16(unicode.LittleEndian)
	case bytes.HasPrefix(head, []byte("\xfe\xff")), len(head) > 1 && head[0] == 0 && head[1] != 0:
		return utf16(unicode.BigEndian)
	}
	return b
}

// cleaner reads a text that is nearly JSON, as programs and people write it, and
// makes it JSON:
//
//   - NaN, Infinity, None, True and False of Python become null, true and false,
//   - a comma before a closing bracket is left out,
//   - control characters in strings become spaces.
type cleaner struct {
	r      *bufio.Reader
	quoted bool
	out    []byte // not yet delivered
	comma  []byte // a comma and what white space follows, held back
	err    error
}

func newCleaner(r io.Reader) *cleaner { return &cleaner{r: bufio.NewReaderSize(r, 1<<16)} }

// Read implements io.Reader.
func (c *cleaner) Read(p []byte) (int, error) {
	for len(c.out) < len(p) && c.err == nil {
		c.step()
	}
	n := copy(p, c.out)
	c.out = append(c.out[:0], c.out[n:]...)
	if n == 0 {
		return 0, c.err
	}
	return n, nil
}

// step takes some of the text.
func (c *cleaner) step() {
	b, err := c.r.ReadByte()
	switch {
	case err != nil:
		c.err = err
		c.out, c.comma = append(c.out, c.comma...), nil
	case c.quoted:
		c.inString(b)
	case b == ' ' || b == '\t' || b == '\r' || b == '\n':
		if len(c.comma) == 0 {
			c.out = append(c.out, b)
		}
	case b == ',':
		c.flushComma()
		c.comma = append(c.comma, b)
	case b == ']' || b == '}':
		c.comma = c.comma[:0]
		c.out = append(c.out, b)
	case b == '"':
		c.flushComma()
		c.quoted = true
		c.out = append(c.out, b)
	case b == '-' || 'A' <= b && b <= 'Z':
		c.flushComma()
		c.word(b)
	default:
		c.flushComma()
		c.out = append(c.out, b)
	}
}

func (c *cleaner) flushComma() {
	c.out = append(c.out, c.comma...)
	c.comma = c.comma[:0]
}

// inString takes a byte of a string.
func (c *cleaner) inString(b byte) {
	switch {
	case b == '"':
		c.quoted = false
	case b == '\\':
		c.out = append(c.out, b)
		if b, c.err = c.r.ReadByte(); c.err != nil {
			return
		}
	case b < ' ':
		b = ' '
	}
	c.out = append(c.out, b)
}

// word replaces a word of Python that begins with b.
func (c *cleaner) word(b byte) {
	rest, _ := c.r.Peek(len("Infinity")) // less at the end
	all := string(b) + string(rest)
	for _, known := range []struct{ python, json string }{
		{"NaN", "null"}, {"-NaN", "null"}, {"Infinity", "null"}, {"-Infinity", "null"},
		{"None", "null"}, {"True", "true"}, {"False", "false"},
	} {
		if strings.HasPrefix(all, known.python) {
			_, _ = c.r.Discard(len(known.python) - 1) // they were peeked
			c.out = append(c.out, known.json...)
			return
		}
	}
	c.out = append(c.out, b)
}
