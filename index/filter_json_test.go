package index_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
)

func TestParseFilter(t *testing.T) {
	for text, want := range map[string]index.Filter{
		`{"key":"categories","equal":"zebra"}`:                                     index.Equal{Key: "categories", Value: "zebra"},
		`{"equal":true,"key":"flipped"}`:                                           index.Equal{Key: "flipped", Value: true},
		`{"key":"id","equal":9007199254740993}`:                                    index.Equal{Key: "id", Value: int64(1<<53 + 1)},
		`{"key":"id","equal":640.0}`:                                               index.Equal{Key: "id", Value: int64(640)},
		`{"key":"id","equal":1.5}`:                                                 index.Equal{Key: "id", Value: 1.5},
		`{"key":"id","in":[1e2,2.5,-1e300]}`:                                       index.In{Key: "id", Values: []any{int64(100), 2.5, -1e300}},
		`{"key":"id","equal":-0}`:                                                  index.Equal{Key: "id", Value: int64(0)},
		`{"key":"id","in":[1,-2]}`:                                                 index.In{Key: "id", Values: []any{int64(1), int64(-2)}},
		`{"key":"NSFW","in":["NSFW"]}`:                                             index.In{Key: "NSFW", Values: []any{"NSFW"}},
		`{"key":"width","from":640,"below":2e3}`:                                   index.Range{Key: "width", From: new(640.0), Below: new(2000.0)},
		`{"key":"w","above":0.5,"to":1}`:                                           index.Range{Key: "w", Above: new(.5), To: new(1.0)},
		`{"key":"url","exists":true}`:                                              index.Exists{Key: "url"},
		`{"key":"url","exists":false}`:                                             index.Not{Filter: index.Exists{Key: "url"}},
		`{"key":"captions","text":"red car"}`:                                      index.Text{Key: "captions", Words: "red car"},
		`{"and":[]}`:                                                               index.And{},
		`{"or":[{"key":"a","exists":true}]}`:                                       index.Or{index.Exists{Key: "a"}},
		" {\n\"not\" : {\"and\":[ ] } } ":                                          index.Not{Filter: index.And{}},
		`{"key":"\u00fc.x","equal":"\ud83d\ude00"}`:                                index.Equal{Key: "ü.x", Value: "😀"},
		strings.Repeat(`{"not":`, 31) + `{"or":[` + `]}` + strings.Repeat(`}`, 31): nil,
	} {
		got, err := index.ParseFilter(text)
		if want == nil && errors.Is(err, index.ErrFilter) && strings.Contains(err.Error(), "more than 32") {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestParseFilterNamesThePlaceOfTheFault(t *testing.T) {
	for text, want := range map[string]string{
		``:                                     "filter: the JSON ends too early",
		`{"and":[`:                             "filter.and: the JSON ends too early",
		`{"and":[{"key":"a","exists":true},]}`: "filter.and[1]: byte",
		`{} {}`:                                "there is more after the filter",
		`null`:                                 "filter is null, wanted an object",
		`[]`:                                   "filter is an array, wanted an object",
		`{}`:                                   "filter has no condition, wanted and, or, not",
		`{"key":"a"}`:                          "filter has no condition",
		`{"equal":1}`:                          "filter has no key for its condition",
		`{"and":{}}`:                           "filter.and is an object, wanted an array of filters",
		`{"and":[3]}`:                          "filter.and[0] is 3, wanted an object",
		`{"and":[],"key":"a"}`:                 `filter has a key, which "and" has not`,
		`{"and":[],"or":[]}`:                   `filter is both "and" and "or", wanted one`,
		`{"key":"a","equal":1,"text":"x"}`:     `filter is both "equal" and "text"`,
		`{"key":"a","from":1,"in":[1]}`:        `filter is both "range" and "in"`,
		`{"key":"a","equals":1}`:               `filter has "equals", wanted key, and, or`,
		`{"Key":"a","equal":1}`:                `filter has "Key", wanted key`,
		`{"key":"a","equal":1,"equal":2}`:      `filter has "equal" twice`,
		`{"key":5,"equal":1}`:                  "filter.key is 5, wanted a string",
		`{"key":null,"equal":1}`:               "filter.key is null, wanted a string",
		`{"key":"","equal":1}`:                 "filter: a condition names no key of the payload",
		`{"key":"a","equal":null}`:             "filter.equal is null, wanted a string, a boolean or a number",
		`{"key":"a","equal":1e999}`:            "filter.equal is 1e999, wanted",
		`{"key":"a","equal":9223372036854775808}`:                 "filter.equal is 9223372036854775808, wanted",
		`{"key":"a","equal":["x"]}`:                               "filter.equal is an array, wanted",
		`{"or":[{"not":{"key":"a","in":["x",{}]}}]}`:              "filter.or[0].not.in[1] is an object, wanted",
		`{"key":"a","in":"x"}`:                                    "filter.in is a string, wanted an array",
		`{"and":[{"key":"a","in":[]}]}`:                           `filter.and[0]: "a" is looked for in an empty list`,
		`{"key":"a","in":["x",1]}`:                                "value 1 is of type int64",
		`{"key":"a","in":[true]}`:                                 "value 0 is of type bool",
		`{"key":"a","from":"1"}`:                                  "filter.from is a string, wanted a number",
		`{"key":"a","to":1e999}`:                                  "filter.to is 1e999, wanted a number that fits",
		`{"key":"a","below":null}`:                                "filter.below is null, wanted a number",
		`{"key":"a","exists":"yes"}`:                              "filter.exists is a string, wanted true or false",
		`{"key":"a","text":7}`:                                    "filter.text is 7, wanted a string",
		`{"key":"a","text":" . "}`:                                `filter: the text looked for in "a" is " . "`,
		`{"key":"a","text":"` + strings.Repeat("x ", 101) + `"}`:  "filter.text has more than 100 words",
		`{"key":"a","in":[` + strings.Repeat("1,", 1998) + `1]}`:  "the filter has more than 2000 values",
		strings.Repeat(`{"not":`, 40):                             "the filter is more than 32 objects and arrays deep",
		strings.Repeat(`[`, 1_000_000):                            "the filter is more than 32 objects and arrays deep",
		`{"key":"a","equal":` + strings.Repeat("9", 10_000) + `}`: "filter.equal is 9999999999999999999999999999999999999999, wanted",
		`{"not":{"key":"a","x":1}`:                                `filter: the JSON ends too early`,
	} {
		f, err := index.ParseFilter(text)
		if f != nil || !errors.Is(err, index.ErrFilter) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, error %v, want ErrFilter with %q", text, f, err, want)
		}
		if err != nil && (len(err.Error()) > 400 || strings.Count(err.Error(), index.ErrFilter.Error()) != 1) {
			t.Errorf("%.80s: the message is long or repeats itself: %v", text, err)
		}
	}
}

// FuzzParseFilter: what is taken passes Check, looks at payloads without a
// fault, and lies within the limits.
func FuzzParseFilter(f *testing.F) {
	f.Add(`{"and":[{"key":"a","equal":"x"},{"not":{"key":"b","in":[1,2]}},{"or":[{"key":"c","from":1,"to":2.5}]}]}`)
	f.Add(`{"key":"a","exists":false}`)
	f.Add(`{"key":"a","text":"Σ İ"}`)
	f.Add(strings.Repeat(`{"and":[`, 20))
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := index.ParseFilter(text)
		if err != nil {
			if !errors.Is(err, index.ErrFilter) || filter != nil {
				t.Fatalf("%v, error %v, want ErrFilter alone", filter, err)
			}
			return
		}
		if err := filter.Check(); err != nil {
			t.Fatal(err)
		}
		payload := index.Payload{}
		filter.Match(payload)
		for _, key := range index.Keys(filter) {
			payload[key] = []string{"x"}
		}
		filter.Match(payload)
	})
}

func ExampleParseFilter() {
	filter, err := index.ParseFilter(`{"and": [
		{"key": "categories", "equal": "zebra"},
		{"not": {"key": "captions", "text": "black white photo"}},
		{"key": "width", "from": 640}
	]}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(filter.Match(index.Payload{"categories": []string{"person", "zebra"}, "width": int64(640)}))
	fmt.Println(filter.Match(index.Payload{"categories": []string{"person"}, "width": int64(640)}))

	_, err = index.ParseFilter(`{"and": [{"key": "width", "equal": [1.5]}]}`)
	fmt.Println(err)
	// Output:
	// true
	// false
	// filter.and[0].equal is an array, wanted a string, a boolean or a number, a whole one of 64 bits: unusable filter
}
