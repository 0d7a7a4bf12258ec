package tokenizer

import (
	"fmt"
	"regexp/syntax"
	"strings"
)

// The classes of Oniguruma in the syntax of package regexp, without brackets.
// Source: Oniguruma's doc/RE, "Unicode Case".
const (
	// White_Space.
	spaceClass = `\x{9}-\x{D}\x{20}\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}`
	// Alphabetic, Mark, Decimal_Number, Connector_Punctuation; the last ranges are
	// the symbols that are Alphabetic.
	wordClass = `\p{L}\p{Nl}\p{M}\p{Nd}\p{Pc}\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189}`
)

// latinNumbers are in \w too, but not where it stands in brackets.
const latinNumbers = `²³¹¼-¾`

// aheadMark is the first of the characters that stand for lookaheads in a
// translated expression. They are for private use, and an expression that has
// one itself is refused.
const aheadMark = 0x10FF00

// ahead is one lookahead, (?=…) or (?!…).
type ahead struct {
	expression string // translated
	negative   bool
}

// translate turns an expression for Oniguruma into one for package regexp, in
// which marks stand for lookaheads. What means another thing in the two, or is
// not known, is refused.
func translate(expression string) (string, []ahead, error) {
	t := translator{rest: expression}
	var out strings.Builder
	for t.rest != "" && t.err == nil {
		t.step(&out)
	}
	if t.class {
		t.refuse("a class that is not closed")
	}
	return out.String(), t.aheads, t.err
}

type translator struct {
	rest   string
	class  bool // within brackets
	aheads []ahead
	err    error
}

func (t *translator) refuse(what string) {
	if t.err == nil {
		t.err = fmt.Errorf("%s in it is not known", what)
	}
	t.rest = ""
}

// take removes n bytes from the rest and returns them.
func (t *translator) take(n int) string {
	s := t.rest[:n]
	t.rest = t.rest[n:]
	return s
}

func (t *translator) step(out *strings.Builder) {
	rest := t.rest
	switch {
	case rest[0] == '\\':
		t.escape(out)
	case t.class && rest[0] == ']':
		t.class = false
		out.WriteString(t.take(1))
	case t.class && (rest[0] == '[' || strings.HasPrefix(rest, "&&")):
		t.refuse("a class within a class")
	case t.class:
		out.WriteString(t.take(1))
	case rest[0] == '[':
		t.class = true
		n := 1
		if strings.HasPrefix(rest, "[^") {
			n = 2
		}
		if strings.HasPrefix(rest[n:], "]") {
			t.refuse("a class that begins with ]")
			return
		}
		out.WriteString(t.take(n))
	case strings.HasPrefix(rest, "(?=") || strings.HasPrefix(rest, "(?!"):
		t.lookahead(out)
	case strings.HasPrefix(rest, "(?:"):
		out.WriteString(t.take(3))
	case strings.HasPrefix(rest, "(?i:"):
		out.WriteString(t.take(4))
	case strings.HasPrefix(rest, "(?i)"):
		out.WriteString(t.take(4))
	case strings.HasPrefix(rest, "(?"):
		t.refuse(rest[:min(len(rest), 4)])
	default:
		for _, r := range rest[:1] {
			if r == '^' || r == '$' {
				t.refuse(rest[:1])
				return
			}
		}
		if strings.HasPrefix(rest, "\xf4\x8f\xbc") { // U+10FF00 to U+10FF3F
			t.refuse("a character for private use")
			return
		}
		out.WriteString(t.take(1))
	}
}

// escape translates what begins with a backslash.
func (t *translator) escape(out *strings.Builder) {
	if len(t.rest) < 2 {
		t.refuse(`a last \`)
		return
	}
	c := t.rest[1]
	switch c {
	case 's':
		t.put(out, spaceClass)
	case 'S':
		t.put(out, complement(spaceClass))
	case 'd':
		t.put(out, `\p{Nd}`)
	case 'D':
		t.put(out, `\P{Nd}`)
	case 'w':
		t.put(out, t.word())
	case 'W':
		t.put(out, complement(t.word()))
	case 'p', 'P':
		end := strings.IndexByte(t.rest, '}')
		if !strings.HasPrefix(t.rest[2:], "{") || end < 0 {
			t.refuse(t.rest[:2])
			return
		}
		out.WriteString(t.take(end + 1))
	case 't', 'n', 'r', 'f', 'v':
		out.WriteString(t.take(2))
	case 'x', 'u':
		t.codePoint(out)
	default:
		if c < '!' || c > '~' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			t.refuse(t.rest[:2])
			return
		}
		out.WriteString(t.take(2))
	}
}

// word returns the class that \w stands for.
func (t *translator) word() string {
	if t.class {
		return wordClass
	}
	return wordClass + latinNumbers
}

// put writes a class in place of an escape of two bytes.
func (t *translator) put(out *strings.Builder, class string) {
	t.take(2)
	if !t.class {
		class = "[" + class + "]"
	}
	out.WriteString(class)
}

// complement returns the class of all characters that a class has not.
func complement(class string) string {
	re, err := syntax.Parse("[^"+class+"]", syntax.Perl)
	if err != nil {
		panic(err) // it is a constant
	}
	var b strings.Builder
	for i := 0; i < len(re.Rune); i += 2 {
		fmt.Fprintf(&b, `\x{%X}-\x{%X}`, re.Rune[i], re.Rune[i+1])
	}
	return b.String()
}

// codePoint translates \x{H…}, \xHH below 80, and \uHHHH.
func (t *translator) codePoint(out *strings.Builder) {
	digits := t.rest[2:]
	n := 4
	if t.rest[1] == 'x' {
		n = 2
		if strings.HasPrefix(digits, "{") {
			end := strings.IndexByte(digits, '}')
			if end < 0 {
				t.refuse(`\x{`)
				return
			}
			out.WriteString(t.take(end + 3))
			return
		}
	}
	if len(digits) < n || t.rest[1] == 'x' && digits[0] > '7' {
		t.refuse(t.rest[:2])
		return
	}
	out.WriteString(`\x{` + digits[:n] + `}`)
	t.take(2 + n)
}

// lookahead puts a mark in place of (?=…) or (?!…).
func (t *translator) lookahead(out *strings.Builder) {
	depth, class, end := 0, false, -1
	for i := 0; i < len(t.rest) && end < 0; i++ {
		switch c := t.rest[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				end = i
			}
		}
	}
	if end < 0 || len(t.aheads) > 0x3f {
		t.refuse(t.rest[:3])
		return
	}
	whole := t.take(end + 1)
	inner, nested, err := translate(whole[3:end])
	if err != nil || len(nested) > 0 {
		t.refuse(whole)
		return
	}
	out.WriteRune(rune(aheadMark + len(t.aheads)))
	t.aheads = append(t.aheads, ahead{expression: inner, negative: whole[2] == '!'})
}
