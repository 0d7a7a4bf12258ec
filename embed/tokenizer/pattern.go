package tokenizer

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// pattern is a regular expression of a tokenizer file. Such files are written
// for Oniguruma, which differs from package regexp: \s, \d and \w mean Unicode's
// white space, digits and word characters, and there is lookahead. The first
// alternative that matches wins, as in both. Only single characters may be
// repeated without a limit.
type pattern struct {
	start *node
	first ascii // the characters below U+0080 that a match may begin with
}

// match is a part of a text, and whether a pattern matches it.
type match struct {
	start, end int
	is         bool
}

type nodeKind uint8

const (
	accept nodeKind = iota // the end of the pattern
	one                    // one character of set
	repeat                 // min to max characters of set
	either                 // one of ways
	look                   // what follows is matched by ahead, or is not
)

// node is one step of a pattern; next is the step after it.
type node struct {
	kind     nodeKind
	set      *runeSet
	min, max int // max < 0: no limit
	lazy     bool
	ways     []*node
	firsts   []ascii // what each way may begin with
	ahead    *node
	negative bool
	next     *node
}

const (
	maxRepeat = 16      // how often a group may be repeated: it is copied as often
	maxNodes  = 1 << 12 // of a pattern
	// minSteps limits the work of one try, beside 4 steps for each byte that is
	// left. Where a pattern needs more, because it has many repetitions in a row,
	// there is no match at that place.
	minSteps = 1 << 14
)

// compile reads a regular expression.
func compile(expression string) (*pattern, error) {
	plain, aheads, err := translate(expression)
	if err != nil {
		return nil, err
	}
	tree, err := syntax.Parse(plain, syntax.Perl)
	if err != nil {
		return nil, err
	}
	c := compiler{aheads: aheads}
	start := c.compile(tree, &node{kind: accept})
	if c.err != nil {
		return nil, c.err
	}
	if m := (matcher{steps: minSteps}); m.match(start, 0) >= 0 {
		return nil, errors.New("it matches the empty text")
	}
	return &pattern{start: start, first: start.first()}, nil
}

// mustCompile reads a regular expression that is a constant.
func mustCompile(expression string) *pattern {
	p, err := compile(expression)
	if err != nil {
		panic(err)
	}
	return p
}

// find returns the first match at or after byte from of text; ok is false where
// there is none.
func (p *pattern) find(text []byte, from int) (start, end int, ok bool) {
	m := matcher{text: text}
	for i := from; i < len(text); {
		width := 1
		if c := text[i]; c >= utf8.RuneSelf {
			_, width = utf8.DecodeRune(text[i:])
		} else if !p.first.has(c) {
			i++
			continue
		}
		m.steps = minSteps + 4*(len(text)-i)
		if end := m.match(p.start, i); end >= 0 {
			return i, end, true
		}
		i += width
	}
	return 0, 0, false
}

// matcher is one search.
type matcher struct {
	text  []byte
	steps int // that are left
}

// match returns where the match of n and what follows it ends, if it begins at
// byte i, or -1.
func (m *matcher) match(n *node, i int) int {
	for {
		if m.steps--; m.steps < 0 {
			return -1
		}
		switch n.kind {
		case accept:
			return i
		case one:
			width := n.set.width(m.text, i)
			if width == 0 {
				return -1
			}
			i += width
		case repeat:
			return m.matchRepeat(n, i)
		case either:
			for k, way := range n.ways {
				if i < len(m.text) && m.text[i] < utf8.RuneSelf && !n.firsts[k].has(m.text[i]) {
					continue
				}
				if end := m.match(way, i); end >= 0 {
					return end
				}
			}
			return -1
		case look:
			if m.match(n.ahead, i) >= 0 == n.negative {
				return -1
			}
		}
		n = n.next
	}
}

// matchRepeat tries the longest repetition first, or the shortest if lazy.
func (m *matcher) matchRepeat(n *node, i int) int {
	count := 0
	for n.lazy || n.max < 0 || count < n.max {
		if n.lazy && count >= n.min {
			if end := m.match(n.next, i); end >= 0 {
				return end
			}
			if count == n.max {
				return -1
			}
		}
		width := n.set.width(m.text, i)
		if width == 0 {
			break
		}
		i += width
		count++
		m.steps--
	}
	if n.lazy {
		return -1 // every count was tried
	}
	for ; count >= n.min; count-- {
		if end := m.match(n.next, i); end >= 0 {
			return end
		}
		if count == 0 {
			break
		}
		_, width := utf8.DecodeLastRune(m.text[:i])
		i -= width
	}
	return -1
}

