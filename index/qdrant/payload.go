package qdrant

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"engram/index"

	api "github.com/qdrant/go-client/qdrant"
)

// notes is the payload key under which types are kept that JSON cannot express;
// the server stores payloads as JSON. It is no key of an index.Payload, because
// those have their % written as %25.
const (
	notes     = "%"
	notesPath = `"%"`
)

// The server's paths quote keys, but have no way to quote the quote.
var (
	escapeKey   = strings.NewReplacer("%", "%25", `"`, "%22", `\`, "%5C")
	unescapeKey = strings.NewReplacer("%25", "%", "%22", `"`, "%5C", `\`)
)

// path is how filters and indexes name a payload key. One that is not UTF-8, as
// none in a collection is, becomes one that is not there either.
func path(key string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-'
	}
	if key != "" && strings.IndexFunc(key, func(r rune) bool { return !plain(r) }) < 0 {
		return key
	}
	return `"` + strings.ToValidUTF8(escapeKey.Replace(key), "%FF") + `"`
}

// keyOf returns the key of a path, or the path where another program has written it.
func keyOf(path string) string {
	if n := len(path); n > 1 && path[0] == '"' && path[n-1] == '"' {
		return unescapeKey.Replace(path[1 : n-1])
	}
	return path
}

// encodePayload returns the payload as the server keeps it. It is never empty:
// to a point in a segment that an optimizer has closed, a server gives the vector
// of an upsert without payload and leaves it the old payload. It refuses values
// of other types and texts that are not UTF-8 (index.ErrPayload).
func encodePayload(p index.Payload) (map[string]*api.Value, error) {
	if p == nil {
		return map[string]*api.Value{notes: api.NewValueNull()}, nil
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	values := make(map[string]*api.Value, len(p))
	floats := map[string]*api.Value{}
	for key, value := range p {
		if !utf8.ValidString(key) {
			return nil, fmt.Errorf("the payload key %q is not UTF-8, which is all that Qdrant keeps: %w", key, index.ErrPayload)
		}
		encoded, err := encodeValue(value)
		if err != nil {
			return nil, fmt.Errorf("payload %q: %w", key, err)
		}
		name := escapeKey.Replace(key)
		values[name] = encoded
		if x, ok := value.(float64); ok && !plainFloat(x) {
			floats[name] = api.NewValueString(strconv.FormatFloat(x, 'x', -1, 64))
		}
	}
	switch {
	case len(p) == 0: // nil has null here
		values[notes] = api.NewValueFromFields(nil)
	case len(floats) > 0:
		values[notes] = api.NewValueFromFields(floats)
	}
	return values, nil
}

func encodeValue(value any) (*api.Value, error) {
	switch value := value.(type) {
	case bool:
		return api.NewValueBool(value), nil
	case int64:
		return api.NewValueInt(value), nil
	case float64:
		return encodeFloat(value), nil
	case string:
		return encodeText(value)
	case []string:
		list := make([]*api.Value, len(value))
		for i, text := range value {
			var err error
			if list[i], err = encodeText(text); err != nil {
				return nil, err
			}
		}
		return api.NewValueFromList(list...), nil
	}
	return api.NewValueNull(), nil
}

func encodeText(text string) (*api.Value, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("%q is not UTF-8, which is all that Qdrant keeps: %w", text, index.ErrPayload)
	}
	return api.NewValueString(text), nil
}

// encodeFloat returns what filters are to see of a number: JSON has no
// infinities, for which the largest numbers stand, and no NaN, which is in no
// range and equal to nothing, as an object is.
func encodeFloat(x float64) *api.Value {
	if math.IsNaN(x) {
		return api.NewValueFromFields(nil)
	}
	return api.NewValueDouble(max(-math.MaxFloat64, min(math.MaxFloat64, x)))
}

// plainFloat reports whether any reader of JSON gets the number back as it was:
// with at most 15 digits and 22 zeros, it takes one exact multiplication or
// division. Of others the server's reader changes the last bit.
func plainFloat(x float64) bool {
	text := strconv.FormatFloat(x, 'e', -1, 64)
	digits, exponent, ok := strings.Cut(strings.TrimPrefix(text, "-"), "e")
	if !ok {
		return false // NaN or infinite
	}
	power, err := strconv.Atoi(exponent)
	fraction := max(0, len(digits)-2)
	return err == nil && fraction < 15 && power-fraction >= -22 && power-fraction <= 22
}

// decodePayload returns the payload that was encoded. Of points that others
// wrote, values of other types are returned as JSON.
func decodePayload(values map[string]*api.Value) index.Payload {
	_, empty := values[notes].GetKind().(*api.Value_NullValue)
	if len(values) == 0 || empty && len(values) == 1 {
		return nil
	}
	p := make(index.Payload, len(values))
	for name, value := range values {
		if name != notes {
			p[unescapeKey.Replace(name)] = decodeValue(value)
		}
	}
	for name, note := range values[notes].GetStructValue().GetFields() {
		if x, err := strconv.ParseFloat(note.GetStringValue(), 64); err == nil {
			p[unescapeKey.Replace(name)] = x
		}
	}
	return p
}

func decodeValue(value *api.Value) any {
	switch kind := value.GetKind().(type) {
	case *api.Value_BoolValue:
		return kind.BoolValue
	case *api.Value_IntegerValue:
		return kind.IntegerValue
	case *api.Value_DoubleValue:
		return kind.DoubleValue
	case *api.Value_StringValue:
		return kind.StringValue
	case *api.Value_ListValue:
		texts := make([]string, len(kind.ListValue.GetValues()))
		for i, element := range kind.ListValue.GetValues() {
			text, ok := element.GetKind().(*api.Value_StringValue)
			if !ok {
				return asJSON(value)
			}
			texts[i] = text.StringValue
		}
		return texts
	case *api.Value_StructValue:
		return asJSON(value)
	}
	return nil
}

// asJSON returns the text of a value that payloads here have no type for.
func asJSON(value *api.Value) string {
	text, err := json.Marshal(generic(value))
	if err != nil { // no value of a server's is beyond JSON
		return err.Error()
	}
	return string(text)
}

func generic(value *api.Value) any {
	switch kind := value.GetKind().(type) {
	case *api.Value_ListValue:
		list := []any{}
		for _, element := range kind.ListValue.GetValues() {
			list = append(list, generic(element))
		}
		return list
	case *api.Value_StructValue:
		fields := map[string]any{}
		for name, field := range kind.StructValue.GetFields() {
			fields[name] = generic(field)
		}
		return fields
	}
	return decodeValue(value)
}
