package tokenizer

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// ascii is a set of the characters below U+0080.
type ascii [2]uint64

func (a *ascii) has(c byte) bool { return a[c>>6&1]>>(c&63)&1 != 0 }

func (a *ascii) add(c byte) { a[c>>6&1] |= 1 << (c & 63) }

func (a *ascii) join(b ascii) {
	a[0] |= b[0]
	a[1] |= b[1]
}

// runeSet is a set of characters.
type runeSet struct {
	low    ascii
	ranges []rune // pairs of the first and last, in order, from U+0080 on
}

// newRuneSet makes the set of pairs of first and last characters, in order.
func newRuneSet(pairs []rune) *runeSet {
	s := new(runeSet)
	for i := 0; i < len(pairs); i += 2 {
		lo, hi := pairs[i], pairs[i+1]
		for ; lo <= hi && lo < utf8.RuneSelf; lo++ {
			s.low.add(byte(lo))
		}
		if lo <= hi {
			s.ranges = append(s.ranges, lo, hi)
		}
	}
	return s
}

// runesOf returns the set of one character, with its other cases if fold.
func runesOf(r rune, fold bool) *runeSet {
	all := []rune{r}
	if fold {
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			all = append(all, f)
		}
	}
	slices.Sort(all)
	var pairs []rune
	for _, f := range all {
		pairs = append(pairs, f, f)
	}
	return newRuneSet(pairs)
}

// has tells whether r is in the set.
func (s *runeSet) has(r rune) bool {
	if r < utf8.RuneSelf {
		return s.low.has(byte(r))
	}
	// A binary search for the last range that begins at or before r.
	lo, hi := 0, len(s.ranges)/2
	for lo < hi {
		if mid := (lo + hi) / 2; s.ranges[2*mid] <= r {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo > 0 && r <= s.ranges[2*lo-1]
}

// width returns the length in bytes of the character at byte i of text, or 0
// where it is not in the set or the text ends.
func (s *runeSet) width(text []byte, i int) int {
	if i >= len(text) {
		return 0
	}
	if c := text[i]; c < utf8.RuneSelf {
		if s.low.has(c) {
			return 1
		}
		return 0
	}
	if r, width := utf8.DecodeRune(text[i:]); s.has(r) {
		return width
	}
	return 0
}
