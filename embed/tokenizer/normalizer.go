package tokenizer

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// normalizer rewrites text before it is cut into pieces.
type normalizer interface {
	// same tells, quickly, that a text would stay as it is. It may say no.
	same(text []byte) bool
	// appendTo appends the normalized text to dst.
	appendTo(dst, text []byte) []byte
}

// rewrite replaces every span of text.
func (s *scratch) rewrite(n normalizer) {
	same := true
	for _, sp := range s.spans {
		if sp.id == noToken && !n.same(s.text[sp.start:sp.end]) {
			same = false
			break
		}
	}
	if same {
		return
	}
	out := s.spare[:0]
	for i := range s.spans {
		sp := &s.spans[i]
		start := len(out)
		if sp.id == noToken {
			out = n.appendTo(out, s.text[sp.start:sp.end])
		}
		sp.start, sp.end = start, len(out)
	}
	s.text, s.spare = out, s.text
}

func isASCII(text []byte) bool {
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// lowercase is the normalizer Lowercase.
type lowercase struct{}

func (lowercase) same(text []byte) bool {
	for _, c := range text {
		if c >= utf8.RuneSelf || c-'A' < 26 {
			return false
		}
	}
	return true
}

func (lowercase) appendTo(dst, text []byte) []byte { return appendLower(dst, text) }

// replacement is the normalizer Replace: every match becomes content.
type replacement struct {
	pattern *pattern
	content string
}

func (r replacement) same(text []byte) bool {
	_, _, found := r.pattern.find(text, 0)
	return !found
}

func (r replacement) appendTo(dst, text []byte) []byte {
	from := 0
	for {
		start, end, ok := r.pattern.find(text, from)
		if !ok {
			return append(dst, text[from:]...)
		}
		dst = append(append(dst, text[from:start]...), r.content...)
		from = end
	}
}

// strip is the normalizer Strip: no white space at the ends.
type strip struct{ left, right bool }

func (n strip) same(text []byte) bool { return len(n.of(text)) == len(text) }

func (n strip) appendTo(dst, text []byte) []byte { return append(dst, n.of(text)...) }

func (n strip) of(text []byte) []byte {
	if n.left {
		text = bytes.TrimLeftFunc(text, isSpace)
	}
	if n.right {
		text = bytes.TrimRightFunc(text, isSpace)
	}
	return text
}

// mapping is a normalizer that maps each character: to itself, another one, or
// noRune, which removes it. Characters below U+0080 are looked up in low.
type mapping struct {
	low [utf8.RuneSelf]rune
	of  func(rune) rune
}

const noRune = -1

func newMapping(of func(rune) rune) *mapping {
	m := &mapping{of: of}
	for r := range rune(utf8.RuneSelf) {
		m.low[r] = of(r)
	}
	return m
}

func (m *mapping) same(text []byte) bool {
	for _, c := range text {
		if c >= utf8.RuneSelf || m.low[c] != rune(c) {
			return false
		}
	}
	return true
}

func (m *mapping) appendTo(dst, text []byte) []byte {
	for i := 0; i < len(text); {
		r, width := rune(text[i]), 1
		if r < utf8.RuneSelf {
			r = m.low[r]
		} else {
			r, width = utf8.DecodeRune(text[i:])
			r = m.of(r)
		}
		i += width
		if r != noRune {
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

// withoutMarks removes marks: the normalizer StripAccents.
func withoutMarks(r rune) rune {
	if unicode.Is(unicode.M, r) {
		return noRune
	}
	return r
}

// withoutNonspacing removes marks that take no space of their own, as
// BertNormalizer does.
func withoutNonspacing(r rune) rune {
	if unicode.Is(unicode.Mn, r) {
		return noRune
	}
	return r
}

// nmt is the normalizer Nmt: no control characters, and more characters that are
// white space. Source: SentencePiece, builder.cc, BuildNmtNFKCMap.
func nmt(r rune) rune {
	switch {
	case r >= 0x1 && r <= 0x8, r == 0xB, r >= 0xE && r <= 0x1F, r == 0x7F, r == 0x8F, r == 0x9F:
		return noRune
	case r == 0x9, r == 0xA, r == 0xC, r == 0xD, r == 0x1680, r >= 0x200B && r <= 0x200F,
		r == 0x2028, r == 0x2029, r == 0x2581, r == 0xFEFF, r == 0xFFFD:
		return ' '
	}
	return r
}

// bertText cleans text as BERT does: no controls, and one kind of white space.
// Characters for private use and for formats are controls too.
func bertText(r rune) rune {
	switch {
	case r == '\t' || r == '\n' || r == '\r' || isSpace(r) && r > 0x9F:
		return ' '
	case r == 0 || r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
		return noRune
	}
	return r
}

// ideographs are what BERT cuts into single characters. The blocks are
// Hugging Face's, which begin Extension E at U+2B920.
var ideographs = []rune{
	0x3400, 0x4DBF, 0x4E00, 0x9FFF, 0xF900, 0xFAFF, 0x20000, 0x2A6DF, 0x2A700, 0x2B81F, 0x2B920, 0x2CEAF, 0x2F800, 0x2FA1F,
}

// spacedIdeographs is the normalizer that puts a space on both sides of each.
type spacedIdeographs struct{ set *runeSet }

func (n spacedIdeographs) same(text []byte) bool { return isASCII(text) }

func (n spacedIdeographs) appendTo(dst, text []byte) []byte {
	for i := 0; i < len(text); {
		_, width := utf8.DecodeRune(text[i:])
		if n.set.width(text, i) > 0 {
			dst = append(append(append(dst, ' '), text[i:i+width]...), ' ')
		} else {
			dst = append(dst, text[i:i+width]...)
		}
		i += width
	}
	return dst
}
