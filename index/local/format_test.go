package local

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/space"
	"engram/data/vfs"
	"engram/index"
	"engram/index/internal/bitmap"
)

// testdata/v1 to v4 are an index in format 1 to 4, and v4-fields is one in format 4 with
// indexes of payload keys. They are never written again: every later version must open
// them and find these items and labels.
func TestAnIndexInAnOlderFormatOpens(t *testing.T) {
	for version, labels := range map[string]map[string]string{
		"v1": {},
		"v2": {"build": "a", "origin": `{"root":"/photos","bundle":"/models/ü"}`},
		"v3": {},
		"v4": {}, "v4-fields": {},
	} {
		t.Run(version, func(t *testing.T) {
			s := openCopy(t, version)
			defer mustClose(t, s)
			checkFixture(t, s)
			checkLabels(t, s, labels)
			if version >= "v3" {
				checkFixtureTokens(t, s)
			}
			if version >= "v4" {
				checkIndexed(t, s, 4, 4)
			}
			if version == "v4-fields" {
				checkFixtureFields(t, s)
			}
		})
	}
}

// openCopy opens a copy of an index in testdata.
func openCopy(t *testing.T, version string) *Store {
	t.Helper()
	dir := filepath.Join(t.TempDir(), version)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", version))); err != nil {
		t.Fatal(err)
	}
	return mustOpen(t, dir)
}

func checkLabels(t *testing.T, s *Store, want map[string]string) {
	t.Helper()
	labels, err := s.Labels(t.Context())
	if diff := cmp.Diff(want, labels); diff != "" || err != nil {
		t.Errorf("labels (-want +got), error %v:\n%s", err, diff)
	}
}

// An index in format 1 can have its origin in a file, which the manifest takes
// over.
func TestTheOriginOfFormat1IsALabel(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "v1")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "v1"))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "origin.json")
	if err := os.WriteFile(file, []byte("{\n  \"root\": \"/photos\"\n}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, dir)
	checkLabels(t, s, map[string]string{"origin": "{\n  \"root\": \"/photos\"\n}"})
	if err := s.SetLabel(t.Context(), "build", "a"); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	s = mustOpen(t, dir)
	checkLabels(t, s, map[string]string{"origin": "{\n  \"root\": \"/photos\"\n}", "build": "a"})
	if err := s.SetLabel(t.Context(), "origin", ""); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	s = mustOpen(t, dir)
	defer mustClose(t, s)
	checkLabels(t, s, map[string]string{"build": "a"})
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
	checkFixture(t, s)
}

// A label that cannot be written is not set, and costs no item.
func TestALabelThatFails(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 2)
	put(t, s, 1, 1, 2)
	mustFlush(t, s)
	put(t, s, 2, 3)
	for n := range 4 { // create, write, sync and close
		s.folder.FS = &diskWith{operations: n}
		if err := s.SetLabel(t.Context(), "a", "b"); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("after %d operations: error %v, want ENOSPC", n, err)
		}
		checkLabels(t, s, map[string]string{})
	}
	s.folder.FS = vfs.OS{}
	if err := s.SetLabel(t.Context(), "a", "c"); err != nil {
		t.Error(err)
	}
	mustClose(t, s)
	s = mustOpen(t, dir)
	defer mustClose(t, s)
	checkLabels(t, s, map[string]string{"a": "c"})
	if diff := cmp.Diff(map[index.ID]int64{1: 1, 2: 1, 3: 2}, versions(t, s)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

// checkFixtureTokens compares the tokens of the index in format 3: the two tokens of
// each item are its vector and its opposite.
func checkFixtureTokens(t *testing.T, s *Store) {
	t.Helper()
	want := index.TokenFormat{Kind: index.TokensInt8, Count: 2, Dim: 3}
	if s.info.Tokens != want {
		t.Fatalf("it keeps %s, want %s", s.info.Tokens, want)
	}
	for _, item := range fixtureItems {
		stored, err := s.Tokens(t.Context(), []index.ID{item.ID})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, want.Elements())
		if err := want.Decode(got, stored[0]); err != nil {
			t.Fatal(err)
		}
		for i, x := range item.Vector {
			if math.Abs(float64(got[i]-x)) > .004 || math.Abs(float64(got[3+i]+x)) > .004 {
				t.Errorf("item %d has the tokens %v, want %v and its opposite", item.ID, got, item.Vector)
			}
		}
	}
}

