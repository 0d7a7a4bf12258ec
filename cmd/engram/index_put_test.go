package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/index"
	"engram/index/local"

	"github.com/google/go-cmp/cmp"
)

func TestPutAndDelete(t *testing.T) {
	c, dir := newCLI(t), filepath.Join(t.TempDir(), "index")
	store, err := local.Create(dir, local.Options{Dim: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	c.in = `{"id": 1, "vector": [3, 4], "payload": {"n": 1}}
{"id": 1, "payload": {"n": 2, "tags": ["a"]}}

{"id": 18446744073709551615, "vector": [1, 0]}
{"id": 3, "vector": [0, 1]}
{"id": 99, "payload": {}}`
	for _, durability := range []string{"flush", "log", "group", "call"} {
		var w app.Written
		c.json(&w, "index", "put", dir, "--durability", durability)
		if want := (app.Written{Index: dir, Items: 3, Payloads: 1, Count: 3}); w != want {
			t.Errorf("put with durability %s: %+v, want %+v", durability, w, want)
		}
	}
	c.in = "3\n12\n"
	if got := c.must("index", "delete", dir); got != dir+": 0 items put, 0 payloads set, 1 items deleted; it has 2 items\n" {
		t.Errorf("delete prints %q", got)
	}
	store, err = local.OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := store.Get(t.Context(), []index.ID{1, 3, 1<<64 - 1})
	want := []index.Item{
		{ID: 1, Vector: []float32{.6, .8}, Payload: index.Payload{"n": int64(2), "tags": []string{"a"}}},
		{ID: 1<<64 - 1, Vector: []float32{1, 0}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for text, part := range map[string]string{
		`{"vector": [1, 2]}`:                    `line 1: it has no "id"`,
		`{"id": 1}`:                             "neither",
		"\n{\"id\": 1, \"vector\": [1, 2, 3]}":  "line 2: the vector has 3 elements, the index 2",
		`{"id": 1, "vector": [0, 0]}`:           "line 1: every element of the vector is zero",
		`{"id": 1, "vector": [1, null]}`:        "line 1: an element of \"vector\" is null",
		`{"id": 1, "vector": [1, 1e39]}`:        "line 1: \"vector\" is not an array of numbers within float32",
		`{"id": 1, "vector": "1, 2"}`:           "line 1: \"vector\" is not an array of numbers",
		`{"id": 1, "vector": [1, 2`:             "line 1: its JSON object has no end",
		`{"id": 1, "payload": [1]}`:             "line 1: ",
		`{"id": -1, "vector": [1, 2]}`:          "line 1: ",
		`{"id": "x", "vector": [1, 2]}`:         "wanted the id of an item",
		`{"id": 1, "vectr": [1], "payload":{}}`: `"vectr"`,
		`{"id": 1, "payload": {}} {"id": 2}`:    "line 1: ",
		`{"id": 1, "id": 2, "payload": {}}`:     `line 1: "id" comes twice`,
		`{"ID": 1, "payload": {}}`:              `line 1: unknown field "ID", wanted one of id, vector, payload`,
		`{"id": 1, "payload": {"a":1, "a":2}}`:  `line 1: payload: "a" comes twice`,

		`{"id": 1, "vector": null, "payload": null}`: `line 1: it has neither "vector" nor "payload"`,
	} {
		c.in = text
		c.refuse([]string{part}, "index", "put", dir)
	}
	for _, refused := range []string{`{"id": 51}`, `{"id": 51, "vector": [1]}`, `{"id": 51, "vector": [0, 0]}`} {
		c.in = "{\"id\": 50, \"vector\": [1, 1]}\n" + refused
		c.refuse([]string{"line 2: "}, "index", "put", dir)
		c.in = "50\n51"
		if got := c.must("index", "delete", dir); !strings.Contains(got, "1 items deleted") {
			t.Errorf("after the refused line %s, delete prints %q: want the line before it written", refused, got)
		}
	}
	for _, command := range []string{"put", "delete"} {
		c.in = " \t\n\r\n \n\r" // lines of spaces, and a last one without its newline
		if got := c.must("index", command, dir); !strings.Contains(got, "0 items put, 0 payloads set, 0 items deleted") {
			t.Errorf("of empty lines index %s prints %q", command, got)
		}
	}
	for _, text := range []string{"seven", "null", "\"\"", "1.5"} {
		c.in = text
		c.refuse([]string{"line 1", "wanted the id"}, "index", "delete", dir)
	}
	c.in = "{\"id\": \"50\", \"vector\": [1, 1]}\n{\"id\": 0, \"vector\": [1, 1]}"
	c.must("index", "put", dir)
	c.in = "\"50\"\n 0\n"
	if got := c.must("index", "delete", dir); !strings.Contains(got, "2 items deleted") {
		t.Errorf("of ids as strings and between spaces, delete prints %q", got)
	}
	c.refuse([]string{"sometimes", "group"}, "index", "put", dir, "--durability", "sometimes")
}

// A line without a vector replaces the payload of an item in a collection.
func TestPutIntoACollection(t *testing.T) {
	onServers(t, func(t *testing.T, c *cli, collection func(string) string) {
		name := collection("photos")
		c.must("index", "build", writePhotos(t), "--out", name)
		first := func(dir string) index.Item {
			c.must("index", "copy", name, dir)
			store, err := local.OpenReadOnly(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			for item, err := range store.All(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				return item
			}
			t.Fatalf("%s is empty", dir)
			return index.Item{}
		}
		want := first(filepath.Join(t.TempDir(), "before"))
		c.in = fmt.Sprintf(`{"id": %d, "payload": {"caption": "new"}}`, want.ID)
		if got := c.must("index", "put", name); !strings.Contains(got, "0 items put, 1 payloads set") {
			t.Errorf("put prints %q", got)
		}
		want.Payload = index.Payload{"caption": "new"}
		if diff := cmp.Diff(want, first(filepath.Join(t.TempDir(), "after"))); diff != "" {
			t.Errorf("the item (-want +got):\n%s", diff)
		}
	})
}
