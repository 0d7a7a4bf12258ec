package tokenizer

import (
	"slices"
	"unicode/utf8"
)

// addedToken is a text that has an id of its own, whatever the model says.
type addedToken struct {
	id         int32
	text       string
	singleWord bool // no letter, digit or mark may touch it
	lstrip     bool // the white space before it goes with it
	rstrip     bool // the white space after it goes with it
	normalized bool // it is looked for after the normalizers, else before
	special    bool
}

// addedTokens finds tokens in text, the leftmost and longest first.
type addedTokens struct {
	byFirst [256][]addedToken // by first byte, the longest first
}

// newAddedTokens returns nil where there are none. Special tokens are left out:
// where a text spells one, it is plain text.
func newAddedTokens(tokens []addedToken) *addedTokens {
	var a *addedTokens
	for _, t := range tokens {
		if t.special || t.text == "" {
			continue
		}
		if a == nil {
			a = new(addedTokens)
		}
		a.byFirst[t.text[0]] = append(a.byFirst[t.text[0]], t)
	}
	if a != nil {
		for i := range a.byFirst {
			slices.SortStableFunc(a.byFirst[i], func(x, y addedToken) int { return len(y.text) - len(x.text) })
		}
	}
	return a
}

// apply cuts the spans of text at the tokens.
func (a *addedTokens) apply(s *scratch) {
	if a == nil {
		return
	}
	s.next = s.next[:0]
	for _, sp := range s.spans {
		if sp.id != noToken {
			s.next = append(s.next, sp)
			continue
		}
		a.cut(s, sp)
	}
	s.spans, s.next = s.next, s.spans
}

func (a *addedTokens) cut(s *scratch, sp span) {
	text, from := s.text[:sp.end], sp.start
	for i := sp.start; i < sp.end; {
		t := a.at(text[i:])
		if t == nil {
			i++
			continue
		}
		start, end := i, i+len(t.text)
		i = end
		if t.singleWord && (touches(text[sp.start:start], true) || touches(text[end:], false)) {
			continue
		}
		if t.lstrip {
			start = max(from, start-spaceBefore(text[sp.start:start]))
		}
		if t.rstrip {
			end += spaceAfter(text[end:])
		}
		s.emit(sp, from, start)
		s.next = append(s.next, span{start, end, t.id, false})
		from, i = end, max(i, end)
	}
	s.emit(sp, from, sp.end)
}

// at returns the longest token that text begins with, or nil.
func (a *addedTokens) at(text []byte) *addedToken {
	list := a.byFirst[text[0]]
	for i := range list {
		if t := list[i].text; len(t) <= len(text) && string(text[:len(t)]) == t {
			return &list[i]
		}
	}
	return nil
}

// touches tells whether text ends, or else begins, with a character of a word.
func touches(text []byte, atEnd bool) bool {
	if len(text) == 0 {
		return false
	}
	if atEnd {
		r, _ := utf8.DecodeLastRune(text)
		return isWordRune(r)
	}
	r, _ := utf8.DecodeRune(text)
	return isWordRune(r)
}

// spaceBefore returns the length of the white space that ends text.
func spaceBefore(text []byte) int {
	end := len(text)
	for end > 0 {
		r, width := utf8.DecodeLastRune(text[:end])
		if !isSpace(r) {
			break
		}
		end -= width
	}
	return len(text) - end
}

// spaceAfter returns the length of the white space that begins text.
func spaceAfter(text []byte) int {
	n := 0
	for n < len(text) {
		r, width := utf8.DecodeRune(text[n:])
		if !isSpace(r) {
			break
		}
		n += width
	}
	return n
}
