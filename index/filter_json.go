package index

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Limits of a filter's JSON form, because a search may look at it once per item.
const (
	MaxFilterDepth = 32   // objects and arrays in each other
	MaxFilterSize  = 2000 // JSON values
	MaxFilterWords = 100  // of one text
)

// ParseFilter reads a filter, which passes Check, from its JSON form. That is
// one of
//
//	{"and": [filter, …]}   {"or": [filter, …]}   {"not": filter}
//	{"key": "categories", "equal": "zebra"}         a string, a boolean or a number
//	{"key": "license", "in": [1, 2, 4]}             strings, or numbers
//	{"key": "width", "from": 640, "below": 2000}    also "above" and "to"
//	{"key": "url", "exists": true}                  or false
//	{"key": "captions", "text": "red car"}
//
// Anything else is refused (ErrFilter), such as members that come twice or that
// are not listed here. The error names the place, as in "filter.and[2].equal".
func ParseFilter(text string) (Filter, error) {
	value, err := parseJSON(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrFilter)
	}
	f, err := filterOf("filter", value)
	switch {
	case errors.Is(err, ErrFilter): // Check said so
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", err, ErrFilter)
	}
	return f, nil
}

// parseJSON returns text as objects (map[string]any), arrays ([]any), strings,
// json.Numbers, booleans and nil.
func parseJSON(text string) (any, error) {
	r := jsonReader{tokens: json.NewDecoder(strings.NewReader(text))}
	r.tokens.UseNumber()
	value, err := r.value("filter", 1)
	if err != nil {
		return nil, err
	}
	if _, err := r.tokens.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the filter")
	}
	return value, nil
}

// jsonReader reads JSON token by token, so that it sees members that come twice
// and stops at the limits.
type jsonReader struct {
	tokens *json.Decoder
	size   int
}

func (r *jsonReader) token(at string) (json.Token, error) {
	token, err := r.tokens.Token()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: the JSON ends too early", at)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: byte %d: %w", at, r.tokens.InputOffset(), err)
	}
	return token, nil
}

// value reads the value at a place.
func (r *jsonReader) value(at string, depth int) (any, error) {
	if r.size++; r.size > MaxFilterSize {
		return nil, fmt.Errorf("the filter has more than %d values", MaxFilterSize)
	}
	token, err := r.token(at)
	if err != nil {
		return nil, err
	}
	switch {
	case token != json.Delim('{') && token != json.Delim('['):
		return token, nil
	case depth > MaxFilterDepth:
		return nil, fmt.Errorf("the filter is more than %d objects and arrays deep", MaxFilterDepth)
	case token == json.Delim('{'):
		return r.object(at, depth)
	}
	list := []any{}
	for r.tokens.More() {
		element, err := r.value(fmt.Sprintf("%s[%d]", at, len(list)), depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, element)
	}
	_, err = r.token(at) // the closing bracket
	return list, err
}

