package tokenizer

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
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

// The forms of normalized text.
const (
	formNFC  = norm.NFC
	formNFD  = norm.NFD
	formNFKC = norm.NFKC
	formNFKD = norm.NFKD
)

// unicodeForm is NFC, NFD, NFKC or NFKD.
type unicodeForm struct{ form norm.Form }

func (u unicodeForm) same(text []byte) bool {
	return isASCII(text) || u.form.IsNormal(text)
}

func (u unicodeForm) appendTo(dst, text []byte) []byte {
	return u.form.Append(dst, text...)
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
