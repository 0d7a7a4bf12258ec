package table

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// record is one line of a table, or several where a quoted cell has breaks in it.
type record struct {
	cells []string
	line  int // on which it begins, from 1
}

// empty reports whether no cell has text.
func (r record) empty() bool { return len(trimEmpty(r.cells)) == 0 }

// split returns the records of a text without empty lines, and without empty records
// at its end.
func split(text, path string) ([]record, error) {
	s := scanner{text: text, line: 1}
	s.separator, s.at = separator(text, path)
	if s.at > 0 {
		s.line++
	}
	var records []record
	for s.at < len(s.text) {
		r, err := s.record()
		if err != nil {
			return nil, err
		}
		if len(r.cells) > 1 || r.cells[0] != "" {
			records = append(records, r)
		}
	}
	for len(records) > 0 && records[len(records)-1].empty() {
		records = records[:len(records)-1]
	}
	return records, nil
}

// separator returns what separates cells, and where the first record begins: Excel's
// line "sep=;" says it, else the header, where most of the separators are one kind.
func separator(text, path string) (separator byte, at int) {
	first, rest, broken := strings.Cut(text, "\n")
	first = strings.TrimRight(first, "\r")
	if mark, ok := strings.CutPrefix(strings.ToLower(first), "sep="); ok && len(mark) == 1 && broken {
		return mark[0], len(text) - len(rest)
	}
	header := strings.TrimLeft(text, " \t\r\n")
	if end := strings.IndexAny(header, "\r\n"); end >= 0 {
		header = header[:end]
	}
	candidates := ",;\t"
	separator = ','
	if tabbed(path) {
		candidates, separator = "\t,;", '\t'
	}
	most, quoted := 0, false
	for i := range len(candidates) {
		n := 0
		for _, c := range []byte(header) {
			if c == '"' {
				quoted = !quoted
			}
			if c == candidates[i] && !quoted {
				n++
			}
		}
		quoted = false
		if n > most {
			most, separator = n, candidates[i]
		}
	}
	return separator, 0
}

// scanner reads records.
type scanner struct {
	text      string
	at        int
	line      int
	separator byte
}

// record reads the next record. There is text left.
func (s *scanner) record() (record, error) {
	r := record{line: s.line}
	for {
		cell, err := s.cell()
		if err != nil {
			return r, err
		}
		r.cells = append(r.cells, cell)
		if s.at < len(s.text) && s.text[s.at] == s.separator {
			s.at++
			continue
		}
		s.lineBreak()
		return r, nil
	}
}

// lineBreak goes behind a line break, where there is one.
func (s *scanner) lineBreak() {
	rest := s.text[s.at:]
	switch {
	case rest == "":
		return
	case strings.HasPrefix(rest, "\r\n"):
		s.at++
	}
	s.at++
	s.line++
}

// cell reads a cell up to its separator or line break, and trims it.
func (s *scanner) cell() (string, error) {
	for s.at < len(s.text) && s.padding() > 0 {
		s.at += s.padding()
	}
	if s.at < len(s.text) && s.text[s.at] == '"' {
		cell, end, err := s.quoted()
		if err != nil || end > 0 {
			s.line += strings.Count(s.text[s.at:max(end, s.at)], "\n")
			s.at = max(end, s.at)
			return cell, err
		}
	}
	from := s.at
	for s.at < len(s.text) && !s.ends(s.at) {
		s.at++
	}
	return trim(s.text[from:s.at]), nil
}

// padding returns the bytes of a space before a cell, 0 where there is none.
func (s *scanner) padding() int {
	r, size := utf8.DecodeRuneInString(s.text[s.at:])
	if s.ends(s.at) || !unicode.IsSpace(r) {
		return 0
	}
	return size
}

// ends reports whether a cell ends at a byte.
func (s *scanner) ends(at int) bool {
	c := s.text[at]
	return c == s.separator || c == '\n' || c == '\r'
}

// quoted returns the text of the quoted cell here and where it ends. The end is 0
// where text follows the closing quote: then the quotes are part of the text.
func (s *scanner) quoted() (cell string, end int, err error) {
	var b strings.Builder
	for at := s.at + 1; ; {
		quote := strings.IndexByte(s.text[at:], '"')
		if quote < 0 {
			return "", 0, fmt.Errorf("line %d: a quote is not closed", s.line)
		}
		b.WriteString(s.text[at : at+quote])
		at += quote + 1
		if at < len(s.text) && s.text[at] == '"' {
			b.WriteByte('"')
			at++
			continue
		}
		after := scanner{text: s.text, at: at, separator: s.separator}
		for after.at < len(s.text) && after.padding() > 0 {
			after.at += after.padding()
		}
		if after.at < len(s.text) && !s.ends(after.at) {
			return "", 0, nil
		}
		return trim(b.String()), after.at, nil
	}
}

// trim leaves out white space and byte order marks around a cell.
func trim(cell string) string {
	return strings.TrimFunc(cell, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
}
