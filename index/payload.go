package index

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// ParsePayload reads a payload from a JSON object: strings, booleans, nulls, lists of
// strings, and numbers, which are int64 where they are written as whole numbers that fit,
// and float64 otherwise. Null is the nil payload. Another value is refused (ErrPayload).
func ParsePayload(text []byte) (Payload, error) {
	var values map[string]any
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	if err := d.Decode(&values); err != nil {
		return nil, fmt.Errorf("%w, wanted a JSON object: %w", err, ErrPayload)
	}
	for key, value := range values {
		switch v := value.(type) {
		case json.Number:
			whole, err := v.Int64()
			if values[key] = whole; err != nil {
				if values[key], err = v.Float64(); err != nil {
					return nil, fmt.Errorf("%.40q is the number %s, which does not fit: %w", key, v, ErrPayload)
				}
			}
		case []any:
			list := make([]string, len(v))
			for i := range v {
				text, ok := v[i].(string)
				if !ok {
					return nil, fmt.Errorf("%.40q has %v in its list, wanted strings: %w", key, v[i], ErrPayload)
				}
				list[i] = text
			}
			values[key] = list
		}
	}
	p := Payload(values)
	return p, p.Check()
}

// MarshalJSON writes the payload as an object, none as null. Numbers that JSON cannot write,
// NaN and the infinities, become null.
func (p Payload) MarshalJSON() ([]byte, error) {
	if p == nil {
		return []byte("null"), nil
	}
	written := make(map[string]any, len(p))
	for key, value := range p {
		if x, ok := value.(float64); ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
			value = nil
		}
		written[key] = value
	}
	return json.Marshal(written)
}
