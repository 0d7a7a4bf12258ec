package indextest

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"engram/index"
)

// testValueCounts counts values of any type before and after there are indexes of their
// keys, and after replacements and deletes.
func testValueCounts(t *testing.T, f fixture) {
	store := f.fresh(2)
	counter, ok := store.(index.ValueCounter)
	if !ok {
		t.Skip("the engine counts no values")
	}
	indexed := map[string]index.PayloadKind{"kind": index.Keyword, "a.b": index.Bool, `q"\%`: index.Keyword, "n": index.Integer, "words": index.Words}
	counted := append(slices.Sorted(maps.Keys(indexed)), "plain", "", "nowhere", "no\xff")
	mixed := rapid.OneOf(values, rapid.Map(rapid.SampledFrom([]string{"k1", "k2", "d3b07384-d113-4ec6-a3bd-8ee5cbb2a8e4"}), toAny))
	payloads := rapid.MapOf(rapid.SampledFrom(counted[:len(counted)-2]), mixed)
	live := map[index.ID]index.Payload{}
	write := func(from, n index.ID) {
		for id := from; id < from+n; id++ {
			live[id] = payloads.Example(int(id + n))
			f.upsert(store, index.Item{ID: id, Vector: axis(2, 0), Payload: live[id]})
		}
	}
	check := func(when string) {
		t.Helper()
		for _, key := range counted {
			want := index.ValueCounts{}
			for _, payload := range live {
				want.Add(payload[key])
			}
			got, err := counter.CountValues(t.Context(), key)
			if err != nil {
				t.Fatalf("%s: key %q: %v", when, key, err)
			}
			if diff := cmp.Diff(want.Sorted(), got); diff != "" {
				t.Errorf("%s: key %q (-want +got)\n%s", when, key, diff)
			}
		}
	}
	check("of an empty store")
	write(0, 200)
	check("without indexes")
	if x, ok := store.(index.PayloadIndexer); ok {
		if err := x.IndexPayload(t.Context(), indexed); err != nil {
			t.Fatal(err)
		}
	}
	check("with indexes")
	write(150, 100)
	for id := range index.ID(40) {
		delete(live, id*3)
		if _, err := store.Delete(t.Context(), []index.ID{id * 3}); err != nil {
			t.Fatal(err)
		}
	}
	check("after replacements and deletes")
}