// first returns the characters below U+0080 that a match may begin with.
func (n *node) first() ascii {
	var set ascii
	switch n.kind {
	case accept:
		return ascii{^uint64(0), ^uint64(0)}
	case one:
		return n.set.low
	case repeat:
		set = n.set.low
		if n.min == 0 {
			set.join(n.next.first())
		}
	case either:
		for _, f := range n.firsts {
			set.join(f)
		}
	default:
		return n.next.first()
	}
	return set
}

// compiler turns the tree of package syntax into nodes.
type compiler struct {
	aheads []ahead
	nodes  int
	err    error
}

// compile returns the node of a tree that next follows.
func (c *compiler) compile(re *syntax.Regexp, next *node) *node {
	if c.nodes++; c.nodes > maxNodes && c.err == nil {
		c.err = errors.New("it is too long")
	}
	if c.err != nil {
		return next
	}
	switch re.Op {
	case syntax.OpEmptyMatch:
		return next
	case syntax.OpLiteral:
		for _, r := range slices.Backward(re.Rune) {
			next = c.literal(r, re.Flags&syntax.FoldCase != 0, next)
		}
		return next
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return &node{kind: one, set: single(re), next: next}
	case syntax.OpCapture:
		return c.compile(re.Sub[0], next)
	case syntax.OpConcat:
		for _, sub := range slices.Backward(re.Sub) {
			next = c.compile(sub, next)
		}
		return next
	case syntax.OpAlternate:
		ways := make([]*node, len(re.Sub))
		for i, sub := range re.Sub {
			ways[i] = c.compile(sub, next)
		}
		return branch(ways...)
	case syntax.OpStar:
		return c.repeat(re, 0, -1, next)
	case syntax.OpPlus:
		return c.repeat(re, 1, -1, next)
	case syntax.OpQuest:
		return c.repeat(re, 0, 1, next)
	case syntax.OpRepeat:
		return c.repeat(re, re.Min, re.Max, next)
	}
	c.err = fmt.Errorf("%q in it is not known", re)
	return next
}

func branch(ways ...*node) *node {
	n := &node{kind: either, ways: ways}
	for _, way := range ways {
		n.firsts = append(n.firsts, way.first())
	}
	return n
}

// literal returns the node of one character, or of the lookahead that it marks.
func (c *compiler) literal(r rune, fold bool, next *node) *node {
	if i := int(r - aheadMark); i >= 0 && i < len(c.aheads) {
		inner, err := syntax.Parse(c.aheads[i].expression, syntax.Perl)
		if err != nil {
			c.err = err
			return next
		}
		return &node{kind: look, ahead: c.compile(inner, &node{kind: accept}), negative: c.aheads[i].negative, next: next}
	}
	return &node{kind: one, set: runesOf(r, fold), next: next}
}

func (c *compiler) repeat(re *syntax.Regexp, least, most int, next *node) *node {
	sub, lazy := re.Sub[0], re.Flags&syntax.NonGreedy != 0
	for sub.Op == syntax.OpCapture {
		sub = sub.Sub[0]
	}
	if set := single(sub); set != nil {
		return &node{kind: repeat, set: set, min: least, max: most, lazy: lazy, next: next}
	}
	if most < 0 || most > maxRepeat {
		c.err = fmt.Errorf("%q in it repeats a group more than %d times", re, maxRepeat)
		return next
	}
	for i := most; i > 0; i-- {
		more := c.compile(sub, next)
		switch {
		case i <= least:
			next = more
		case lazy:
			next = branch(next, more)
		default:
			next = branch(more, next)
		}
	}
	return next
}

// single returns the set of a tree that matches one character, else nil.
func single(re *syntax.Regexp) *runeSet {
	switch re.Op {
	case syntax.OpCharClass:
		return newRuneSet(re.Rune)
	case syntax.OpAnyChar:
		return newRuneSet([]rune{0, utf8.MaxRune})
	case syntax.OpAnyCharNotNL:
		return newRuneSet([]rune{0, '\n' - 1, '\n' + 1, utf8.MaxRune})
	case syntax.OpLiteral:
		if len(re.Rune) == 1 && re.Rune[0] < aheadMark {
			return runesOf(re.Rune[0], re.Flags&syntax.FoldCase != 0)
		}
	}
	return nil
}
