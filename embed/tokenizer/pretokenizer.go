package tokenizer

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// preTokenizer cuts the spans of a text into pieces, and may rewrite them.
type preTokenizer interface {
	apply(s *scratch)
}

// behavior says what becomes of the matches of a split.
type behavior uint8

const (
	removed behavior = iota
	isolated
	mergedWithPrevious
	mergedWithNext
	contiguous
)

// finder finds what a split cuts at.
type finder interface {
	find(text []byte, from int) (start, end int, ok bool)
}

// split cuts text at the matches of a finder, or at what is between them.
type split struct {
	finder   finder
	behavior behavior
	invert   bool
}

func (p split) apply(s *scratch) {
	s.next = s.next[:0]
	for _, sp := range s.spans {
		if sp.id != noToken {
			s.next = append(s.next, sp)
			continue
		}
		p.cut(s, sp)
	}
	s.spans, s.next = s.next, s.spans
}

// cut emits the pieces of one span.
func (p split) cut(s *scratch, sp span) {
	text, from := s.text[:sp.end], sp.start
	s.matches = s.matches[:0]
	for from < sp.end {
		start, end, ok := p.finder.find(text, from)
		if !ok {
			start, end = sp.end, sp.end
		}
		if start > from {
			s.matches = append(s.matches, match{from, start, p.invert})
		}
		if end > start {
			s.matches = append(s.matches, match{start, end, !p.invert})
		}
		from = end
	}
	p.emit(s, sp)
}

// emit joins the matches and the text between them as the behavior says.
func (p split) emit(s *scratch, sp span) {
	for i := 0; i < len(s.matches); i++ {
		m := s.matches[i]
		end := m.end
		switch p.behavior {
		case removed:
			if m.is {
				continue
			}
		case contiguous:
			for i+1 < len(s.matches) && s.matches[i+1].is == m.is {
				i++
				end = s.matches[i].end
			}
		case mergedWithPrevious:
			if !m.is && i+1 < len(s.matches) && s.matches[i+1].is {
				i++
				end = s.matches[i].end
			}
		case mergedWithNext:
			if m.is && i+1 < len(s.matches) && !s.matches[i+1].is {
				i++
				end = s.matches[i].end
			}
		}
		s.emit(sp, m.start, end)
	}
}

// classFinder finds single characters, or runs of them.
type classFinder struct {
	is   func(rune) bool
	runs bool
}

func (f classFinder) find(text []byte, from int) (start, end int, ok bool) {
	for i := from; i < len(text); {
		r, width := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, width = utf8.DecodeRune(text[i:])
		}
		switch {
		case f.is(r) && !ok:
			start, ok = i, true
			if !f.runs {
				return i, i + width, true
			}
		case ok && !f.is(r):
			return start, i, true
		}
		i += width
	}
	return start, len(text), ok
}

// isPunctuation tells what BertPreTokenizer and Punctuation cut at.
func isPunctuation(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= '!' && r <= '/' || r >= ':' && r <= '@' || r >= '[' && r <= '`' || r >= '{' && r <= '~'
	}
	return unicode.IsPunct(r)
}

// metaspace writes every space as replacement, and may cut the text before each.
type metaspace struct {
	replacement string
	prefix      prefixScheme
	cut         bool
}

// prefixScheme says which pieces get a replacement before them.
type prefixScheme uint8

const (
	prefixAlways prefixScheme = iota
	prefixNever
	prefixFirst // only at the beginning of the text
)

func (p metaspace) apply(s *scratch) {
	out := s.spare[:0]
	s.next = s.next[:0]
	for _, sp := range s.spans {
		start := len(out)
		if sp.id != noToken {
			s.next = append(s.next, span{start, start, sp.id, false})
			continue
		}
		if sp.start == sp.end {
			continue
		}
		text := s.text[sp.start:sp.end]
		if p.prefix == prefixAlways || p.prefix == prefixFirst && sp.first {
			if text[0] != ' ' && !bytes.HasPrefix(text, []byte(p.replacement)) {
				out = append(out, p.replacement...)
			}
		}
		for _, c := range text {
			if c == ' ' {
				out = append(out, p.replacement...)
			} else {
				out = append(out, c)
			}
		}
		p.emit(s, out, span{start, len(out), noToken, sp.first})
	}
	s.text, s.spare = out, s.text
	s.spans, s.next = s.next, s.spans
}

// emit cuts a piece before each replacement.
func (p metaspace) emit(s *scratch, text []byte, sp span) {
	start := sp.start
	for i := start + 1; p.cut && i < sp.end; i++ {
		if text[i] == p.replacement[0] && string(text[i:min(sp.end, i+len(p.replacement))]) == p.replacement {
			s.emit(sp, start, i)
			start = i
		}
	}
	s.emit(sp, start, sp.end)
}
