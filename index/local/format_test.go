package local

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/space"
	"engram/index"
)

// testdata/v1 is an index in format 1. It is never written again: every later
// version must open it and find these items.
func TestAnIndexInFormat1Opens(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "v1")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "v1"))); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, dir)
	defer mustClose(t, s)
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	info, err := s.Info(t.Context())
	wantInfo := index.Info{Engine: "local", Dim: 3, Count: 4, Space: space.Space{Name: "example 1", Fingerprint: "0123456789abcdef"}}
	if err != nil || info != wantInfo {
		t.Errorf("info %+v, error %v; want %+v", info, err, wantInfo)
	}
	var got []index.Item
	for item, err := range s.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, item)
	}
	if diff := cmp.Diff(format1Items, got); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	hits, err := s.Search(t.Context(), index.Query{Vector: []float32{0, 0, 1}, K: 2})
	want := []index.Hit{{ID: 40, Score: 1}, {ID: math.MaxUint64, Score: 0.8}}
	if diff := cmp.Diff(want, hits); diff != "" || err != nil {
		t.Errorf("hits (-want +got), error %v:\n%s", err, diff)
	}
}

// format1Items are the items of testdata/v1, in two segments; item 30 was
// deleted after it was written, item 10 replaced.
var format1Items = []index.Item{
	{ID: 10, Vector: []float32{0, 1, 0}, Payload: index.Payload{"path": "boat.jpg", "version": int64(2)}},
	{ID: 20, Vector: []float32{0.6, 0.8, 0}},
	{ID: 40, Vector: []float32{0, 0, 1}, Payload: index.Payload{
		"caption": []string{"a zebra", "zwei Zebras, ü"}, "crowd": false, "seen": true, "nothing": nil,
		"id": int64(-1 << 62), "area": 0.1,
	}},
	{ID: math.MaxUint64, Vector: []float32{0, 0.6, 0.8}, Payload: index.Payload{}},
}