// checkFixtureFields compares what the field indexes of an index say with its items.
func checkFixtureFields(t *testing.T, s *Store) {
	t.Helper()
	for _, f := range []index.Filter{
		index.Text{Key: "caption", Words: "ZEBRA"}, index.Equal{Key: "version", Value: int64(2)}, index.Equal{Key: "path", Value: "boat.jpg"},
		index.Not{Filter: index.Equal{Key: "seen", Value: true}}, index.Range{Key: "area", From: new(.1), Below: new(.2)}, index.Exists{Key: "version"},
	} {
		var want []index.ID
		for _, item := range fixtureItems {
			if f.Match(item.Payload) {
				want = append(want, item.ID)
			}
		}
		for _, p := range s.current.Load().parts {
			c, err := p.choose(f, bitmap.AppendKey(nil, f))
			if err != nil || !c.Exact {
				t.Errorf("%+v: the indexes do not decide, error %v", f, err)
			}
		}
		var got []index.ID
		for _, h := range mustSearch(t, s, index.Query{Vector: []float32{0, 0, 1}, K: 4, Filter: f}) {
			got = append(got, h.ID)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%+v: items %v, wanted %v", f, got, want)
		}
	}
}

// checkFixture compares an index of testdata with what it was made of.
func checkFixture(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	info, err := s.Info(t.Context())
	wantInfo := index.Info{Engine: "local", Dim: 3, Count: 4, Space: space.Space{Name: "example 1", Fingerprint: "0123456789abcdef"}, Tokens: s.info.Tokens}
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
	if diff := cmp.Diff(fixtureItems, got); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	hits, err := s.Search(t.Context(), index.Query{Vector: []float32{0, 0, 1}, K: 2})
	want := []index.Hit{{ID: 40, Score: 1}, {ID: math.MaxUint64, Score: 0.8}}
	if diff := cmp.Diff(want, hits); diff != "" || err != nil {
		t.Errorf("hits (-want +got), error %v:\n%s", err, diff)
	}
}

// fixtureItems are the items of testdata, in two segments; item 30 was
// deleted after it was written, item 10 replaced.
var fixtureItems = []index.Item{
	{ID: 10, Vector: []float32{0, 1, 0}, Payload: index.Payload{"path": "boat.jpg", "version": int64(2)}},
	{ID: 20, Vector: []float32{0.6, 0.8, 0}},
	{ID: 40, Vector: []float32{0, 0, 1}, Payload: index.Payload{
		"caption": []string{"a zebra", "zwei Zebras, ü"}, "crowd": false, "seen": true, "nothing": nil,
		"id": int64(-1 << 62), "area": 0.1,
	}},
	{ID: math.MaxUint64, Vector: []float32{0, 0.6, 0.8}, Payload: index.Payload{}},
}

// testdata/v4-log is an index in format 4 as a killed process has left it, with all of its
// items in a log. It is never written again, as the others.
func TestALogInAnOlderFormatIsApplied(t *testing.T) {
	s := openCopy(t, "v4-log")
	defer mustClose(t, s)
	got, err := s.Get(t.Context(), []index.ID{1, 2, 3, math.MaxUint64})
	want := []index.Item{
		{ID: 1, Vector: []float32{.6, .8}, Payload: index.Payload{"caption": "new", "tags": []string{"a", ""}}},
		{ID: 3, Vector: []float32{0, -1}},
		{ID: math.MaxUint64, Vector: []float32{1, 0}, Payload: index.Payload{"n": int64(-7), "x": .5, "yes": true, "none": nil}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("items (-want +got), error %v:\n%s", err, diff)
	}
	if r := s.Recovery(); r.Records != 4 || r.Torn != 0 || len(r.Damage) != 0 {
		t.Errorf("opening found %+v, want 4 records", r)
	}
}
