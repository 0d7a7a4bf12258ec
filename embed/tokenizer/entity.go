package tokenizer

import (
	"html"
	"strings"
	"unicode/utf8"
)

// unescape replaces HTML's character references. Named ones are as package html
// has them. Numbers are as HTML 5 and Python's html.unescape have them: a number
// that stands for no character is removed, and one digit is enough.
// Source: HTML Living Standard, section 13.2.5.80.
func unescape(text string) string {
	var b strings.Builder
	for {
		start := strings.IndexByte(text, '&')
		if start < 0 {
			break
		}
		b.WriteString(text[:start])
		text = text[start:]
		if n, length := number(text); length > 0 {
			writeNumber(&b, n)
			text = text[length:]
			continue
		}
		end := 1 + len(text[1:]) - len(strings.TrimLeft(text[1:], nameBytes))
		if strings.HasPrefix(text[end:], ";") {
			end++
		}
		b.WriteString(html.UnescapeString(text[:end]))
		text = text[end:]
	}
	b.WriteString(text)
	return b.String()
}

const nameBytes = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// number reads a reference like &#65; or &#x41; and returns its length, or 0.
func number(text string) (n rune, length int) {
	if !strings.HasPrefix(text, "&#") {
		return 0, 0
	}
	base, digits, i := rune(10), nameBytes[:10], 2
	if len(text) > 2 && (text[2] == 'x' || text[2] == 'X') {
		base, digits, i = 16, "0123456789abcdefABCDEF", 3
	}
	start := i
	for ; i < len(text) && strings.IndexByte(digits, text[i]) >= 0; i++ {
		digit := rune(strings.IndexByte(digits, text[i]))
		if digit > 15 {
			digit -= 6 // A to F
		}
		n = min(n*base+digit, utf8.MaxRune+1)
	}
	if i == start {
		return 0, 0
	}
	if i < len(text) && text[i] == ';' {
		i++
	}
	return n, i
}

// writeNumber writes the character of a numeric reference.
func writeNumber(b *strings.Builder, n rune) {
	switch {
	case n >= 0x80 && n <= 0x9F:
		// Windows-1252, which pages mean by these numbers.
		b.WriteString(html.UnescapeString("&#" + string('0'+n/100) + string('0'+n/10%10) + string('0'+n%10) + ";"))
	case n == 0 || n > utf8.MaxRune || n >= 0xD800 && n <= 0xDFFF:
		b.WriteRune(utf8.RuneError)
	case n <= 0x8, n == 0xB, n >= 0xE && n <= 0x1F, n == 0x7F, n >= 0xFDD0 && n <= 0xFDEF, n&0xFFFE == 0xFFFE:
		// no character
	default:
		b.WriteRune(n)
	}
}
