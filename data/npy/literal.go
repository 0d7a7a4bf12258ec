package npy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// literal parses the few Python literals that a header is made of. The first
// error sticks; the methods after it return zero values.
type literal struct {
	rest string
	err  error
}

// fail keeps the first error.
func (p *literal) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// peek skips spaces and returns the next byte, or 0 at the end.
func (p *literal) peek() byte {
	p.rest = strings.TrimLeft(p.rest, " ")
	if p.err != nil || p.rest == "" {
		return 0
	}
	return p.rest[0]
}

// accept consumes c if it comes next.
func (p *literal) accept(c byte) bool {
	if p.peek() != c || p.err != nil || p.rest == "" {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// expect consumes c, which must come next.
func (p *literal) expect(c byte) {
	if !p.accept(c) {
		p.fail("wanted %q, found %s", c, p.found())
	}
}

// found describes what comes next.
func (p *literal) found() string {
	if p.peek() == 0 {
		return "the end"
	}
	return excerpt(p.rest)
}

// quoted reads a string in single or double quotes. Escapes do not occur in
// what NumPy writes for the types that are read here.
func (p *literal) quoted() string {
	quote := p.peek()
	if quote != '\'' && quote != '"' {
		p.fail("wanted a string, found %s", p.found())
		return ""
	}
	text, rest, closed := strings.Cut(p.rest[1:], string(quote))
	if !closed || strings.ContainsAny(text, "\\\n") {
		p.fail("wanted a plain string, found %s", p.found())
		return ""
	}
	p.rest = rest
	return text
}

// boolean reads True or False.
func (p *literal) boolean() bool {
	p.peek()
	for _, value := range []string{"True", "False"} {
		if rest, ok := strings.CutPrefix(p.rest, value); ok {
			p.rest = rest
			return value == "True"
		}
	}
	p.fail("wanted True or False, found %s", p.found())
	return false
}

// shape reads a tuple of lengths, such as (), (3,) or (3, 4). Python 2 wrote
// long integers with an L after them.
func (p *literal) shape() []int {
	shape := []int{}
	p.expect('(')
	comma := true
	for p.err == nil && !p.accept(')') {
		if !comma {
			p.fail("wanted , or ), found %s", p.found())
			break
		}
		if len(shape) == maxRank {
			p.fail("shape has more than %d axes", maxRank)
			break
		}
		shape = append(shape, p.length())
		comma = p.accept(',')
	}
	if p.err == nil && len(shape) == 1 && !comma {
		p.fail("wanted a tuple as shape, found (%d)", shape[0])
	}
	return shape
}

// length reads one axis of a shape.
func (p *literal) length() int {
	p.peek()
	digits := len(p.rest) - len(strings.TrimLeft(p.rest, "0123456789"))
	n, err := strconv.Atoi(p.rest[:digits])
	switch {
	case errors.Is(err, strconv.ErrRange):
		p.fail("axis %s is larger than any memory", excerpt(p.rest[:digits]))
	case err != nil:
		p.fail("wanted the length of an axis, found %s", p.found())
	}
	p.rest = strings.TrimPrefix(p.rest[digits:], "L")
	return n
}

// descr reads the type of the elements.
func (p *literal) descr() dtype {
	if p.peek() == '[' {
		p.fail("structured types are not read, wanted one numeric type")
		return dtype{}
	}
	name := p.quoted()
	if p.err != nil {
		return dtype{}
	}
	d, err := parseDtype(name)
	if err != nil {
		p.fail("%w", err)
	}
	return d
}
