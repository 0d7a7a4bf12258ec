package index_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
)

// photo is a payload with every type of value.
var photo = index.Payload{
	"path": "a/zebra.jpg", "empty": "", "captions": []string{"A Red car.", "two zebras, no CAR"}, "none": []string{},
	"yes": true, "no": false, "null": nil, "width": int64(640), "exact": int64(1<<53 + 1), "score": 1.0, "nan": math.NaN(),
}

func TestMatch(t *testing.T) {
	matches := func(payload index.Payload, f index.Filter) bool {
		t.Helper()
		if err := f.Check(); err != nil {
			t.Errorf("%+v: %v", f, err)
		}
		return f.Match(payload)
	}
	is := func(key string, value any) index.Filter { return index.Equal{Key: key, Value: value} }
	in := func(key string, values ...any) index.Filter { return index.In{Key: key, Values: values} }
	exists := func(key string) index.Filter { return index.Exists{Key: key} }
	from := func(key string, x float64) index.Filter { return index.Range{Key: key, From: &x} }
	to := func(key string, x float64) index.Filter { return index.Range{Key: key, To: &x} }

	for name, test := range map[string]struct {
		filter index.Filter
		want   bool
	}{
		"a string equals itself":                   {is("path", "a/zebra.jpg"), true},
		"a string does not equal its beginning":    {is("path", "a/zebra"), false},
		"a string equals in its own case only":     {is("path", "A/zebra.jpg"), false},
		"an empty string is a value to equal":      {is("empty", ""), true},
		"a list equals any element":                {is("captions", "two zebras, no CAR"), true},
		"a list does not equal part of an element": {is("captions", "two zebras"), false},
		"an empty list equals nothing":             {is("none", ""), false},
		"true equals true":                         {is("yes", true), true},
		"false equals false":                       {is("no", false), true},
		"false does not equal a missing key":       {is("missing", false), false},
		"nil equals nothing":                       {is("null", ""), false},
		"an int64 equals itself":                   {is("width", int64(640)), true},
		"an int64 is not its decimal digits":       {is("width", "640"), false},
		"an int64 equals the float64 of its value": {is("score", int64(1)), true},
		"int64s beyond 2^53 are told apart":        {is("exact", int64(1<<53)), false},
		"one of several strings":                   {in("path", "b", "a/zebra.jpg"), true},
		"one of several int64s":                    {in("width", int64(1), int64(640)), true},
		"none of several int64s":                   {in("width", int64(1), int64(2)), false},
		"an element is one of several":             {in("captions", "x", "A Red car."), true},
		"a float64 is among int64s":                {in("score", int64(1)), true},
		"a missing key is among nothing":           {in("missing", "", "x"), false},
		"a lower bound belongs to from":            {from("width", 640), true},
		"a lower bound does not belong to above":   {index.Range{Key: "width", Above: new(640.0)}, false},
		"above a fraction below":                   {index.Range{Key: "width", Above: new(639.5)}, true},
		"an upper bound belongs to to":             {to("width", 640), true},
		"an upper bound does not belong to below":  {index.Range{Key: "width", Below: new(640.0)}, false},
		"below a fraction above":                   {index.Range{Key: "width", Below: new(640.5)}, true},
		"a float64 lies in a range":                {from("score", .5), true},
		"both ends count":                          {index.Range{Key: "width", From: new(600.0), Below: new(700.0)}, true},
		"a range from right to left is empty":      {index.Range{Key: "width", From: new(700.0), To: new(600.0)}, false},
		"all four bounds count":                    {index.Range{Key: "width", Above: new(1.0), From: new(641.0), Below: new(1e9), To: new(1e9)}, false},
		"int64s are compared as float64s":          {to("exact", 1<<53), true},
		"NaN lies above nothing":                   {from("nan", -math.MaxFloat64), false},
		"NaN lies below nothing":                   {to("nan", math.MaxFloat64), false},
		"text has no size":                         {from("path", -1e9), false},
		"a list has no size":                       {from("captions", -1e9), false},
		"true has no size":                         {from("yes", -1e9), false},
		"nil has no size":                          {to("null", 1e9), false},
		"a missing key has no size":                {to("missing", 1e9), false},
		"a string exists":                          {exists("path"), true},
		"an empty string exists":                   {exists("empty"), true},
		"false exists":                             {exists("no"), true},
		"NaN exists":                               {exists("nan"), true},
		"a list exists":                            {exists("captions"), true},
		"an empty list does not exist":             {exists("none"), false},
		"nil does not exist":                       {exists("null"), false},
		"a missing key does not exist":             {exists("missing"), false},
		"and needs both":                           {index.And{exists("path"), is("no", true)}, false},
		"and of both":                              {index.And{exists("path"), is("no", false)}, true},
		"and of none is everything":                {index.And{}, true},
		"or needs one":                             {index.Or{is("no", true), exists("path")}, true},
		"or of none is nothing":                    {index.Or{}, false},
		"not of what does not hold":                {index.Not{Filter: is("path", "b")}, true},
		"not holds where the key is missing":       {index.Not{Filter: is("missing", "b")}, true},
		"not holds where the value is nil":         {index.Not{Filter: from("null", 0)}, true},
		"not of an element is no other element":    {index.Not{Filter: is("captions", "A Red car.")}, false},
		"not not":                                  {index.Not{Filter: index.Not{Filter: exists("path")}}, true},
		"not of nothing is everything":             {index.Not{Filter: index.Or{}}, true},
		"parts of parts":                           {index.And{index.Or{is("yes", false), index.Not{Filter: index.And{exists("x")}}}, exists("path")}, true},
	} {
		if got := matches(photo, test.filter); got != test.want {
			t.Errorf("%s: %+v gives %v", name, test.filter, got)
		}
	}
	for _, f := range []index.Filter{is("path", ""), in("path", ""), from("path", 0), exists("path"), index.Text{Key: "path", Words: "x"}} {
		if matches(nil, f) || matches(index.Payload{}, f) {
			t.Errorf("%+v chooses an item without a payload", f)
		}
	}
	deep := index.Filter(is("yes", true))
	for range 1000 {
		deep = index.And{index.Or{index.Not{Filter: index.Not{Filter: deep}}}}
	}
	if !matches(photo, deep) {
		t.Error("a filter of 4,000 levels does not match")
	}
}

