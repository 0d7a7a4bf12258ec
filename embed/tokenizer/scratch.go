package tokenizer

import (
	"unicode/utf8"
)

// Encode reads a long text by parts: firstPart bytes, and nextPart times as many
// as long as the context is not full.
const (
	firstPart = 8 << 10
	nextPart  = 16
)

// maxWord is the number of bytes after which a word without white space is cut.
const maxWord = 64 << 10

// span is a part of the text of a scratch: a piece of text, or an added token.
type span struct {
	start, end int
	id         int32 // of an added token; noToken for text
	first      bool  // it begins where the text begins
}

const noToken = -1

// scratch is what one call of Encode works with. Its text is replaced by every
// stage that rewrites it; its spans, in order, are what is left of it.
type scratch struct {
	text, spare []byte // the spare one is what a stage writes to
	spans, next []span
	matches     []match
	ids         []int64
	room        int // ids that the context has room for
	bpe         merging
	lattice     lattice
	key         []byte
}

// reset begins a text.
func (s *scratch) reset(text string) {
	s.text = appendValid(s.text[:0], text)
	s.ids = s.ids[:0]
	s.spans = append(s.spans[:0], span{0, len(s.text), noToken, true})
}

// appendValid appends text with U+FFFD for each byte that is not UTF-8.
func appendValid(dst []byte, text string) []byte {
	if utf8.ValidString(text) {
		return append(dst, text...)
	}
	for _, r := range text {
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// emit appends to s.next the part start…end of a span of text, unless it is empty.
func (s *scratch) emit(of span, start, end int) {
	if start < end {
		s.next = append(s.next, span{start, end, noToken, of.first && start == of.start})
	}
}

// cutText returns the beginning of text, about limit bytes of it: up to white
// space that follows something else, so that the words before it have the ids
// that they have in the whole text.
func cutText(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for i := limit; i < min(len(text), limit+maxWord); i++ {
		if isSpaceByte(text[i]) && !isSpaceByte(text[i-1]) {
			return text[:i]
		}
	}
	end := min(len(text), limit+maxWord)
	for end < len(text) && end > limit && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

func isSpaceByte(b byte) bool { return b == ' ' || b-'\t' < 5 }
