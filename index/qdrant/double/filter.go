package double

import (
	"slices"
	"strings"
	"unicode"

	api "github.com/qdrant/go-client/qdrant"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// matches reports whether a filter or condition chooses a point.
type matches func(id pointID, p *point) bool

// matcher reads a filter of a request: all of must, none of must_not, and one of
// should where there is any. Conditions that are not set are dropped, and an
// empty list of conditions is as none.
func (c *collection) matcher(f *api.Filter) (matches, error) {
	must, err := c.conditions(f.GetMust())
	if err != nil {
		return nil, err
	}
	mustNot, err := c.conditions(f.GetMustNot())
	if err != nil {
		return nil, err
	}
	should, err := c.conditions(f.GetShould())
	if err != nil {
		return nil, err
	}
	if f.GetMinShould() != nil {
		return nil, status.Error(codes.Unimplemented, "min_should")
	}
	return func(id pointID, p *point) bool {
		holds := func(m matches) bool { return m(id, p) }
		fails := func(m matches) bool { return !m(id, p) }
		return !slices.ContainsFunc(must, fails) && !slices.ContainsFunc(mustNot, holds) &&
			(len(should) == 0 || slices.ContainsFunc(should, holds))
	}, nil
}

func (c *collection) conditions(list []*api.Condition) ([]matches, error) {
	var read []matches
	for _, condition := range list {
		m, err := c.condition(condition)
		if err != nil {
			return nil, err
		}
		if m != nil {
			read = append(read, m)
		}
	}
	return read, nil
}

// condition reads a condition, nil for one that is not set.
func (c *collection) condition(condition *api.Condition) (matches, error) {
	switch kind := condition.GetConditionOneOf().(type) {
	case nil:
		return nil, nil
	case *api.Condition_Filter:
		return c.matcher(kind.Filter)
	case *api.Condition_HasId:
		return func(id pointID, _ *point) bool {
			return slices.ContainsFunc(kind.HasId.GetHasId(), func(wanted *api.PointId) bool { return idOf(wanted) == id })
		}, nil
	case *api.Condition_IsEmpty:
		path, err := parsePath(kind.IsEmpty.GetKey())
		return func(_ pointID, p *point) bool { return isEmpty(path.lookup(p.payload)) }, err
	case *api.Condition_Field:
		return c.field(kind.Field)
	default:
		return nil, status.Errorf(codes.Unimplemented, "condition %T", kind)
	}
}

// isEmpty reports whether a value is missing, null or an empty list.
func isEmpty(value *api.Value) bool {
	switch kind := value.GetKind().(type) {
	case nil, *api.Value_NullValue:
		return true
	case *api.Value_ListValue:
		return len(kind.ListValue.GetValues()) == 0
	}
	return false
}

// field reads a condition on the values under a key: it holds where it holds for
// the value, or an element of it.
func (c *collection) field(f *api.FieldCondition) (matches, error) {
	path, err := parsePath(f.GetKey())
	if err != nil {
		return nil, err
	}
	if text, ok := f.GetMatch().GetMatchValue().(*api.Match_Text); ok {
		return c.text(path, text.Text), nil
	}
	var holds func(value *api.Value) bool
	switch {
	case f.GetMatch() != nil:
		kind := c.schema[path.String()].GetDataType()
		if holds = match(f.GetMatch(), kind); holds == nil {
			return nil, status.Errorf(codes.Unimplemented, "match %v", f.GetMatch())
		}
	case f.GetRange() != nil:
		ranged := c.ranged(path)
		holds = func(value *api.Value) bool { return ranged(value) && inRange(value, f.GetRange()) }
	default:
		return nil, status.Errorf(codes.Unimplemented, "field condition %v", f)
	}
	return func(_ pointID, p *point) bool {
		return slices.ContainsFunc(elements(path.lookup(p.payload)), holds)
	}, nil
}

// elements returns the elements of a list, or the value.
func elements(value *api.Value) []*api.Value {
	if list, ok := value.GetKind().(*api.Value_ListValue); ok {
		return list.ListValue.GetValues()
	}
	if value == nil {
		return nil
	}
	return []*api.Value{value}
}

// wholeNumber returns a whole number, also one that was written with a fraction of zero.
func wholeNumber(value *api.Value) (int64, bool) {
	if x, ok := value.GetKind().(*api.Value_DoubleValue); ok {
		return int64(x.DoubleValue), float64(int64(x.DoubleValue)) == x.DoubleValue
	}
	_, ok := value.GetKind().(*api.Value_IntegerValue)
	return value.GetIntegerValue(), ok
}

// ranged returns which values the ranges of a path's index have.
func (c *collection) ranged(path jsonPath) func(value *api.Value) bool {
	schema := c.schema[path.String()]
	params := schema.GetParams().GetIntegerIndexParams()
	switch kind := schema.GetDataType(); {
	case kind == api.PayloadSchemaType_Datetime:
		return func(*api.Value) bool { return false }
	case kind == api.PayloadSchemaType_Integer && (params == nil || params.Range == nil || params.GetRange()):
		return func(value *api.Value) bool { _, ok := wholeNumber(value); return ok }
	}
	return func(*api.Value) bool { return true }
}

// match compares strictly by type, with two exceptions: an index of integers also
// has numbers that were written with a fraction of zero, and a text in the form of
// a UUID is looked for in an index of numbers, and by its value in one of UUIDs.
func match(m *api.Match, indexed api.PayloadSchemaType) func(value *api.Value) bool {
	isText := func(value *api.Value, wanted string) bool {
		_, ok := value.GetKind().(*api.Value_StringValue)
		if isUUID := len(wanted) == 36 && strings.Count(wanted, "-") == 4; isUUID {
			switch indexed {
			case api.PayloadSchemaType_Integer, api.PayloadSchemaType_Float, api.PayloadSchemaType_Datetime:
				return false
			case api.PayloadSchemaType_Uuid:
				return ok && strings.EqualFold(value.GetStringValue(), wanted)
			}
		}
		return ok && value.GetStringValue() == wanted
	}
	whole := func(value *api.Value) (int64, bool) {
		if indexed == api.PayloadSchemaType_Integer {
			return wholeNumber(value)
		}
		_, ok := value.GetKind().(*api.Value_IntegerValue)
		return value.GetIntegerValue(), ok
	}
	switch wanted := m.GetMatchValue().(type) {
	case *api.Match_Keyword:
		return func(value *api.Value) bool { return isText(value, wanted.Keyword) }
	case *api.Match_Keywords:
		return func(value *api.Value) bool {
			return slices.ContainsFunc(wanted.Keywords.GetStrings(), func(text string) bool { return isText(value, text) })
		}
	case *api.Match_Integer:
		return func(value *api.Value) bool { got, ok := whole(value); return ok && got == wanted.Integer }
	case *api.Match_Integers:
		return func(value *api.Value) bool {
			got, ok := whole(value)
			return ok && slices.Contains(wanted.Integers.GetIntegers(), got)
		}
	case *api.Match_Boolean:
		return func(value *api.Value) bool {
			got, ok := value.GetKind().(*api.Value_BoolValue)
			return ok && got.BoolValue == wanted.Boolean
		}
	}
	return nil
}

// inRange compares numbers as float64.
func inRange(value *api.Value, r *api.Range) bool {
	var x float64
	switch kind := value.GetKind().(type) {
	case *api.Value_IntegerValue:
		x = float64(kind.IntegerValue)
	case *api.Value_DoubleValue:
		x = kind.DoubleValue
	default:
		return false
	}
	return (r.Lt == nil || x < r.GetLt()) && (r.Gt == nil || x > r.GetGt()) &&
		(r.Lte == nil || x <= r.GetLte()) && (r.Gte == nil || x >= r.GetGte())
}

// text looks for the words of a query among the words of all texts of the value,
// where the field has an index of words; elsewhere it looks for the query as it
// is in one of the texts.
func (c *collection) text(path jsonPath, query string) matches {
	schema := c.schema[path.String()]
	indexed := schema.GetDataType() == api.PayloadSchemaType_Text && schema.GetParams().GetTextIndexParams().GetTokenizer() == api.TokenizerType_Word
	return func(_ pointID, p *point) bool {
		var have []string
		for _, element := range elements(path.lookup(p.payload)) {
			text, ok := element.GetKind().(*api.Value_StringValue)
			switch {
			case ok && indexed:
				have = append(have, tokens(text.StringValue)...)
			case ok && strings.Contains(text.StringValue, query):
				return true
			}
		}
		wanted := tokens(query)
		return indexed && len(wanted) > 0 && !slices.ContainsFunc(wanted, func(word string) bool { return !slices.Contains(have, word) })
	}
}

// tokens returns the tokens of the tokenizer "word": runs of characters that Unicode has
// as alphabetic or numeric, in full lower case.
func tokens(text string) []string {
	words := strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.N, unicode.Other_Alphabetic)
	})
	for i, word := range words {
		words[i] = cases.Lower(language.Und).String(word)
	}
	return words
}
