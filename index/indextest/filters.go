package indextest

import (
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"engram/index"
)

// photos are items along different axes, so that each is found by its id.
var photos = []index.Payload{
	1: {"path": "a/zebra.jpg", "tags": []string{"zebra", "grass"}, "width": int64(640), "score": 0.5, "flipped": true},
	2: {"path": "a/car.jpg", "tags": []string{"car"}, "width": int64(1280), "score": 1.0, "flipped": false, "captions": []string{"A Red car.", "It is parked"}},
	3: {"path": "", "tags": []string{}, "width": 640.0, "score": int64(1), "captions": "two red CARS; one car"},
	4: {"path": nil, "width": "640", "a.b": "dot", "ключ": "значение", "two words": "x", "list[0]": "y"},
	5: nil,
	6: {},
}

// spaceless are texts of scripts without spaces, under "词".
var spaceless = []any{1: "红色汽车3", 2: []string{"東京タワー", "x"}, 3: "汽 车", 4: nil, 5: "red 小汽车", 6: "รถยนต์สีแดง 車 İzmir"}

func testFilter(t *testing.T, f fixture) {
	store := f.fresh(len(photos))
	for id, payload := range photos {
		if id > 0 {
			payload = maps.Clone(payload)
			if payload == nil {
				payload = index.Payload{}
			}
			payload["词"] = spaceless[id]
			f.upsert(store, index.Item{ID: index.ID(id), Vector: axis(len(photos), id), Payload: payload})
		}
	}
	for name, test := range map[string]struct {
		filter index.Filter
		want   []index.ID
	}{
		"equal string":            {index.Equal{Key: "path", Value: "a/car.jpg"}, []index.ID{2}},
		"equal empty string":      {index.Equal{Key: "path", Value: ""}, []index.ID{3}},
		"equal element":           {index.Equal{Key: "tags", Value: "grass"}, []index.ID{1}},
		"equal true":              {index.Equal{Key: "flipped", Value: true}, []index.ID{1}},
		"equal false":             {index.Equal{Key: "flipped", Value: false}, []index.ID{2}},
		"equal int64 by value":    {index.Equal{Key: "width", Value: int64(640)}, []index.ID{1, 3}},
		"equal float64 by value":  {index.Equal{Key: "score", Value: 1.0}, []index.ID{2, 3}},
		"equal to a fraction":     {index.Equal{Key: "score", Value: .5}, []index.ID{1}},
		"no int64 but this":       {index.Not{Filter: index.Equal{Key: "width", Value: 640.0}}, []index.ID{2, 4, 5, 6}},
		"in strings":              {index.In{Key: "tags", Values: []any{"car", "zebra"}}, []index.ID{1, 2}},
		"in numbers":              {index.In{Key: "width", Values: []any{int64(1280), 640.0}}, []index.ID{1, 2, 3}},
		"in neither number":       {index.Not{Filter: index.In{Key: "score", Values: []any{.5, int64(1)}}}, []index.ID{4, 5, 6}},
		"a Chinese word":          {index.Text{Key: "词", Words: "汽车"}, []index.ID{1, 5}},
		"a Chinese and another":   {index.Text{Key: "词", Words: "汽车 red"}, []index.ID{5}},
		"no Chinese word":         {index.Not{Filter: index.Text{Key: "词", Words: "汽车"}}, []index.ID{2, 3, 4, 6}},
		"a Japanese word":         {index.Text{Key: "词", Words: "東京"}, []index.ID{2}},
		"a Thai word":             {index.Text{Key: "词", Words: "รถ"}, []index.ID{6}},
		"a Kanji and a dotted I":  {index.Text{Key: "词", Words: "車 İzmir"}, []index.ID{6}},
		"range of both numbers":   {index.Range{Key: "width", From: new(640.0), Below: new(1280.0)}, []index.ID{1, 3}},
		"range between integers":  {index.Range{Key: "width", Above: new(639.5), To: new(640.5)}, []index.ID{1, 3}},
		"range without the bound": {index.Range{Key: "score", Above: new(0.5)}, []index.ID{2, 3}},
		"exists":                  {index.Exists{Key: "tags"}, []index.ID{1, 2}},
		"an empty string exists":  {index.Exists{Key: "path"}, []index.ID{1, 2, 3}},
		"text in strings, lists":  {index.Text{Key: "captions", Words: "RED car"}, []index.ID{2, 3}},
		"text over elements":      {index.Text{Key: "captions", Words: "parked car"}, []index.ID{2}},
		"text by whole words":     {index.Text{Key: "captions", Words: "cars"}, []index.ID{3}},
		"text of a list's key":    {index.Text{Key: "tags", Words: "zebra"}, []index.ID{1}},
		"a key with a dot":        {index.Equal{Key: "a.b", Value: "dot"}, []index.ID{4}},
		"a key in Cyrillic":       {index.Equal{Key: "ключ", Value: "значение"}, []index.ID{4}},
		"a key with a space":      {index.Equal{Key: "two words", Value: "x"}, []index.ID{4}},
		"a key with brackets":     {index.Exists{Key: "list[0]"}, []index.ID{4}},
		"not":                     {index.Not{Filter: index.Exists{Key: "width"}}, []index.ID{5, 6}},
		"and":                     {index.And{index.Exists{Key: "path"}, index.Range{Key: "width", Below: new(1000.0)}}, []index.ID{1, 3}},
		"or":                      {index.Or{index.Equal{Key: "tags", Value: "car"}, index.Text{Key: "captions", Words: "two"}}, []index.ID{2, 3}},
		"and of nothing":          {index.And{}, []index.ID{1, 2, 3, 4, 5, 6}},
		"or of nothing":           {index.Or{}, nil},
		"not nothing":             {index.Not{Filter: index.Or{}}, []index.ID{1, 2, 3, 4, 5, 6}},
		"neither nor": {index.Not{Filter: index.Or{index.Exists{Key: "tags"},
			index.And{index.Exists{Key: "captions"}, index.Not{Filter: index.Exists{Key: "flipped"}}}}}, []index.ID{4, 5, 6}},
		"safe": {index.Safe(), []index.ID{1, 2, 3, 4, 5, 6}},
	} {
		t.Run(name, func(t *testing.T) {
			f := fixture{t: t}
			hits := f.search(store, index.Query{Vector: axis(len(photos), 0), K: 10, Filter: test.filter, WithPayload: true})
			f.wantIDs(hits, test.want...) // equal scores, so in order of id
		})
	}
	// What a filter chooses follows the payloads.
	zebra := index.Equal{Key: "tags", Value: "zebra"}
	f.upsert(store, index.Item{ID: 1, Vector: axis(len(photos), 1)},
		index.Item{ID: 5, Vector: axis(len(photos), 5), Payload: index.Payload{"tags": []string{"zebra"}}})
	f.wantIDs(f.search(store, index.Query{Vector: axis(len(photos), 1), K: 10, Filter: zebra}), 5)
	if _, err := store.Delete(t.Context(), []index.ID{5}); err != nil {
		t.Fatal(err)
	}
	f.wantIDs(f.search(store, index.Query{Vector: axis(len(photos), 1), K: 10, Filter: zebra}))
}

