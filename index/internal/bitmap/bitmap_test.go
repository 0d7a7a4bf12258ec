package bitmap_test

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"engram/index"
	"engram/index/indextest"
	"engram/index/internal/bitmap"
)

// indexOf makes the index of a field of payloads.
func indexOf(t rapid.TB, field bitmap.Field, payloads []index.Payload) *bitmap.Index {
	t.Helper()
	b := bitmap.NewBuilder(field)
	for _, p := range payloads {
		b.Add(p[field.Key])
	}
	encoded, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	x, err := bitmap.Parse(field, len(payloads), encoded)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// checkChoice compares a choice with what Match says of every row.
func checkChoice(t rapid.TB, f index.Filter, payloads []index.Payload, c bitmap.Choice) {
	t.Helper()
	for row, p := range payloads {
		match := f.Match(p)
		switch {
		case c.Possible == nil:
			if c.Exact {
				t.Fatalf("%+v: nothing is possible, and that is exact", f)
			}
		case match && !c.Possible.Has(row):
			t.Fatalf("%+v chooses row %d, %v, which is not possible", f, row, p)
		case !match && c.Sure.Has(row):
			t.Fatalf("%+v does not choose row %d, %v, which is sure", f, row, p)
		case c.Exact && match != c.Possible.Has(row):
			t.Fatalf("%+v: row %d, %v is chosen: %v", f, row, p, !match)
		case c.Sure.Has(row) && !c.Possible.Has(row):
			t.Fatalf("%+v: row %d is sure and not possible", f, row)
		}
	}
}

// Any filter over any of its fields' indexes leaves open only what no index decides.
func TestAChoiceIsWhatMatchSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		payloads := make([]index.Payload, rapid.IntRange(1, 40).Draw(rt, "rows"))
		for i := range payloads {
			payloads[i] = indextest.Payloads().Draw(rt, "payload")
		}
		f := indextest.DrawFilter(rt, 3)
		complete := true
		have := map[bitmap.Field]*bitmap.Index{}
		for _, field := range bitmap.Fields(f) {
			if rapid.IntRange(0, 3).Draw(rt, "missing") == 0 {
				complete = false
				continue
			}
			have[field] = indexOf(rt, field, payloads)
		}
		c, err := bitmap.Choose(f, len(payloads), func(field bitmap.Field) (*bitmap.Index, error) { return have[field], nil })
		if err != nil {
			rt.Fatal(err)
		}
		if complete && !c.Exact {
			rt.Fatalf("%+v is not decided by the indexes of all of its fields", f)
		}
		checkChoice(rt, f, payloads, c)
	})
}

// Ranges over many numbers take whole bins and parts of them.
func TestRangesOfManyNumbers(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]func(i int) any{
		"each once":       func(i int) any { return int64(i * 7919 % 20000) },
		"few":             func(i int) any { return float64(i%5) - 2 },
		"one and a half":  func(i int) any { return []any{1.5, nil, "x"}[i%3] },
		"mixed with NaN":  func(i int) any { return []any{math.NaN(), int64(i), float64(-i) / 3, math.Inf(1), math.Inf(-1)}[i%5] },
		"of many a piece": func(i int) any { return int64(math.Sqrt(float64(i))) },
	} {
		payloads := make([]index.Payload, 20000)
		for i := range payloads {
			payloads[i] = index.Payload{"n": value(i)}
		}
		x := indexOf(t, bitmap.Field{Key: "n", Kind: bitmap.Values}, payloads)
		find := func(bitmap.Field) (*bitmap.Index, error) { return x, nil }
		for _, lo := range []float64{math.Inf(-1), -2000, -1.5, 0, 1, 140, 9999.5, 20000} {
			for _, hi := range []float64{-1, 0, 1.5, 141, 5000, 12345, math.Inf(1)} {
				var f index.Range
				f.Key = "n"
				switch {
				case !math.IsInf(lo, 0) && int(lo)%2 == 0:
					f.From = &lo
				case !math.IsInf(lo, 0):
					f.Above = &lo
				}
				switch {
				case !math.IsInf(hi, 0) && int(hi)%2 == 0:
					f.To = &hi
				case !math.IsInf(hi, 0):
					f.Below = &hi
				}
				if f.Check() != nil {
					continue // unbounded
				}
				c, err := bitmap.Choose(f, len(payloads), find)
				if err != nil || !c.Exact {
					t.Fatalf("%s: choice of %+v: exact %v, error %v", name, f, c.Exact, err)
				}
				checkChoice(t, f, payloads, c)
			}
		}
	}
}

