package pattern

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Bounds of what a pattern may ask for.
const (
	maxPaths = 1_000_000 // LAION-5B has 585,000 shards
	maxText  = 256 << 20 // bytes of all paths together
	maxDepth = 100       // braces inside braces
)

var (
	// ErrSyntax is a pattern that has no meaning, such as one with a brace that
	// is not closed.
	ErrSyntax = errors.New("bad pattern")
	// ErrTooMany is a pattern that names more than a million paths, or paths
	// that have more than 256 MiB of text.
	ErrTooMany = errors.New("pattern names too many paths")
)

// Expand returns what the braces of a pattern stand for, in the order in which
// they say it: the last brace runs fastest. A pattern without braces stands for
// itself. The errors are ErrSyntax and ErrTooMany.
func Expand(pattern string) ([]string, error) {
	words, err := expand(pattern)
	if err != nil {
		return nil, err
	}
	for i, word := range words {
		words[i] = unescape(word)
	}
	return words, nil
}

// expand is Expand that leaves backslashes where they are.
func expand(pattern string) ([]string, error) {
	p := parser{text: pattern}
	words, err := p.words(0)
	if err == nil && p.at < len(pattern) { // a closing brace stopped it
		err = fmt.Errorf("the brace at byte %d closes nothing: %w", p.at, ErrSyntax)
	}
	if err != nil {
		return nil, fmt.Errorf("pattern: %s: %w", excerpt(pattern), err)
	}
	return words.list, nil
}

// excerpt shortens a pattern for messages.
func excerpt(pattern string) string {
	if len(pattern) > 200 {
		return strconv.Quote(pattern[:200]) + "…"
	}
	return strconv.Quote(pattern)
}

// words is a list of strings that knows how long they are together.
type words struct {
	list []string
	text int
}

func single(s string) words { return words{list: []string{s}, text: len(s)} }

// then returns every word of w followed by every word of v.
func (w words) then(v words) (words, error) {
	n, m := len(w.list), len(v.list)
	if n*m > maxPaths {
		return words{}, fmt.Errorf("%d times %d, at most %d: %w", n, m, maxPaths, ErrTooMany)
	}
	out := words{text: w.text*m + v.text*n}
	if out.text > maxText {
		return words{}, fmt.Errorf("%d bytes of names, at most %d: %w", out.text, maxText, ErrTooMany)
	}
	out.list = make([]string, 0, n*m)
	for _, a := range w.list {
		for _, b := range v.list {
			out.list = append(out.list, a+b)
		}
	}
	return out, nil
}

// or returns the words of w followed by the words of v.
func (w words) or(v words) (words, error) {
	out := words{text: w.text + v.text}
	if n := len(w.list) + len(v.list); n > maxPaths || out.text > maxText {
		return words{}, fmt.Errorf("%d names of %d bytes, at most %d of %d: %w", n, out.text, maxPaths, maxText, ErrTooMany)
	}
	out.list = append(w.list, v.list...)
	return out, nil
}

// parser reads a pattern from left to right.
type parser struct {
	text string
	at   int
}

// words reads a sequence of plain text and braces: to the end of the pattern or
// up to the closing brace or, inside of braces, to the comma that ends it.
func (p *parser) words(depth int) (words, error) {
	out := single("")
	for p.at < len(p.text) {
		var next words
		var err error
		switch c := p.text[p.at]; {
		case c == '}' || c == ',' && depth > 0:
			return out, nil
		case c == '{':
			next, err = p.brace(depth + 1)
		default:
			next = single(p.plain(depth))
		}
		if err == nil {
			out, err = out.then(next)
		}
		if err != nil {
			return words{}, err
		}
	}
	return out, nil
}

// plain reads text without braces.
func (p *parser) plain(depth int) string {
	start := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		if c == '{' || c == '}' || c == ',' && depth > 0 {
			break
		}
		if c == '\\' && p.at+1 < len(p.text) {
			p.at++
		}
		p.at++
	}
	return p.text[start:p.at]
}

// brace reads from an opening brace to the one that closes it.
func (p *parser) brace(depth int) (words, error) {
	start := p.at
	if depth > maxDepth {
		return words{}, fmt.Errorf("more than %d braces inside each other: %w", maxDepth, ErrSyntax)
	}
	var all words
	for alternatives := 1; ; alternatives++ {
		p.at++ // the opening brace or a comma
		next, err := p.words(depth)
		if err == nil {
			all, err = all.or(next)
		}
		switch {
		case err != nil:
			return words{}, err
		case p.at == len(p.text):
			return words{}, fmt.Errorf("the brace at byte %d is not closed: %w", start, ErrSyntax)
		case p.text[p.at] == ',':
			continue
		}
		p.at++ // the closing brace
		if alternatives > 1 {
			return all, nil
		}
		return lone(p.text[start+1:p.at-1], all)
	}
}

// lone is a pair of braces without a comma between: a range or, where it is
// none, its content in braces.
func lone(inside string, content words) (words, error) {
	if m := numbers.FindStringSubmatch(inside); m != nil {
		return numberRange(m[1], m[2], m[3])
	}
	if m := letters.FindStringSubmatch(inside); m != nil {
		return letterRange(m[1][0], m[2][0], m[3])
	}
	out, err := single("{").then(content)
	if err != nil {
		return words{}, err
	}
	return out.then(single("}"))
}

// Ends and step of a range.
var (
	numbers = regexp.MustCompile(`^(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?$`)
	letters = regexp.MustCompile(`^([a-z]|[A-Z])\.\.([a-z]|[A-Z])(?:\.\.(-?\d+))?$`)
)

// unescape removes the backslashes that protect the character after them.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		out.WriteByte(s[i])
	}
	return out.String()
}
