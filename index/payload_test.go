package index_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

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

func TestAPayloadIsReadFromJSON(t *testing.T) {
	for text, want := range map[string]index.Payload{
		"null": nil,
		"{}":   {},
		`{"a": 1, "b": 1.0, "c": 1e3, "d": "x", "e": ["x", "y"], "f": [], "g": true, "h": null, "i": 9223372036854775808}`: {
			"a": int64(1), "b": 1.0, "c": 1000.0, "d": "x", "e": []string{"x", "y"}, "f": []string{}, "g": true, "h": nil, "i": 9223372036854775808.0,
		},
	} {
		got, err := index.ParsePayload([]byte(text))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: error %v (-want +got):\n%s", text, err, diff)
		}
	}
	for _, text := range []string{"", "[]", "3", `{"a": {}}`, `{"a": [1]}`, `{"a": 1e999}`} {
		if got, err := index.ParsePayload([]byte(text)); !errors.Is(err, index.ErrPayload) {
			t.Errorf("%s: %v, error %v, want ErrPayload", text, got, err)
		}
	}
}
