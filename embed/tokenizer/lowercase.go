package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// appendLower appends text in lower case, character by character: Unicode's full
// mapping without its rules for context. It differs from unicode.ToLower in one
// character, U+0130 (İ), whose lower case is an i and a dot above.
func appendLower(dst, text []byte) []byte {
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if c-'A' < 26 {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, width := utf8.DecodeRune(text[i:])
		i += width
		if r == 'İ' {
			dst = append(dst, "i\u0307"...)
			continue
		}
		dst = utf8.AppendRune(dst, unicode.ToLower(r))
	}
	return dst
}
