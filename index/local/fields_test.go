package local

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
	"engram/index/internal/bitmap"
	"engram/index/internal/disk"
)

// putNumbered adds n items of random vectors from an id on, with payloads by their ids.
func putNumbered(t testing.TB, s *Store, from, n int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(from), 1))
	items := make([]index.Item, n)
	for i := range items {
		vector := make([]float32, s.info.Dim)
		for d := range vector {
			vector[d] = float32(rng.NormFloat64())
		}
		id := from + i
		items[i] = index.Item{ID: index.ID(id), Vector: vector, Payload: index.Payload{
			"n": int64(id), "class": fmt.Sprint("c", id%10), "text": fmt.Sprintf("item number %d", id%7), "even": id%2 == 0,
		}}
	}
	if err := s.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
}

// filters have one condition of every kind.
var filters = []index.Filter{
	index.Equal{Key: "class", Value: "c3"},
	index.And{index.Range{Key: "n", From: new(100.0), Below: new(1700.0)}, index.Equal{Key: "even", Value: true}},
	index.Not{Filter: index.Text{Key: "text", Words: "number 3"}},
	index.Or{index.In{Key: "n", Values: []any{int64(5), 1500.0}}, index.Not{Filter: index.Exists{Key: "n"}}},
}

// checkFiltered compares filtered searches with what choosing by hand gives.
func checkFiltered(t *testing.T, s *Store) {
	t.Helper()
	query := make([]float32, s.info.Dim)
	for i := range query {
		query[i] = float32(i%3) - .7
	}
	all, err := s.Search(t.Context(), index.Query{Vector: query, K: 1 << 20, WithPayload: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range filters {
		for _, k := range []int{1, 10, 5000} {
			want := slices.DeleteFunc(slices.Clone(all), func(h index.Hit) bool { return !f.Match(h.Payload) })
			want = want[:min(k, len(want))]
			got, err := s.Search(t.Context(), index.Query{Vector: query, K: k, Filter: f, WithPayload: true})
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Fatalf("%+v, k = %d (-want +got), error %v:\n%s", f, k, err, diff)
			}
		}
	}
}

var everyField = map[string]index.PayloadKind{"n": index.Integer, "class": index.Keyword, "even": index.Bool, "text": index.Words}

// exact reports whether the indexes of all segments on disk decide the filters.
func exact(s *Store) bool {
	for _, p := range s.current.Load().parts {
		for _, f := range filters {
			if !p.inMemory() && len(p.segment.missing(bitmap.Fields(f))) > 0 {
				return false
			}
		}
	}
	return true
}

// Indexes that are asked for later are made of what is there, last, and follow
// merges, deletes and new segments.
func TestIndexesOfPayloadsFollowTheRows(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 16)
	putNumbered(t, s, 0, 2000)
	mustFlush(t, s)
	if exact(s) {
		t.Error("there are indexes that nobody asked for")
	}
	if err := s.IndexPayload(t.Context(), everyField); err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		if !exact(s) {
			t.Errorf("round %d: a segment has no indexes", round)
		}
		checkFiltered(t, s)
		if err := s.Verify(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := s.Delete(t.Context(), []index.ID{3, 13, index.ID(100 * round), 5}); err != nil {
			t.Fatal(err)
		}
		checkFiltered(t, s)
		putNumbered(t, s, 1900+300*round, 400)
		checkFiltered(t, s) // with rows in memory
		if round == 1 {
			mustFlush(t, s)
			checkFiltered(t, s)
		}
		mustClose(t, s)
		s = mustOpen(t, dir)
	}
	mustClose(t, s)
}

// A filter that reads many payloads gets indexes by itself, and they last.
func TestAFilterInUseGetsItsIndexes(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 16)
	putNumbered(t, s, 0, 3000)
	mustFlush(t, s)
	for range 12 {
		checkFiltered(t, s)
		s.demand.done.Wait()
	}
	if !exact(s) {
		t.Fatal("after 144 filtered searches a filter reads payloads")
	}
	checkFiltered(t, s)
	mustClose(t, s) // flushes
	s = mustOpen(t, dir)
	defer mustClose(t, s)
	if !exact(s) {
		t.Error("the indexes are gone after reopening")
	}
	checkFiltered(t, s)

	reader, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, reader)
	checkFiltered(t, reader)
	if err := reader.IndexPayload(t.Context(), everyField); !errors.Is(err, index.ErrReadOnly) {
		t.Errorf("indexes of a store that is read: error %v, want ErrReadOnly", err)
	}
}

// A damaged file of indexes costs speed and no answer. Verify tells, and the next
// flush writes it anew.
func TestDamagedIndexesAreAsGoodAsNone(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 16)
	putNumbered(t, s, 0, 2000)
	if err := s.IndexPayload(t.Context(), everyField); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	files, err := filepath.Glob(filepath.Join(dir, "*.fld"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, error %v; want one", files, err)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(whole); at += 9973 {
		damaged := slices.Clone(whole)
		damaged[at] ^= 0x10
		if at%2 == 0 {
			damaged = whole[:at]
		}
		if err := os.WriteFile(files[0], damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		s := mustOpen(t, dir)
		checkFiltered(t, s)
		if err := s.Verify(t.Context()); !errors.Is(err, index.ErrCorrupt) {
			t.Errorf("byte %d is damaged: Verify says %v", at, err)
		}
		s.demand.done.Wait()
		s.dirty = false // leave it damaged
		mustClose(t, s)
	}
	s = mustOpen(t, dir)
	if err := s.IndexPayload(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	s = mustOpen(t, dir)
	defer mustClose(t, s)
	if err := s.Verify(t.Context()); err != nil || !exact(s) {
		t.Errorf("after making indexes again: error %v", err)
	}
	checkFiltered(t, s)
}

// A missing file of indexes costs speed and no answer, in readers too, until the next
// flush writes it anew.
func TestMissingIndexesAreMadeAgain(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 16)
	putNumbered(t, s, 0, 2000)
	if err := s.IndexPayload(t.Context(), everyField); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	files, err := filepath.Glob(filepath.Join(dir, "*.fld"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, error %v; want one", files, err)
	}
	if err := os.Remove(files[0]); err != nil {
		t.Fatal(err)
	}
	reader, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, dir)
	defer func() { mustClose(t, s) }()
	for _, store := range []*Store{reader, s} {
		checkFiltered(t, store)
		store.demand.done.Wait()
		if err := store.Verify(t.Context()); !errors.Is(err, index.ErrCorrupt) || !strings.Contains(err.Error(), filepath.Base(files[0])) {
			t.Errorf("error %v, want ErrCorrupt of %s", err, files[0])
		}
	}
	mustClose(t, reader)
	if err := s.IndexPayload(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	s = mustOpen(t, dir)
	if err := s.Verify(t.Context()); err != nil || !exact(s) {
		t.Errorf("after the next flush: error %v", err)
	}
}

// A file of indexes is of the segment's rows.
func TestIndexesOfOtherRowsAreRefused(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 4)
	putNumbered(t, s, 0, 5)
	if err := s.IndexPayload(t.Context(), everyField); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	files, _ := filepath.Glob(filepath.Join(dir, "*.fld"))
	out, err := os.Create(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := disk.WriteIndexes(out, 6, nil); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, dir)
	defer mustClose(t, s)
	if err := s.Verify(t.Context()); !errors.Is(err, index.ErrCorrupt) {
		t.Errorf("Verify of indexes of another number of rows: %v", err)
	}
	checkFiltered(t, s)
}