func testFilterRefused(t *testing.T, f fixture) {
	store := f.fresh(2)
	f.upsert(store, index.Item{ID: 1, Vector: axis(2, 0), Payload: index.Payload{"k": 1.5}})
	for name, filter := range map[string]index.Filter{
		"no key":            index.Exists{},
		"equal to NaN":      index.Equal{Key: "k", Value: math.NaN()},
		"equal to an int":   index.Equal{Key: "k", Value: 1},
		"in nothing":        index.In{Key: "k"},
		"in mixed values":   index.In{Key: "k", Values: []any{"x", int64(1)}},
		"a range unbounded": index.Range{Key: "k"},
		"a bound of NaN":    index.Range{Key: "k", To: new(math.NaN())},
		"text of no words":  index.Text{Key: "k", Words: "?!"},
		"not nothing":       index.Not{},
		"deep inside":       index.Not{Filter: index.And{index.Or{index.Exists{Key: "k"}, nil}}},
	} {
		hits, err := store.Search(t.Context(), index.Query{Vector: axis(2, 0), K: 1, Filter: filter})
		if !errors.Is(err, index.ErrFilter) || hits != nil {
			t.Errorf("%s: %v, error %v, want ErrFilter", name, hits, err)
		}
	}
}

// testFilterCount asks with filters of every size over enough items that an
// engine may take short cuts.
func testFilterCount(t *testing.T, f fixture) {
	const dim, n = 24, 3000
	store := f.fresh(dim)
	rng := rand.New(rand.NewPCG(21, 22))
	m := model{}
	for at := 0; at < n; at += 750 {
		batch := make([]index.Item, 750)
		for i := range batch {
			batch[i] = index.Item{ID: index.ID(rng.Uint64()), Vector: randomVector(rng, dim), Payload: index.Payload{"n": int64(at + i), "parity": []string{"even", "odd"}[i%2]}}
		}
		f.upsert(store, batch...)
		m.upsert(batch)
		if at == 1500 {
			if err := store.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, matches := range []float64{0, 1, 9, 10, 11, 30, 300, 2700, n} {
		even := index.And{index.Range{Key: "n", Below: new(2 * matches)}, index.Equal{Key: "parity", Value: "even"}}
		for _, filter := range []index.Filter{index.Range{Key: "n", Below: &matches}, even, index.Not{Filter: index.Range{Key: "n", From: &matches}}} {
			for _, k := range []int{1, 10, 500, 2 * n} {
				q := index.Query{Vector: randomVector(rng, dim), K: k, Filter: filter}
				m.checkHits(t, q, f.search(store, q))
			}
		}
	}
}

// testFilterModel draws payloads and filters and compares with Match.
func testFilterModel(t *testing.T, f fixture) {
	const dim, ids = 4, 25
	store := f.fresh(dim)
	rapid.Check(t, func(rt *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		items := make([]index.Item, ids)
		for i := range items {
			items[i] = index.Item{ID: index.ID(i), Vector: randomVector(rng, dim), Payload: Payloads().Draw(rt, "payload")}
		}
		if err := store.Upsert(rt.Context(), items); err != nil {
			rt.Fatalf("upsert: %v", err)
		}
		if rapid.IntRange(0, 9).Draw(rt, "flush") == 0 {
			if err := store.Flush(rt.Context()); err != nil {
				rt.Fatalf("flush: %v", err)
			}
		}
		m := model{}
		m.upsert(items)
		for range 5 {
			q := index.Query{
				Vector: randomVector(rng, dim), K: rapid.IntRange(1, ids+2).Draw(rt, "k"),
				Filter: DrawFilter(rt, 4), WithPayload: rapid.Bool().Draw(rt, "with payload"),
			}
			hits, err := store.Search(rt.Context(), q)
			if err != nil {
				rt.Fatalf("search: %v", err)
			}
			m.checkHits(rt, q, hits)
		}
	})
}

// What payloads and filters are drawn from: few values, so that they meet, and
// values that easily lose their type or their last digit.
var (
	keys     = rapid.SampledFrom([]string{"a", "b", "a.b", "B", "é", "x y"})
	ints     = rapid.SampledFrom([]int64{0, 1, -1, 2, 3, 1<<53 + 1, -1<<53 - 1, math.MaxInt64, math.MinInt64})
	bounds   = rapid.SampledFrom([]float64{0, 1, -1, 2, 2.5, -.5, 1 << 53, 1e300, -1e300, math.SmallestNonzeroFloat64})
	floats   = rapid.OneOf(bounds, rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), .1, 1. / 3}))
	texts    = rapid.Map(rapid.SliceOfN(rapid.SampledFrom(wordList), 0, 5), func(list []string) string { return strings.Join(list, " ") })
	strs     = rapid.OneOf(rapid.SampledFrom([]string{"", "1", "true", "red"}), texts)
	numbers  = rapid.OneOf(rapid.Map(ints, toAny), rapid.Map(bounds, toAny))
	scalars  = rapid.OneOf(rapid.Map(strs, toAny), numbers, rapid.Map(rapid.Bool(), toAny))
	values   = rapid.OneOf(scalars, rapid.Map(floats, toAny), rapid.Map(rapid.SliceOfN(strs, 0, 4), toAny), rapid.Just[any](nil))
	wordList = []string{"red", "Red", "RED,car", "car.", "cars", "a", "naïve", "NAÏVE", "cafe\u0301", "ΟΔΟΣ", "οδος", "İzmir", "izmir", "汽车", "红汽车b", "車", "x2", "²", "हिन्दी", "-", "_", "3.5"}
)

