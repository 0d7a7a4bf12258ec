package jsonobject_test

import (
	"fmt"
	"strings"
	"testing"

	"engram/data/jsonobject"
)

func TestCheck(t *testing.T) {
	known := []string{"id", "vector"}
	for text, want := range map[string]string{
		`{"id": 1, "vector": [1, 2]}`:        "",
		`{}`:                                 "",
		`{"id": {"id": 1, "id": 2, "x": 3}}`: "",
		`{"id": 1, "id": 1}`:                 `"id" comes twice`,
		`{"id": 1, "\u0069d": 1}`:            `"id" comes twice`,
		`{"ID": 1}`:                          `unknown field "ID", wanted one of id, vector`,
		`{"": 1}`:                            `unknown field ""`,
		`[1]`:                                "",
		`{"id": 1, "id"`:                     `"id" comes twice`,
		`{"id": 1`:                           "",
		`{"id" 1}`:                           "",
		``:                                   "",
	} {
		err := jsonobject.Check([]byte(text), known)
		if want == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
	if err := jsonobject.Check([]byte(`{"any": 1, "Any": 2}`), nil); err != nil {
		t.Errorf("names are not known: %v", err)
	}
	if err := jsonobject.Check([]byte(`{"any": 1, "any": 2}`), nil); err == nil {
		t.Error("a member that comes twice passes")
	}
}

func ExampleCheck() {
	fmt.Println(jsonobject.Check([]byte(`{"id": 7, "payload": {}, "id": 8}`), []string{"id", "payload"}))
	// Output: "id" comes twice
}
