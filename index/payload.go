package index

import (
	"encoding/json"
	"math"
)

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
