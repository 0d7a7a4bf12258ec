package pattern

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Compare orders names as people count: runs of digits by their value,
// everything else byte by byte, so that 9.tar comes before 10.tar. Decimal digits
// of every script count, such as ٩ and １０. Names that differ only in zeros in
// front of numbers, or in the script of their digits, are ordered by their bytes.
// It returns -1, 0 or 1, and 0 only for equal names.
func Compare(a, b string) int {
	for x, y := a, b; x != "" && y != ""; {
		p, m := number(x)
		q, n := number(y)
		var order int
		switch {
		case m > 0 && n > 0:
			order = compareNumbers(p, q)
		case m > 0:
			// A digit of any script stands where ASCII's do, so that the order is one.
			order = cmp.Compare('0', y[0])
		case n > 0:
			order = cmp.Compare(x[0], '0')
		default:
			m, n = 1, 1
			order = cmp.Compare(x[0], y[0])
		}
		if order != 0 {
			return order
		}
		if x, y = x[m:], y[n:]; x == "" || y == "" {
			if order := cmp.Compare(len(x), len(y)); order != 0 {
				return order
			}
		}
	}
	return cmp.Compare(a, b)
}

// number returns the run of digits that s begins with, written in ASCII, and the
// bytes of s that it takes.
func number(s string) (ascii string, size int) {
	for size < len(s) && '0' <= s[size] && s[size] <= '9' {
		size++
	}
	if size == len(s) || s[size] < utf8.RuneSelf {
		return s[:size], size
	}
	digits := []byte(s[:size])
	for size < len(s) {
		r, n := utf8.DecodeRuneInString(s[size:])
		value, ok := digit(r)
		if !ok {
			break
		}
		digits = append(digits, '0'+value)
		size += n
	}
	return string(digits), size
}

// digit returns the value of a decimal digit. Unicode (General_Category Nd,
// section 4.6) keeps the ten digits of a script side by side from 0 to 9.
func digit(r rune) (value byte, ok bool) {
	for _, set := range unicode.Nd.R16 {
		if rune(set.Lo) <= r && r <= rune(set.Hi) {
			return byte((r - rune(set.Lo)) % 10), true
		}
	}
	for _, set := range unicode.Nd.R32 {
		if rune(set.Lo) <= r && r <= rune(set.Hi) {
			return byte((r - rune(set.Lo)) % 10), true
		}
	}
	return 0, false
}

// compareNumbers compares numbers of any length by their value.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