// Payloads draws payloads of few keys and values, so that filters of DrawFilter
// choose some of them.
func Payloads() *rapid.Generator[index.Payload] {
	return rapid.Map(rapid.MapOfN(keys, values, 0, 6), func(m map[string]any) index.Payload {
		if len(m) == 0 {
			return nil
		}
		return m
	})
}

func toAny[T any](v T) any { return v }

// DrawFilter draws a filter of a depth at most.
func DrawFilter(t *rapid.T, depth int) index.Filter {
	kinds := []string{"equal", "in", "range", "exists", "text", "and", "or", "not"}
	if depth == 0 {
		kinds = kinds[:5]
	}
	kind := rapid.SampledFrom(kinds).Draw(t, "kind")
	switch kind {
	case "and", "or":
		parts := make([]index.Filter, rapid.IntRange(0, 3).Draw(t, "parts"))
		for i := range parts {
			parts[i] = DrawFilter(t, depth-1)
		}
		if kind == "and" {
			return index.And(parts)
		}
		return index.Or(parts)
	case "not":
		return index.Not{Filter: DrawFilter(t, depth-1)}
	}
	key := keys.Draw(t, "key")
	switch kind {
	case "equal":
		return index.Equal{Key: key, Value: scalars.Draw(t, "value")}
	case "in":
		elements := rapid.SampledFrom([]*rapid.Generator[any]{rapid.Map(strs, toAny), numbers}).Draw(t, "type")
		return index.In{Key: key, Values: rapid.SliceOfN(elements, 1, 4).Draw(t, "values")}
	case "range":
		b := rapid.SliceOfN(rapid.Ptr(bounds, true), 4, 4).
			Filter(func(b []*float64) bool { return slices.ContainsFunc(b, func(x *float64) bool { return x != nil }) }).Draw(t, "bounds")
		return index.Range{Key: key, Above: b[0], From: b[1], Below: b[2], To: b[3]}
	case "exists":
		return index.Exists{Key: key}
	}
	text := index.Text{Key: key, Words: rapid.SampledFrom(wordList).Draw(t, "word") + " " + texts.Draw(t, "words")}
	if text.Check() != nil { // no words but marks
		text.Words = "red"
	}
	return text
}

