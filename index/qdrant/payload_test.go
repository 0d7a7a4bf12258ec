package qdrant_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"engram/index"
	"engram/index/qdrant"
	"engram/index/qdrant/double"

	api "github.com/qdrant/go-client/qdrant"
)

// checkPayloads stores any payload and reads it again.
func checkPayloads(t *testing.T, store *qdrant.Store) {
	rapid.Check(t, func(rt *rapid.T) {
		want := rapid.MapOfN(rapid.String(), rapid.OneOf(
			drawValue(), rapid.Map(rapid.Float64(), func(x float64) any { return x }),
			rapid.Map(rapid.Int64(), func(x int64) any { return x }),
			rapid.Map(rapid.SliceOf(rapid.String()), func(x []string) any { return x }),
		), 0, 6).Draw(rt, "payload")
		if rapid.IntRange(0, 9).Draw(rt, "nil") == 0 {
			want = nil
		}
		if err := store.Upsert(rt.Context(), []index.Item{{ID: 1, Vector: []float32{1, 0}, Payload: want}}); err != nil {
			rt.Fatal(err)
		}
		got, err := store.Get(rt.Context(), []index.ID{1})
		if err != nil || len(got) != 1 || !samePayload(got[0].Payload, want) {
			rt.Fatalf("got %#v, error %v; want %#v", got, err, want)
		}
	})
}

func TestPayloadsComeBack(t *testing.T) {
	checkPayloads(t, create(t, start(t, double.Options{}), qdrant.Options{}, qdrant.Schema{}))
}

func TestPayloadsComeBackFromServer(t *testing.T) {
	checkPayloads(t, createReal(t, qdrant.Schema{Dim: 2}))
}

func TestTextsAreUTF8(t *testing.T) {
	store := create(t, start(t, double.Options{}), qdrant.Options{}, qdrant.Schema{})
	for _, p := range []index.Payload{{"a": "\xff"}, {"a": []string{"b", "\xff"}}, {"\xff": "a"}} {
		if err := store.Upsert(t.Context(), []index.Item{{Vector: []float32{1, 0}, Payload: p}}); !is(err, index.ErrPayload) {
			t.Errorf("%q: error %v", p, err)
		}
	}
}

// What other programs put into a collection is shown as far as it goes.
func TestPointsOfOthers(t *testing.T) {
	server := start(t, double.Options{})
	store := create(t, server, qdrant.Options{}, qdrant.Schema{})
	if err := store.Upsert(t.Context(), []index.Item{{ID: 1, Vector: []float32{1, 0}}}); err != nil {
		t.Fatal(err)
	}
	var id *api.PointId
	server.Tamper("Points/Get", func(_, reply any) {
		p := reply.(*api.GetResponse).Result[0]
		if id != nil {
			p.Id = id
		}
		p.Payload = api.NewValueMap(map[string]any{"mixed": []any{"a", 1, nil}, "object": map[string]any{"x": []any{1.5}}})
	})
	items, err := store.Get(t.Context(), []index.ID{1})
	want := []index.Item{{ID: 1, Vector: []float32{1, 0}, Payload: index.Payload{"mixed": `["a",1,null]`, "object": `{"x":[1.5]}`}}}
	if diff := cmp.Diff(want, items); diff != "" || err != nil {
		t.Errorf("error %v, items (-want +got):\n%s", err, diff)
	}
	server.Tamper("Points/Scroll", func(_, reply any) {
		reply.(*api.ScrollResponse).Result[0].Id = api.NewIDUUID("d3b07384-d113-4ec6-a3bd-8ee5cbb2a8e4")
	})
	for item, err := range store.All(t.Context()) {
		if !is(err, errors.ErrUnsupported) || is(err, index.ErrCorrupt) || !strings.Contains(err.Error(), "UUID d3b07384") {
			t.Errorf("item %v, error %v; want errors.ErrUnsupported", item, err)
		}
	}
}

// Notes are kept about numbers that JSON readers change, and about no others.
func TestNumbersArePlainWhereTheyCanBe(t *testing.T) {
	server := start(t, double.Options{})
	store := create(t, server, qdrant.Options{}, qdrant.Schema{})
	for x, plain := range map[float64]bool{
		0: true, math.Copysign(0, -1): true, 7: true, -0.85: true, 123456789012345: true, 1e22: true, 1.5e-10: true, 1e37: false,
		0.30000000000000004: false, 1.0 / 3: false, math.MaxFloat64: false, 1e-300: false, math.Inf(1): false, math.NaN(): false, 1 << 53: false,
	} {
		var keys int
		server.Tamper("Points/Upsert", func(request, _ any) { keys = len(request.(*api.UpsertPoints).Points[0].Payload) })
		if err := store.Upsert(t.Context(), []index.Item{{Vector: []float32{1, 0}, Payload: index.Payload{"x": x}}}); err != nil {
			t.Fatal(err)
		}
		if plain != (keys == 1) {
			t.Errorf("%v takes %d keys, want it plain: %v", x, keys, plain)
		}
	}
}
