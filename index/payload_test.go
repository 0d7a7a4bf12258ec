package index_test

import (
	"encoding/json"
	"math"
	"testing"

	"engram/index"
)

func TestAPayloadHasAJSONForm(t *testing.T) {
	for want, p := range map[string]index.Payload{
		`{}`: {},
		`{"a":null,"b":null,"c":1.5,"d":9223372036854775807,"e":["x"],"f":true,"g":null,"h":"\u003cü"}`: {
			"a": math.NaN(), "b": math.Inf(-1), "c": 1.5, "d": int64(math.MaxInt64), "e": []string{"x"}, "f": true, "g": nil, "h": "<ü",
		},
	} {
		if got, err := json.Marshal(p); err != nil || string(got) != want {
			t.Errorf("%v is written as %s, error %v, want %s", p, got, err, want)
		}
	}
	if got, err := json.Marshal(index.Payload(nil)); err != nil || string(got) != `null` {
		t.Errorf("no payload is written as %s, error %v, want null", got, err)
	}
}
