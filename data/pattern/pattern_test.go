package pattern_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"engram/data/internal/goldentest"
	"engram/data/pattern"
)

// golden is a pattern and what bash and braceexpand make of it
// (scripts/golden_pattern.py).
type golden struct {
	Pattern string
	Words   []string
}

func goldens(t testing.TB) []golden {
	t.Helper()
	var cases []golden
	goldentest.Load(t, &cases)
	return cases
}

func TestExpandAgreesWithBash(t *testing.T) {
	for _, g := range goldens(t) {
		words, err := pattern.Expand(g.Pattern)
		if err != nil {
			t.Error(err)
		} else if diff := cmp.Diff(g.Words, words); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", g.Pattern, diff)
		}
	}
}

// tree draws a pattern together with the words that it stands for.
func tree(t *rapid.T, depth int) (text string, words []string) {
	words = []string{""}
	for range rapid.IntRange(1, 3).Draw(t, "parts") {
		var part string
		var choices []string
		switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
		case kind == 0 && depth > 0:
			var inner []string
			for range rapid.IntRange(2, 3).Draw(t, "alternatives") {
				inside, choice := tree(t, depth-1)
				inner, choices = append(inner, inside), append(choices, choice...)
			}
			part = "{" + strings.Join(inner, ",") + "}"
		case kind == 1:
			first, last := rapid.IntRange(-12, 12).Draw(t, "first"), rapid.IntRange(-12, 12).Draw(t, "last")
			part = fmt.Sprintf("{%d..%d}", first, last)
			for n := min(first, last); n <= max(first, last); n++ {
				choices = append(choices, fmt.Sprint(n))
			}
			if last < first {
				slices.Reverse(choices)
			}
		case kind == 2:
			c := rapid.StringOfN(rapid.RuneFrom([]rune(`{},\*é`)), 1, 3, -1).Draw(t, "escaped")
			for _, r := range c {
				part += `\` + string(r)
			}
			choices = []string{c}
		default:
			part = rapid.StringMatching(`[a-c./]{0,3}`).Draw(t, "plain")
			choices = []string{part}
		}
		var next []string
		for _, a := range words {
			for _, b := range choices {
				next = append(next, a+b)
			}
		}
		text, words = text+part, next
	}
	return text, words
}

func TestExpandUndoesWhatWasNested(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, want := tree(t, 2)
		got, err := pattern.Expand(text)
		if len(want) > 1_000_000 {
			if !errors.Is(err, pattern.ErrTooMany) {
				t.Fatalf("%s: error is %v, want ErrTooMany", text, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s is %q, want %q", text, got, want)
		}
	})
}

func TestPatternsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		pattern string
		want    error
		says    string
	}{
		{"{a,b", pattern.ErrSyntax, "the brace at byte 0 is not closed"},
		{"x{a,{b}", pattern.ErrSyntax, "the brace at byte 1 is not closed"},
		{"a}b", pattern.ErrSyntax, "the brace at byte 1 closes nothing"},
		{"{a}}", pattern.ErrSyntax, "the brace at byte 3 closes nothing"},
		{"{", pattern.ErrSyntax, "not closed"},
		{"{1..99999999999999999999}", pattern.ErrSyntax, "99999999999999999999: a number beyond 64 bits"},
		{"{99999999999999999999..1}", pattern.ErrSyntax, "beyond 64 bits"},
		{"{1..3..99999999999999999999}", pattern.ErrSyntax, "a step beyond 64 bits"},
		{strings.Repeat("{", 101) + strings.Repeat("}", 101), pattern.ErrSyntax, "more than 100 braces"},
		{"{0..1000000}", pattern.ErrTooMany, "0 to 1000000 has more than 1000000 steps"},
		{"{-9223372036854775808..9223372036854775807}", pattern.ErrTooMany, "steps"},
		{"{1..1001}{1..1000}", pattern.ErrTooMany, "1001 times 1000"},
		{"{{1..1000000},a}", pattern.ErrTooMany, "1000001 names"},
		{strings.Repeat("{a,b}", 40), pattern.ErrTooMany, "at most 1000000"},
		{"{1..1000000}" + strings.Repeat("x", 300), pattern.ErrTooMany, "bytes of names"},
		{"{" + strings.Repeat("0", 300) + "1..1000000}", pattern.ErrTooMany, "bytes of names"},
	} {
		_, err := pattern.Expand(c.pattern)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.60s: error is %v, want %v that says %q", c.pattern, err, c.want, c.says)
		}
	}
}

func TestAsManyAsAllowed(t *testing.T) {
	words, err := pattern.Expand("{1..1000000}")
	if err != nil || len(words) != 1_000_000 || words[999_999] != "1000000" {
		t.Errorf("there are %d words, error %v", len(words), err)
	}
	words, err = pattern.Expand("{-9223372036854775808..9223372036854775807..9223372036854775807}")
	want := []string{"-9223372036854775808", "-1", "9223372036854775806"}
	if err != nil || !slices.Equal(words, want) {
		t.Errorf("got %q, error %v, want %q", words, err, want)
	}
}

func TestCompareCounts(t *testing.T) {
	want := []string{
		"", "-1", "0", "00", "01", "1", "2", "9.tar", "010", "10", "10.tar", "18446744073709551617",
		"a", "a1b", "a1b2", "a1b10", "a01b11", "a2", "a10", "ab", "b",
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, pattern.Compare)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Systems in Arabic, Hindi or Japanese number files with digits of their own.
func TestCompareCountsInEveryScript(t *testing.T) {
	for _, want := range [][]string{
		{"٢.png", "٩.png", "١٠.png", "١١.png", "٢٠.png"},
		{"२.png", "१०.png"},
		{"run２/1.png", "run１０/1.png", "runs"},
		{"2.png", "３.png", "10.png", "１１.png", "a"},
		{"𝟗.png", "𝟏𝟎.png"}, // mathematical digits: beyond 16 bits, fifty in one range
	} {
		got := slices.Clone(want)
		slices.Reverse(got)
		slices.SortFunc(got, pattern.Compare)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

func TestCompareIsATotalOrder(t *testing.T) {
	name := rapid.StringMatching(`[0-2a.٠-٢é]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := name.Draw(t, "a"), name.Draw(t, "b"), name.Draw(t, "c")
		ab, ba := pattern.Compare(a, b), pattern.Compare(b, a)
		if ab != -ba || (ab == 0) != (a == b) {
			t.Fatalf("%q and %q compare as %d, the other way as %d", a, b, ab, ba)
		}
		if ab <= 0 && pattern.Compare(b, c) <= 0 && pattern.Compare(a, c) > 0 {
			t.Fatalf("%q ≤ %q ≤ %q, but not the first and the last", a, b, c)
		}
	})
}

// Whatever the pattern, there is an error or a list within the bounds; without
// braces and backslashes it stands for itself.
func FuzzExpand(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(g.Pattern)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 64 {
			return
		}
		words, err := pattern.Expand(text)
		if err != nil {
			if !errors.Is(err, pattern.ErrSyntax) && !errors.Is(err, pattern.ErrTooMany) {
				t.Errorf("%q: unexpected error %v", text, err)
			}
			return
		}
		if len(words) == 0 || len(words) > 1_000_000 {
			t.Errorf("%q has %d words", text, len(words))
		}
		if !strings.ContainsAny(text, `{}\`) && !slices.Equal(words, []string{text}) {
			t.Errorf("%q became %q", text, words)
		}
	})
}
