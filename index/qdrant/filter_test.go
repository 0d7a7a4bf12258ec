package qdrant_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	api "github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"pgregory.net/rapid"

	"engram/index"
	"engram/index/qdrant"
	"engram/index/qdrant/double"
)

// keys of payloads and filters; a path has to quote or escape some of them.
var keys = []string{"a", "naïve key", "x.y", `quote"d\`, "100%", "%22", "list[0]"}

// texts have words that several elements share, and that are split in odd ways.
var texts = []string{"", "a red car", "d3b07384-d113-4ec6-a3bd-8ee5cbb2a8e4", "D3B07384-D113-4EC6-A3BD-8EE5CBB2A8E4", "Red", "CAR!", "İstanbul ΟΔΟΣ", "हिन्दी m²", "1½ cups", "naive naïve", "�"}

// numbers have neighbours of bounds, and two that the server's JSON reader changes,
// down and up.
var numbers = []float64{
	0, -0.5, 0.1, 0.3, 0.9522444552911937, 0.9221885624698875, 1.0 / 3, float64(float32(0.85)), math.Nextafter(0.1, 1), 7, 1e300, math.MaxFloat64, -math.MaxFloat64,
	math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1), math.NaN(), 1 << 53, 4.35e-20, 123456.789012345678,
}

func drawPayload(t *rapid.T) index.Payload {
	return rapid.MapOfN(rapid.SampledFrom(keys), drawValue(), 0, 5).Draw(t, "payload")
}

func drawValue() *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		switch rapid.IntRange(0, 5).Draw(t, "type") {
		case 0:
			return rapid.Bool().Draw(t, "bool")
		case 1:
			return rapid.SampledFrom([]int64{0, 1, 7, -3, 1<<53 + 1, math.MaxInt64, math.MinInt64}).Draw(t, "int")
		case 2:
			return rapid.SampledFrom(numbers).Draw(t, "float")
		case 3:
			return rapid.SampledFrom(texts).Draw(t, "text")
		case 4:
			return rapid.SliceOfN(rapid.SampledFrom(texts), 0, 3).Draw(t, "list")
		}
		return nil
	})
}

func drawFilter(t *rapid.T, depth int) index.Filter {
	kinds := 8
	if depth == 0 {
		kinds = 5
	}
	key := rapid.SampledFrom(keys).Draw(t, "key")
	parts := func() []index.Filter {
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) index.Filter { return drawFilter(t, depth-1) }), 0, 3).Draw(t, "parts")
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return index.Equal{Key: key, Value: drawValue().Filter(comparable).Draw(t, "value")}
	case 1:
		if rapid.Bool().Draw(t, "numbers") {
			return index.In{Key: key, Values: []any{int64(7), rapid.SampledFrom([]int64{0, -3, 1<<53 + 1}).Draw(t, "int")}}
		}
		return index.In{Key: key, Values: []any{"Red", rapid.SampledFrom(texts).Draw(t, "text")}}
	case 2:
		return drawRange(t, key)
	case 3:
		return index.Exists{Key: key}
	case 4:
		return index.Text{Key: key, Words: rapid.SampledFrom([]string{"red", "car RED", "i̇stanbul", "οδος", "हिन्दी", "m²", "½", "1½", "naïve", "boat", "a\xffcar"}).Draw(t, "words")}
	case 5:
		return index.And(parts())
	case 6:
		return index.Or(parts())
	default:
		return index.Not{Filter: drawFilter(t, depth-1)}
	}
}

// comparable reports whether Equal takes a value.
func comparable(value any) bool {
	return index.Equal{Key: "key", Value: value}.Check() == nil
}

func drawRange(t *rapid.T, key string) index.Filter {
	finite := rapid.SampledFrom(numbers).Filter(func(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) })
	f := index.Range{Key: key}
	for _, bound := range []**float64{&f.Above, &f.From, &f.Below, &f.To} {
		if rapid.IntRange(0, 2).Draw(t, "bounded") == 0 {
			*bound = new(finite.Draw(t, "bound"))
		}
	}
	if f.Check() != nil {
		f.To = new(0.3)
	}
	return f
}

// checkFilters compares what a store finds with Filter.Match, for any payloads
// and filters.
func checkFilters(t *testing.T, store *qdrant.Store) {
	const n = 12
	checkValues(t, store)
	rapid.Check(t, func(rt *rapid.T) {
		items := make([]index.Item, n)
		for i := range items {
			angle := float64(i) / n
			items[i] = index.Item{ID: index.ID(i), Vector: []float32{float32(math.Cos(angle)), float32(math.Sin(angle))}, Payload: drawPayload(rt)}
		}
		if err := store.Upsert(rt.Context(), items); err != nil {
			rt.Fatal(err)
		}
		f := drawFilter(rt, 3)
		var want []index.ID
		for _, item := range items {
			if f.Match(item.Payload) {
				want = append(want, item.ID)
			}
		}
		k := rapid.IntRange(1, n+1).Draw(rt, "k")
		withPayload := rapid.Bool().Draw(rt, "with payload")
		hits, err := store.Search(rt.Context(), index.Query{Vector: []float32{1, 0}, K: k, Filter: f, WithPayload: withPayload})
		if err != nil {
			rt.Fatalf("%#v: %v", f, err)
		}
		var got []index.ID
		for _, hit := range hits {
			got = append(got, hit.ID)
			if wanted := items[hit.ID].Payload; !withPayload && hit.Payload != nil || withPayload && !samePayload(hit.Payload, wanted) {
				rt.Fatalf("payload of hit %d is %v, that of the item %v", hit.ID, hit.Payload, wanted)
			}
		}
		if want := want[:min(k, len(want))]; !slices.Equal(got, want) {
			rt.Fatalf("%#v\nfound %v, want %v", f, got, want)
		}
	})
}

// checkValues looks for each kind of value among all of them.
func checkValues(t *testing.T, store *qdrant.Store) {
	t.Helper()
	values := []any{true, int64(7), []string{}, slices.Clone(texts)}
	bound := 6.5
	filters := []index.Filter{index.Range{Key: "a", From: &bound}, index.Equal{Key: "a", Value: int64(7)}, index.In{Key: "a", Values: []any{texts[2], "Red"}}}
	const unkept = "a\xff" // is no key of an item
	filters = append(filters, index.Exists{Key: unkept}, index.Equal{Key: unkept, Value: true}, index.Text{Key: unkept, Words: "red"})
	for _, text := range texts {
		values, filters = append(values, text), append(filters, index.Equal{Key: "a", Value: text})
	}
	for _, x := range numbers {
		values = append(values, x)
	}
	items, ids := make([]index.Item, len(values)), make([]index.ID, len(values))
	for i, value := range values {
		ids[i] = index.ID(i)
		items[i] = index.Item{ID: ids[i], Vector: []float32{1, 0}, Payload: index.Payload{"a": value}}
	}
	if err := store.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	for _, f := range filters {
		for _, f := range []index.Filter{f, index.Not{Filter: f}} {
			found := map[index.ID]bool{}
			hits, err := store.Search(t.Context(), index.Query{Vector: []float32{1, 0}, K: len(items), Filter: f})
			if err != nil {
				t.Fatal(err)
			}
			for _, hit := range hits {
				found[hit.ID] = true
			}
			for _, item := range items {
				if found[item.ID] != f.Match(item.Payload) {
					t.Errorf("%#v: %v is found: %v", f, item.Payload["a"], found[item.ID])
				}
			}
		}
	}
	if _, err := store.Delete(t.Context(), ids); err != nil {
		t.Fatal(err)
	}
}

// samePayload compares payloads, NaN being itself.
func samePayload(a, b index.Payload) bool {
	return cmp.Equal(a, b, cmp.Comparer(func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) }))
}

func TestFiltersMeanTheSame(t *testing.T) {
	for name, indexes := range map[string]map[string]index.PayloadKind{
		"no indexes": nil,
		"keyword":    {"a": index.Keyword, "x.y": index.Keyword},
		"integer":    {"a": index.Integer, "x.y": index.Integer},
		"number":     {"a": index.Number, "x.y": index.Number},
		"bool":       {"a": index.Bool, "x.y": index.Bool},
		"words":      {"a": index.Words, "x.y": index.Words},
	} {
		schema := qdrant.Schema{Dim: 2, Indexes: indexes}
		t.Run(name, func(t *testing.T) {
			checkFilters(t, create(t, start(t, double.Options{}), qdrant.Options{}, schema))
		})
		t.Run(name+", on a server", func(t *testing.T) {
			checkFilters(t, createReal(t, schema))
		})
	}
}

// Indexes that other programs make change no result either, though searches by
// them find other items.
func TestFiltersWithIndexesOfOthers(t *testing.T) {
	check := func(t *testing.T, opts qdrant.Options, field api.FieldType) {
		t.Helper()
		opts.Collection = fmt.Sprintf("test-%d", time.Now().UnixNano())
		made, err := qdrant.Create(t.Context(), opts, qdrant.Schema{Dim: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer made.Close()
		defer made.Drop(context.Background())
		conn, err := grpc.NewClient(opts.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for _, key := range []string{"a", `"x.y"`} {
			_, err := api.NewPointsClient(conn).CreateFieldIndex(metadata.AppendToOutgoingContext(t.Context(), "api-key", opts.APIKey), &api.CreateFieldIndexCollection{
				CollectionName: opts.Collection, FieldName: key, FieldType: &field, Wait: new(true),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		checkFilters(t, open(t, opts))
	}
	for name, field := range map[string]api.FieldType{
		"integer": api.FieldType_FieldTypeInteger, "float": api.FieldType_FieldTypeFloat, "text": api.FieldType_FieldTypeText, "geo": api.FieldType_FieldTypeGeo,
		"datetime": api.FieldType_FieldTypeDatetime, "uuid": api.FieldType_FieldTypeUuid,
	} {
		t.Run(name, func(t *testing.T) {
			check(t, qdrant.Options{Addr: start(t, double.Options{}).Addr()}, field)
		})
		t.Run(name+", on a server", func(t *testing.T) { check(t, real(t), field) })
	}
}

func TestFiltersAreChecked(t *testing.T) {
	store := create(t, start(t, double.Options{}), qdrant.Options{}, qdrant.Schema{})
	for _, f := range []index.Filter{index.Equal{Key: "a", Value: math.NaN()}, index.Not{}, index.Range{Key: "a"}, index.And{nil}} {
		q := query
		q.Filter = f
		if _, err := store.Search(t.Context(), q); !is(err, index.ErrFilter) {
			t.Errorf("%#v: error %v", f, err)
		}
	}
}
