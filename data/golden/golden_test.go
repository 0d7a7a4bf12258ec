package golden

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The package is used in tests, as here.
func Example() {
	test := func(t *testing.T) {
		Text(t, "plan.txt", "what the command printed\n")
		Rankings(t, "ranking/scenes.txt", "the five nearest of 300 scenes", .002, []Query{
			{Name: "a red car", Hits: []Hit{{.93, "a red car on grass"}, {.91, "a red boat"}}},
		})
	}
	_ = test
}

func TestRankingsSurviveTheirFile(t *testing.T) {
	want := []Query{{"a red car", []Hit{{.9312, "a  red boat"}, {-.5, "12"}}}, {"nothing", nil}}
	got, err := parseRankings(formatRankings("two queries", want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, bad := range []string{"  0.5  no query", "query\n  high  name"} {
		if _, err := parseRankings(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestRankingsAreComparedWithinTheTolerance(t *testing.T) {
	want := Query{"q", []Hit{{.9, "a"}, {.801, "b"}, {.8, "c"}}}
	for _, test := range []struct {
		name  string
		got   Query
		fault string
	}{
		{"the same", want, ""},
		{"scores that are close", Query{"q", []Hit{{.9015, "a"}, {.8, "b"}, {.7995, "c"}}}, ""},
		{"close results change places", Query{"q", []Hit{{.9, "a"}, {.801, "c"}, {.8, "b"}}}, ""},
		{"a close result that was not listed", Query{"q", []Hit{{.9, "a"}, {.801, "b"}, {.8, "d"}}}, ""},
		{"another score", Query{"q", []Hit{{.9, "a"}, {.801, "b"}, {.7, "c"}}}, "result 3 has score"},
		{"results change places", Query{"q", []Hit{{.9, "b"}, {.801, "a"}, {.8, "c"}}}, `result 1 is "b", wanted "a"`},
		{"a new best result", Query{"q", []Hit{{.9, "d"}, {.801, "b"}, {.8, "c"}}}, `result 1 is "d", wanted "a"`},
		{"a result is missing", Query{"q", []Hit{{.9, "a"}, {.801, "b"}}}, "2 results, wanted 3"},
		{"another query", Query{"p", want.Hits}, `"q" in its place`},
	} {
		fault := compareRanking(want, test.got, .002)
		if test.fault == "" && fault != "" || test.fault != "" && !strings.Contains(fault, test.fault) {
			t.Errorf("%s: fault is %q, want %q", test.name, fault, test.fault)
		}
	}
}

func TestFirstDifference(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", -1}, {"ab", "ab", -1}, {"ab", "ac", 1}, {"ab", "abc", 2}, {"", "x", 0}} {
		if got := firstDifference([]byte(test.a), []byte(test.b)); got != test.want {
			t.Errorf("%q and %q differ from %d on, want %d", test.a, test.b, got, test.want)
		}
	}
}