// testIndexPayload makes indexes of payload keys before and after items, which change
// no answer.
func testIndexPayload(t *testing.T, f fixture) {
	store := f.fresh(len(photos))
	x, ok := store.(index.PayloadIndexer)
	if !ok {
		t.Skip("the engine makes no indexes of payload keys")
	}
	check := func() {
		t.Helper()
		for _, test := range []struct {
			filter index.Filter
			want   []index.ID
		}{
			{index.Equal{Key: "tags", Value: "zebra"}, []index.ID{1}},
			{index.And{index.Range{Key: "width", From: new(640.0)}, index.Not{Filter: index.Text{Key: "captions", Words: "parked"}}}, []index.ID{1, 3}},
			{index.Or{index.Equal{Key: "flipped", Value: true}, index.Text{Key: "captions", Words: "CARS"}}, []index.ID{1, 3}},
		} {
			hits := f.search(store, index.Query{Vector: axis(len(photos), 0), K: 10, Filter: test.filter})
			f.wantIDs(hits, test.want...)
		}
	}
	for _, keys := range []map[string]index.PayloadKind{
		{"tags": index.Keyword}, {"width": index.Number, "captions": index.Words, "flipped": index.Bool, "nowhere": index.Integer}, {"tags": index.Keyword}, nil,
	} {
		if err := x.IndexPayload(t.Context(), keys); err != nil {
			t.Fatalf("indexes of %v: %v", keys, err)
		}
		for id := 1; id < 7; id++ {
			f.upsert(store, index.Item{ID: index.ID(id), Vector: axis(len(photos), id), Payload: photos[id]})
		}
		check()
	}
	for name, bad := range map[string]map[string]index.PayloadKind{"no key": {"": index.Bool}, "no kind": {"a": ""}, "another kind": {"a": "text"}} {
		if err := x.IndexPayload(t.Context(), bad); !errors.Is(err, index.ErrPayload) {
			t.Errorf("%s: error %v, want ErrPayload", name, err)
		}
	}
}
