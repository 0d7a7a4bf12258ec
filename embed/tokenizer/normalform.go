package tokenizer

import (
	"slices"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// unicodeForm is NFC, NFD, NFKC or NFKD.
type unicodeForm struct{ form norm.Form }

func (u unicodeForm) same(text []byte) bool {
	return isASCII(text) || u.form.IsNormal(text)
}

func (u unicodeForm) appendTo(dst, text []byte) []byte {
	if longMarks(text) {
		return u.appendMarks(dst, text)
	}
	return u.form.Append(dst, text...)
}

// maxMarks is how many marks in a row package norm leaves as they are. It puts
// U+034F between more of them (Unicode Standard Annex 15, Stream-Safe Text
// Format), which the reference does not.
const maxMarks = 30

// longMarks tells whether so many marks may be in a row that package norm would
// change them.
func longMarks(text []byte) bool {
	run := 0
	for i := 0; i < len(text) && len(text)-i+run > maxMarks/2; {
		if text[i] < utf8.RuneSelf {
			i, run = i+1, 0
			continue
		}
		p := norm.NFKD.Properties(text[i:])
		if p.CCC() == 0 && p.LeadCCC() == 0 && p.TrailCCC() == 0 {
			run = 0
		} else if run += len(p.Decomposition())/2 + 1; run > maxMarks {
			return true
		}
		i += max(p.Size(), 1)
	}
	return false
}

// ordered is a character of a decomposed text, with its combining class.
type ordered struct {
	r     rune
	class uint8
}

// appendMarks normalizes after the definition: every character is decomposed,
// marks are sorted by their class, and pairs are composed.
// Source: Unicode Standard, section 3.11.
func (u unicodeForm) appendMarks(dst, text []byte) []byte {
	decompose := norm.NFD
	if u.form == norm.NFKC || u.form == norm.NFKD {
		decompose = norm.NFKD
	}
	var chars []ordered
	for _, r := range string(text) {
		for _, d := range decompose.String(string(r)) {
			chars = append(chars, ordered{d, norm.NFD.PropertiesString(string(d)).CCC()})
		}
	}
	for i := 0; i < len(chars); {
		end := i + 1
		for end < len(chars) && chars[i].class != 0 && chars[end].class != 0 {
			end++
		}
		slices.SortStableFunc(chars[i:end], func(a, b ordered) int { return int(a.class) - int(b.class) })
		i = end
	}
	if u.form == norm.NFC || u.form == norm.NFKC {
		chars = composed(chars)
	}
	for _, c := range chars {
		dst = utf8.AppendRune(dst, c.r)
	}
	return dst
}

// composed joins each mark with the last starter where the two have one character
// and no mark between them has the same class or 0.
func composed(chars []ordered) []ordered {
	out := chars[:0]
	starter := -1
	for _, c := range chars {
		if starter >= 0 && (len(out)-1 == starter || out[len(out)-1].class < c.class) {
			pair := norm.NFC.String(string([]rune{out[starter].r, c.r}))
			if r, width := utf8.DecodeRuneInString(pair); width == len(pair) {
				out[starter].r = r
				continue
			}
		}
		if c.class == 0 {
			starter = len(out)
		}
		out = append(out, c)
	}
	return out
}