func TestWithoutAnIndexNothingIsKnown(t *testing.T) {
	c, err := bitmap.Choose(index.Not{Filter: index.Exists{Key: "k"}}, 10, func(bitmap.Field) (*bitmap.Index, error) { return nil, nil })
	if c.Possible != nil || c.Exact || err != nil {
		t.Errorf("choice %+v, error %v; want none", c, err)
	}
	c, err = bitmap.Choose(index.And{}, 10, nil)
	if c.Possible.Count() != 10 || !c.Exact || err != nil {
		t.Errorf("choice %+v, error %v; want all 10 rows", c, err)
	}
}

func TestFieldsOfAFilter(t *testing.T) {
	f := index.Or{index.Text{Key: "b", Words: "x"}, index.Not{Filter: index.Equal{Key: "b", Value: true}}, index.And{index.Exists{Key: "a"}, index.Equal{Key: "b", Value: int64(1)}}}
	want := []bitmap.Field{{Key: "a", Kind: bitmap.Values}, {Key: "b", Kind: bitmap.Values}, {Key: "b", Kind: bitmap.Words}}
	if got := bitmap.Fields(f); !slices.Equal(got, want) {
		t.Errorf("fields %v, want %v", got, want)
	}
	for _, bad := range []bitmap.Field{{Kind: bitmap.Values}, {Key: "a"}, {Key: "a", Kind: "float"}} {
		if bad.Check() == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}

// An index cut or changed anywhere is refused, or answers without a panic. What
// keeps wrong answers away is the checksum of the file.
func TestADamagedIndexIsNoPanic(t *testing.T) {
	t.Parallel()
	payloads := make([]index.Payload, 400)
	for i := range payloads {
		payloads[i] = index.Payload{"k": []any{int64(i), "x", 1.5, true, nil}[i%5]}
	}
	field := bitmap.Field{Key: "k", Kind: bitmap.Values}
	b := bitmap.NewBuilder(field)
	for _, p := range payloads {
		b.Add(p["k"])
	}
	whole, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) {
		if _, err := bitmap.Parse(field, len(payloads), whole[:cut]); !errors.Is(err, index.ErrCorrupt) {
			t.Fatalf("cut to %d of %d bytes: error %v, want ErrCorrupt", cut, len(whole), err)
		}
	}
	refused := 0
	for i := range whole {
		damaged := slices.Clone(whole)
		damaged[i] ^= 0xff
		x, err := bitmap.Parse(field, len(payloads), damaged)
		if err != nil {
			refused++
			continue
		}
		for _, f := range []index.Filter{index.Equal{Key: "k", Value: "x"}, index.Exists{Key: "k"}, index.Range{Key: "k", From: new(1.0), To: new(300.0)}} {
			if _, err := bitmap.Choose(f, len(payloads), func(bitmap.Field) (*bitmap.Index, error) { return x, nil }); err != nil {
				refused++
				break
			}
		}
	}
	if refused < len(whole)/4 {
		t.Errorf("%d of %d changes were refused", refused, len(whole))
	}
}

// Filters have the same key only where they are the same.
func TestKeysTellFiltersApart(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := indextest.DrawFilter(rt, 3), indextest.DrawFilter(rt, 3)
		if bytes.Equal(bitmap.AppendKey(nil, a), bitmap.AppendKey(nil, b)) != reflect.DeepEqual(a, b) {
			rt.Fatalf("%#v and %#v: the keys are the same or the filters are, not both", a, b)
		}
	})
	one := 1.
	for i, f := range distinct(&one) {
		for j, g := range distinct(&one) {
			if same := bytes.Equal(bitmap.AppendKey(nil, f), bitmap.AppendKey(nil, g)); same != (i == j) {
				t.Errorf("%#v and %#v: same key %v", f, g, same)
			}
		}
	}
}

// distinct are filters that are alike in some way.
func distinct(one *float64) []index.Filter {
	return []index.Filter{
		index.And{}, index.Or{}, index.And{index.And{}}, index.And{index.And{}, index.Or{}}, index.And{index.And{index.Or{}}},
		index.Not{Filter: index.And{}}, index.Exists{Key: "a"}, index.Exists{Key: "ab"}, index.Text{Key: "a", Words: "b"}, index.Text{Key: "ab", Words: ""},
		index.Equal{Key: "a", Value: "1"}, index.Equal{Key: "a", Value: int64(1)}, index.Equal{Key: "a", Value: 1.}, index.Equal{Key: "a", Value: true},
		index.Equal{Key: "a", Value: false}, index.In{Key: "a", Values: []any{"1"}}, index.In{Key: "a", Values: []any{"1", "1"}},
		index.In{Key: "a", Values: []any{"1s", "1"}}, index.In{Key: "a", Values: []any{"1", "s1"}},
		index.Range{Key: "a", Above: one}, index.Range{Key: "a", From: one}, index.Range{Key: "a", Below: one}, index.Range{Key: "a", To: one},
		index.Range{Key: "a", Above: one, To: one}, index.And{index.Range{Key: "a", Above: one}, index.Range{Key: "a", To: one}},
	}
}
