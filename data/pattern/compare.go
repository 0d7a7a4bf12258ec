package pattern

import (
	"cmp"
	"strings"
)

// Compare orders names as people count: runs of digits by their value,
// everything else byte by byte, so that 9.tar comes before 10.tar. Names that
// differ only in zeros in front of numbers are ordered by their bytes. It
// returns -1, 0 or 1, and 0 only for equal names.
func Compare(a, b string) int {
	for x, y := a, b; x != "" && y != ""; {
		m, n := digits(x), digits(y)
		var order int
		if m > 0 && n > 0 {
			order = compareNumbers(x[:m], y[:n])
		} else {
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

// digits returns how many digits s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

// compareNumbers compares numbers of any length by their value.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
