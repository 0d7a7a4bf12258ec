package qdrant

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"strings"
	"unicode/utf8"

	"engram/index"

	api "github.com/qdrant/go-client/qdrant"
)

// condition is a filter as the server is asked: a condition, or none, where all
// items pass or where nothing does.
//
// The server drops empty filters, so that they cannot say "all" or "nothing".
type condition struct {
	*api.Condition
	none bool // without a condition: nothing passes
}

var (
	all  = condition{}
	none = condition{none: true}
)

// pushed is a translated filter.
type pushed struct {
	condition
	exact bool // or else more than the filter chooses may pass
}

// filter returns what goes into a request.
func (p pushed) filter() *api.Filter {
	if p.Condition == nil {
		return nil
	}
	return &api.Filter{Must: []*api.Condition{p.Condition}}
}

// pushDown translates a filter.
func (s *Store) pushDown(ctx context.Context, f index.Filter) (pushed, error) {
	if f == nil {
		return pushed{all, true}, nil
	}
	if err := f.Check(); err != nil {
		return pushed{}, err
	}
	t := translator{kindOf: s.kindOf, hasWords: func(key string) (bool, error) { return s.hasWords(ctx, key) }}
	c := t.translate(f, true)
	return pushed{c, !t.rough}, t.err
}

// translator turns filters into conditions. Where the server means something
// else, it takes one that chooses more, or, below a Not, one that chooses less.
type translator struct {
	kindOf   func(key string) index.PayloadKind // of a key's index
	hasWords func(key string) (bool, error)
	rough    bool  // whether that was necessary
	err      error // the first one of hasWords
}

// translate returns the condition of a filter, where they differ one that
// chooses more or, without more, less.
func (t *translator) translate(f index.Filter, more bool) condition {
	switch f := f.(type) {
	case index.And:
		return t.and(f, more)
	case index.Or:
		return t.or(f, more)
	case index.Not:
		return not(t.translate(f.Filter, !more))
	case index.Equal:
		return t.equal(f, more)
	case index.In:
		return t.in(f, more)
	case index.Exists:
		return exists(f.Key)
	case index.Range:
		return t.numbers(f, more)
	case index.Text:
		return t.text(f, more)
	}
	return t.anything(more)
}

// anything is the condition of a filter that the server has no idea of.
func (t *translator) anything(more bool) condition {
	t.rough = true
	return condition{none: !more}
}

// anyValue is the condition of a filter of a key's values that the server has no
// idea of.
func (t *translator) anyValue(key string, more bool) condition {
	if !more {
		return t.anything(more)
	}
	t.rough = true
	return exists(key)
}

func (t *translator) and(filters index.And, more bool) condition {
	var must []*api.Condition
	for _, f := range filters {
		c := t.translate(f, more)
		if c == none {
			return none
		}
		if c != all {
			must = append(must, c.Condition)
		}
	}
	return nested(must, &api.Filter{Must: must}, all)
}

func (t *translator) or(filters index.Or, more bool) condition {
	var should []*api.Condition
	for _, f := range filters {
		c := t.translate(f, more)
		if c == all {
			return all
		}
		if c != none {
			should = append(should, c.Condition)
		}
	}
	return nested(should, &api.Filter{Should: should}, none)
}

// nested returns the filter of conditions, the only one of them, or what to
// take without any.
func nested(conditions []*api.Condition, filter *api.Filter, empty condition) condition {
	switch len(conditions) {
	case 0:
		return empty
	case 1:
		return condition{Condition: conditions[0]}
	}
	return condition{Condition: api.NewFilterAsCondition(filter)}
}

func not(c condition) condition {
	if c.Condition == nil {
		return condition{none: !c.none}
	}
	return condition{Condition: api.NewFilterAsCondition(&api.Filter{MustNot: []*api.Condition{c.Condition}})}
}

func exists(key string) condition { return not(condition{Condition: api.NewIsEmpty(path(key))}) }

// equal knows that no text in the collection is not UTF-8.
func (t *translator) equal(f index.Equal, more bool) condition {
	switch value := f.Value.(type) {
	case bool:
		return condition{Condition: api.NewMatchBool(path(f.Key), value)}
	case int64, float64:
		return t.equalNumbers(f.Key, more, value)
	case string:
		if utf8.ValidString(value) {
			return t.texts(f.Key, more, value)
		}
	}
	return none
}

func (t *translator) in(f index.In, more bool) condition {
	var texts []string
	var numbers []any
	for _, value := range f.Values {
		switch value := value.(type) {
		case int64, float64:
			numbers = append(numbers, value)
		case string:
			if utf8.ValidString(value) {
				texts = append(texts, value)
			}
		}
	}
	switch {
	case len(numbers) > 0:
		return t.equalNumbers(f.Key, more, numbers...)
	case len(texts) > 0:
		return t.texts(f.Key, more, texts...)
	}
	return none
}