func TestTextMatchesByWords(t *testing.T) {
	for name, test := range map[string]struct {
		value any
		words string
		want  bool
	}{
		"a word":                                        {"a red car", "red", true},
		"all words in any order":                        {"a red car", "car red a", true},
		"a word twice is needed once":                   {"a red car", "red red", true},
		"one word missing":                              {"a red car", "red bus", false},
		"part of a word":                                {"a red car", "ca", false},
		"another case":                                  {"A Red CAR", "rEd cAr", true},
		"marks between words":                           {"[red]-car!", "...red,car?", true},
		"an underscore ends a word":                     {"red_car", "car", true},
		"an apostrophe ends a word":                     {"the dog's", "dog", true},
		"digits are part of words":                      {"boeing747 x2", "747", false},
		"digits make words":                             {"boeing 747", "747", true},
		"one word in each element of a list":            {[]string{"a red bus", "a car"}, "red car", true},
		"one word in no element of a list":              {[]string{"a red bus", "a car"}, "red dog", false},
		"no elements":                                   {[]string{}, "red", false},
		"an empty text":                                 {"", "red", false},
		"a number":                                      {int64(5), "5", false},
		"nil":                                           {nil, "nil", false},
		"Cyrillic in another case":                      {"Красный АВТОМОБИЛЬ", "автомобиль КРАСНЫЙ", true},
		"an accent belongs to its letter":               {"naïve café", "naive", false},
		"a letter with an accent in another case":       {"NAÏVE CAFÉ", "café naïve", true},
		"a combining accent ends a word":                {"cafe\u0301s", "cafe", true},
		"a vowel sign of Devanagari does not":           {"हिन्दी", "हिन", true}, // but the virama after it does
		"nor ends it the word it is in":                 {"किताब", "क", false},
		"Chinese has no spaces":                         {"红色的汽车", "汽车", true},
		"but its runs have others around them":          {"红色的 汽车", "的汽车", false},
		"Chinese beside another script":                 {"红色iPhone手机", "手机", true},
		"which is in the same run":                      {"红色iPhone手机", "iphone", false},
		"Japanese":                                      {"東京タワーの夜", "タワー", true},
		"Thai":                                          {"รถยนต์สีแดง", "สีแดง", true},
		"Korean has spaces":                             {"빨간자동차", "자동차", false},
		"a run of Chinese":                              {"红色的汽车", "红色的汽车", true},
		"Roman and raised numerals":                     {"Ⅻ m²", "ⅻ m²", true},
		"capital sigma at the end, small within":        {"ΟΔΟΣ ΣΟΦΟΣ", "οδος σοφος", true},
		"capital sigma alone":                           {"Σ", "σ", true},
		"small sigmas are different letters":            {"οδος", "οδοσ", false},
		"sigma before a modifier letter and a letter":   {"ΑΣʹΑ", "ασʹα", true},
		"dotted capital I in another case":              {"İSTANBUL", "İstanbul", true},
		"dotted capital I is not i":                     {"İstanbul", "istanbul", false},
		"the sharp s is not two":                        {"Straße", "strasse", false},
		"the Kelvin sign becomes k":                     {"300 \u212a", "300 k", true},
		"bytes that are no text end words":              {"red\xffcar", "car", true},
		"a zero byte ends words":                        {"red\x00car", "red", true},
		"a word beyond the basic plane in another case": {"𐐀𐐁", "𐐨𐐩", true},
	} {
		f := index.Text{Key: "k", Words: test.words}
		if err := f.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := f.Match(index.Payload{"k": test.value}); got != test.want {
			t.Errorf("%s: %q in %q gives %v", name, test.words, test.value, got)
		}
	}
}

