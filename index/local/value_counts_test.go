package local

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"engram/index"

	"github.com/google/go-cmp/cmp"
)

// Counts are the ones of the live payloads, from memory, from disk with an index of the
// key and without, and after deletes and replacements.
func TestValueCountsAreOfLivePayloads(t *testing.T) {
	t.Parallel()
	s := mustCreate(t, filepath.Join(t.TempDir(), "index"), 2)
	defer mustClose(t, s)
	dice := rand.New(rand.NewPCG(1, 2))
	live := map[index.ID]index.Payload{}
	write := func(from, n int) {
		var items []index.Item
		for i := range n {
			payload := index.Payload{"number": int64(i)}
			switch dice.IntN(4) {
			case 0:
				payload["kind"] = fmt.Sprint("k", dice.IntN(12))
			case 1:
				payload["kind"] = []string{"k1", fmt.Sprint("k", dice.IntN(4)), "k1"}
			case 2:
				payload["kind"] = dice.IntN(2) == 0
			}
			id := index.ID(from + i)
			items, live[id] = append(items, index.Item{ID: id, Vector: []float32{1, 0}, Payload: payload}), payload
		}
		if err := s.Upsert(t.Context(), items); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string) {
		t.Helper()
		want := index.ValueCounts{}
		for _, payload := range live {
			want.Add(payload["kind"])
		}
		got, err := s.CountValues(t.Context(), "kind")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Sorted(), got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", when, diff)
		}
	}
	write(0, 500)
	check("in memory")
	mustFlush(t, s)
	check("on disk")
	if err := s.IndexPayload(t.Context(), map[string]index.PayloadKind{"kind": index.Keyword}); err != nil {
		t.Fatal(err)
	}
	check("with an index of the key")
	write(450, 100)
	for id := range index.ID(60) {
		delete(live, id*3)
		if _, err := s.Delete(t.Context(), []index.ID{id * 3}); err != nil {
			t.Fatal(err)
		}
	}
	check("after deletes and replacements")
	if got, err := s.CountValues(t.Context(), "number"); err != nil || len(got) != 0 {
		t.Errorf("numbers: %v, %v", got, err)
	}
}