// texts allows for the server looking for a text in the form of a UUID in indexes:
// an index of numbers never has it, one of UUIDs has it in upper and lower case.
func (t *translator) texts(key string, more bool, wanted ...string) condition {
	switch t.kindOf(key) {
	case index.Integer, index.Number, ranges:
		return t.anyValue(key, more)
	case uuids:
		if !more {
			return t.anything(more)
		}
		t.rough = true
	}
	return condition{Condition: api.NewMatchKeywords(path(key), wanted...)}
}

// equalNumbers allows for the server comparing by type where it compares for
// equality: an int64 with int64s alone, unless there is an index of integers, which
// has float64s without a fraction too. Ranges have both types.
func (t *translator) equalNumbers(key string, more bool, wanted ...any) condition {
	kind := t.kindOf(key)
	t.rough = true
	var whole []int64
	for _, value := range wanted {
		if n, ok := value.(int64); ok {
			whole = append(whole, n)
		}
	}
	switch {
	case kind == ranges:
		return t.anyValue(key, more)
	case !more && (kind == index.Integer || len(whole) == 0):
		return t.anything(more)
	case !more, kind == index.Integer && len(whole) == len(wanted):
		return condition{Condition: api.NewMatchInts(path(key), whole...)}
	}
	return t.or(around(key, wanted), more)
}

// maxRanges bounds the ranges that stand for a list of numbers.
const maxRanges = 32

// around returns ranges that have the wanted numbers: each one its own, or one for
// a long list of them.
func around(key string, wanted []any) index.Or {
	var ranges index.Or
	least, most := math.Inf(1), math.Inf(-1)
	for _, value := range wanted {
		x, ok := value.(float64)
		if n, isInt := value.(int64); isInt {
			x, ok = float64(n), true
		}
		if !ok {
			continue
		}
		least, most = min(least, x), max(most, x)
		ranges = append(ranges, index.Range{Key: key, From: &x, To: &x})
	}
	if len(ranges) > maxRanges {
		return index.Or{index.Range{Key: key, From: &least, To: &most}}
	}
	return ranges
}

// numbers allows for the last bits of a number with a fraction, which the server
// does not keep, and for indexes without such numbers.
func (t *translator) numbers(f index.Range, more bool) condition {
	if t.kindOf(f.Key) == ranges {
		return t.anyValue(f.Key, more)
	}
	t.rough = true
	return condition{Condition: api.NewRange(path(f.Key), &api.Range{
		Gt: moved(f.Above, !more), Gte: moved(f.From, !more), Lt: moved(f.Below, more), Lte: moved(f.To, more),
	})}
}

// moved returns a bound a few floating-point numbers up or down.
func moved(bound *float64, up bool) *float64 {
	if bound == nil {
		return nil
	}
	x, towards := *bound, math.Inf(-1)
	if up {
		towards = math.Inf(1)
	}
	for range 4 {
		x = math.Nextafter(x, towards)
	}
	return &x
}

// text takes any value where the key cannot have an index of words, which has the
// same idea of words as package index.
//
// Words of scripts without spaces it has as whole runs only, so that they choose
// nothing there: any value with the other words may have them.
func (t *translator) text(f index.Text, more bool) condition {
	words, others := f.SplitWords()
	if others {
		if !more || words == "" {
			return t.anyValue(f.Key, more)
		}
		t.rough = true
		f.Words = words
	}
	has, err := t.hasWords(f.Key)
	if err != nil && t.err == nil {
		t.err = err
	}
	if has {
		return condition{Condition: api.NewMatchText(path(f.Key), strings.ToValidUTF8(f.Words, " "))}
	}
	return t.anyValue(f.Key, more)
}

// kindOf returns what the index of a payload key is for, other where it has none.
func (s *Store) kindOf(key string) index.PayloadKind {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.indexed[path(key)]
}

// hasWords reports whether a payload key has an index of words. It makes one
// where the key has none at all and the store may.
func (s *Store) hasWords(ctx context.Context, key string) (bool, error) {
	s.mu.Lock()
	kind, indexed := s.indexed[path(key)]
	s.mu.Unlock()
	if indexed || !utf8.ValidString(key) {
		return kind == index.Words, nil
	}
	err := s.createIndex(ctx, key, index.Words)
	if errors.Is(err, fs.ErrPermission) { // of a key for reading
		s.mu.Lock()
		s.indexed[path(key)] = other
		s.mu.Unlock()
		return false, nil
	}
	return err == nil, err
}