func TestCheckRefusesAFilterWithoutMeaning(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for want, f := range map[string]index.Filter{
		"a condition names no key":                                  index.Equal{Value: "x"},
		"names no key of the payload":                               index.Exists{},
		`"k" is compared with a value of type float64`:              index.Equal{Key: "k", Value: math.Inf(1)},
		`"k" is compared with a value of type int`:                  index.Equal{Key: "k", Value: 1},
		`"k" is compared with a value of type <nil>`:                index.Equal{Key: "k"},
		`"k" is compared with a value of type []string`:             index.Equal{Key: "k", Value: []string{"x"}},
		`"k" is looked for in an empty list`:                        index.In{Key: "k"},
		`"k" is looked for in a list whose value 1 is of type int6`: index.In{Key: "k", Values: []any{"x", int64(1)}},
		`value 1 is of type string`:                                 index.In{Key: "k", Values: []any{int64(1), "x"}},
		`value 0 is of type bool`:                                   index.In{Key: "k", Values: []any{true, true}},
		`value 2 is of type float64`:                                index.In{Key: "k", Values: []any{int64(1), int64(2), math.NaN()}},
		`the range of "k" has no bound`:                             index.Range{Key: "k"},
		`the range of "k" has the bound NaN`:                        index.Range{Key: "k", From: &nan},
		`the range of "k" has the bound +Inf`:                       index.Range{Key: "k", Above: new(0.0), To: &inf},
		`the text looked for in "k" is "", wanted a word`:           index.Text{Key: "k"},
		`the text looked for in "k" is "-!"`:                        index.Text{Key: "k", Words: "-!"},
		`"not" has nothing to negate`:                               index.Not{},
		`filter 1 of "and" is missing`:                              index.And{index.Exists{Key: "k"}, nil},
		`filter 0 of "or" is missing`:                               index.Or{nil},
		`of type uint8`:                                             index.Not{Filter: index.Or{index.And{index.Equal{Key: "k", Value: byte(1)}}}},
	} {
		if err := f.Check(); !errors.Is(err, index.ErrFilter) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want ErrFilter with %q", f, err, want)
		}
	}
}

func TestKeysAreThoseThatMatchLooksUp(t *testing.T) {
	f := index.And{
		index.Or{index.Equal{Key: "e", Value: "x"}, index.In{Key: "a", Values: []any{"x"}}},
		index.Not{Filter: index.Range{Key: "r", To: new(1.0)}}, index.Text{Key: "a", Words: "x"}, index.Exists{Key: "b"},
	}
	if diff := cmp.Diff([]string{"a", "b", "e", "r"}, index.Keys(f)); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if keys := index.Keys(index.Not{Filter: index.Or{}}); len(keys) != 0 {
		t.Errorf("keys of a filter without conditions: %q", keys)
	}
}

func TestSafeLeavesOutWhatIsMarked(t *testing.T) {
	safe := index.Safe()
	if err := safe.Check(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		payload index.Payload
		want    bool
	}{
		{nil, true},
		{index.Payload{"path": "nsfw.jpg"}, true},
		{index.Payload{"NSFW": "UNLIKELY", "punsafe": .01}, true},
		{index.Payload{"NSFW": nil, "punsafe": nil}, true},
		{index.Payload{"NSFW": "NSFW"}, false},
		{index.Payload{"NSFW": "Nsfw", "punsafe": .0}, false},
		{index.Payload{"NSFW": "unsure"}, false},
		{index.Payload{"NSFW": "UNLIKELY", "punsafe": 0.5}, false},
		{index.Payload{"punsafe": math.Nextafter(0.5, 0)}, true},
		{index.Payload{"punsafe": int64(1)}, false},
		{index.Payload{"pwatermark": 1.0}, true},
	} {
		if got := safe.Match(test.payload); got != test.want {
			t.Errorf("%v is safe: %v, want %v", test.payload, got, test.want)
		}
	}
}
