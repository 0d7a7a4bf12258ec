package indextest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
)

// testSetPayloads replaces payloads before and after a flush, of items that are there and
// of others. Vectors and iterations under way stay as they are, and filters see the new
// payloads.
func testSetPayloads(t *testing.T, f fixture) {
	store := f.fresh(3)
	setter, ok := store.(index.PayloadSetter)
	if !ok {
		t.Skip("the engine replaces no payloads alone")
	}
	set := func(want int, payloads map[index.ID]index.Payload) {
		t.Helper()
		if n, err := setter.SetPayloads(t.Context(), payloads); n != want || err != nil {
			t.Fatalf("%d payloads were set, error %v; want %d", n, err, want)
		}
	}
	items := []index.Item{
		{ID: 1, Vector: axis(3, 0), Payload: index.Payload{"old": "a", "class": int64(1)}},
		{ID: 2, Vector: axis(3, 1)},
		{ID: 5, Vector: axis(3, 2), Payload: index.Payload{"class": int64(1)}},
	}
	f.upsert(store, items...)
	set(0, nil)
	set(0, map[index.ID]index.Payload{3: payload})
	for range 2 {
		set(2, map[index.ID]index.Payload{1: payload, 2: {"class": int64(2)}, 9: nil})
		if err := store.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	items[0].Payload, items[1].Payload = payload, index.Payload{"class": int64(2)}
	if diff := cmp.Diff(items, f.get(store, 1, 2, 5, 9), approx); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	f.wantIDs(f.search(store, index.Query{Vector: axis(3, 0), K: 9, Filter: index.Equal{Key: "class", Value: int64(2)}}), 2)
	f.wantIDs(f.search(store, index.Query{Vector: axis(3, 0), K: 9, Filter: index.Equal{Key: "old", Value: "a"}}))

	seen := map[index.ID]index.Payload{}
	for item, err := range store.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if len(seen) == 0 {
			set(2, map[index.ID]index.Payload{2: {}, 5: nil})
		}
		seen[item.ID] = item.Payload
	}
	want := map[index.ID]index.Payload{1: payload, 2: items[1].Payload, 5: items[2].Payload}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("an iteration that had begun (-want +got):\n%s", diff)
	}
	items[1].Payload, items[2].Payload = index.Payload{}, nil
	if diff := cmp.Diff(items, f.get(store, 1, 2, 5), approx); diff != "" {
		t.Errorf("an empty payload and none (-want +got):\n%s", diff)
	}
	bad := map[index.ID]index.Payload{1: {"good": true}, 2: {"bad": 1}}
	if n, err := setter.SetPayloads(t.Context(), bad); n != 0 || !errors.Is(err, index.ErrPayload) {
		t.Errorf("a bad payload: %d were set, error %v, want ErrPayload", n, err)
	}
	if diff := cmp.Diff(items, f.get(store, 1, 2, 5), approx); diff != "" {
		t.Errorf("after a call that was refused (-want +got):\n%s", diff)
	}
}