func (r *jsonReader) object(at string, depth int) (any, error) {
	object := map[string]any{}
	for r.tokens.More() {
		token, err := r.token(at)
		if err != nil {
			return nil, err
		}
		name := token.(string) // the decoder takes nothing else here
		if _, twice := object[name]; twice {
			return nil, fmt.Errorf("%s has %.40q twice", at, name)
		}
		if object[name], err = r.value(at+"."+name, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := r.token(at) // the closing brace
	return object, err
}

// filterOf makes a filter of the JSON value at a place.
func filterOf(at string, value any) (Filter, error) {
	object, ok := value.(map[string]any)
	if !ok {
		return nil, wanted(at, value, "an object")
	}
	kind, err := kindOf(at, object)
	if err != nil {
		return nil, err
	}
	inside := at + "." + kind
	switch kind {
	case "and":
		parts, err := filtersOf(inside, object[kind])
		return And(parts), err
	case "or":
		parts, err := filtersOf(inside, object[kind])
		return Or(parts), err
	case "not":
		part, err := filterOf(inside, object[kind])
		return Not{part}, err
	}
	key, ok := object["key"].(string)
	if !ok {
		return nil, wanted(at+".key", object["key"], "a string")
	}
	f, err := conditionOf(kind, key, at, object)
	if err != nil {
		return nil, err
	}
	if err := f.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	return f, nil
}

// kinds says for each member of an object which kind of filter it makes.
var kinds = map[string]string{
	"and": "and", "or": "or", "not": "not",
	"equal": "equal", "in": "in", "exists": "exists", "text": "text",
	"above": "range", "from": "range", "below": "range", "to": "range",
}

// kindOf returns the kind of filter that an object is.
func kindOf(at string, object map[string]any) (string, error) {
	found := ""
	_, hasKey := object["key"]
	for _, name := range slices.Sorted(maps.Keys(object)) {
		kind := kinds[name]
		switch {
		case name == "key":
		case kind == "":
			return "", fmt.Errorf("%s has %.40q, wanted key, and, or, not, equal, in, above, from, below, to, exists or text", at, name)
		case found != "" && found != kind:
			return "", fmt.Errorf("%s is both %q and %q, wanted one of them", at, found, kind)
		default:
			found = kind
		}
	}
	logical := found == "and" || found == "or" || found == "not"
	switch {
	case found == "":
		return "", fmt.Errorf("%s has no condition, wanted and, or, not, or a key with equal, in, above, from, below, to, exists or text", at)
	case logical && hasKey:
		return "", fmt.Errorf("%s has a key, which %q has not", at, found)
	case !logical && !hasKey:
		return "", fmt.Errorf("%s has no key for its condition", at)
	}
	return found, nil
}

func filtersOf(at string, value any) ([]Filter, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, wanted(at, value, "an array of filters")
	}
	filters := make([]Filter, len(list))
	for i, element := range list {
		var err error
		if filters[i], err = filterOf(fmt.Sprintf("%s[%d]", at, i), element); err != nil {
			return nil, err
		}
	}
	return filters, nil
}

// conditionOf makes the condition on a key.
func conditionOf(kind, key, at string, object map[string]any) (Filter, error) {
	value, inside := object[kind], at+"."+kind
	switch kind {
	case "equal":
		v, err := scalarOf(inside, value)
		return Equal{key, v}, err
	case "in":
		list, ok := value.([]any)
		if !ok {
			return nil, wanted(inside, value, "an array of strings or numbers")
		}
		values := make([]any, len(list))
		for i, element := range list {
			var err error
			if values[i], err = scalarOf(fmt.Sprintf("%s[%d]", inside, i), element); err != nil {
				return nil, err
			}
		}
		return In{key, values}, nil
	case "exists":
		exists, ok := value.(bool)
		if !ok {
			return nil, wanted(inside, value, "true or false")
		}
		if !exists {
			return Not{Exists{key}}, nil
		}
		return Exists{key}, nil
	case "text":
		text, ok := value.(string)
		if !ok {
			return nil, wanted(inside, value, "a string")
		}
		n := 0
		for range WordsOf(text) {
			if n++; n > MaxFilterWords {
				return nil, fmt.Errorf("%s has more than %d words", inside, MaxFilterWords)
			}
		}
		return Text{key, text}, nil
	}
	r := Range{Key: key}
	var errs [4]error
	r.Above, errs[0] = boundOf("above", at, object)
	r.From, errs[1] = boundOf("from", at, object)
	r.Below, errs[2] = boundOf("below", at, object)
	r.To, errs[3] = boundOf("to", at, object)
	return r, cmp.Or(errs[:]...)
}

// boundOf returns the bound of a range, nil where the object has none.
func boundOf(name, at string, object map[string]any) (*float64, error) {
	value, there := object[name]
	if !there {
		return nil, nil
	}
	if number, ok := value.(json.Number); ok {
		if x, err := number.Float64(); err == nil {
			return &x, nil
		}
	}
	return nil, wanted(at+"."+name, value, "a number that fits a float64")
}

// scalarOf returns a string, a bool, an int64, or a float64 for a number with a
// fraction or an exponent that is no int64.
func scalarOf(at string, value any) (any, error) {
	const want = "a string, a boolean or a number, a whole one of 64 bits"
	switch value := value.(type) {
	case string, bool:
		return value, nil
	case json.Number:
		if n, err := strconv.ParseInt(value.String(), 10, 64); err == nil {
			return n, nil
		}
		x, err := value.Float64()
		switch fraction := strings.ContainsAny(value.String(), ".eE"); {
		case err != nil || !fraction: // it would be rounded
		case sameNumber(int64(x), x):
			return int64(x), nil
		default:
			return x, nil
		}
	}
	return nil, wanted(at, value, want)
}

// wanted says that the value at a place is of no use.
func wanted(at string, value any, want string) error {
	found := "an object"
	switch value := value.(type) {
	case nil:
		found = "null"
	case bool:
		found = strconv.FormatBool(value)
	case json.Number:
		found = fmt.Sprintf("%.40s", value)
	case string:
		found = "a string"
	case []any:
		found = "an array"
	}
	return fmt.Errorf("%s is %s, wanted %s", at, found, want)
}
