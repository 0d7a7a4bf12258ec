package tokenizer

import "unicode"

// isSpace tells whether r has the property White_Space.
func isSpace(r rune) bool { return unicode.IsSpace(r) }

// isWordRune tells whether r may be in a word: \w of regular expressions.
// Source: Unicode Technical Standard 18, Annex C.
func isWordRune(r rune) bool {
	return unicode.In(r, unicode.L, unicode.Nl, unicode.M, unicode.Nd, unicode.Pc, unicode.Other_Alphabetic, unicode.Join_Control)
}
