package scenes_test

import (
	"slices"
	"strings"
	"testing"

	"engram/data/scenes"
)

func TestQueriesFitTheirSceneAndUseTheVocabulary(t *testing.T) {
	world, words := scenes.New(3), scenes.Vocabulary()
	texts := map[string]bool{}
	longest := 0
	for i := range uint64(300) {
		s := world.Scene(scenes.Train, i)
		other := world.Scene(scenes.Train, i+1)
		for n := range uint64(5) {
			q := s.Query(n)
			if !q.Fits(&s) {
				t.Fatalf("%q does not fit the scene that it is of: %s", q, s.Captions()[0])
			}
			if q.String() != s.Query(n).String() {
				t.Fatalf("query %d is %q once and %q then", n, q, s.Query(n))
			}
			for word := range strings.FieldsSeq(q.String()) {
				if _, known := slices.BinarySearch(words, word); !known {
					t.Fatalf("%q: the vocabulary has no word %q", q, word)
				}
			}
			if text := q.String(); strings.Contains(text, "zebra") && q.Fits(&other) &&
				!strings.Contains(other.Captions()[0], "zebra") {
				t.Errorf("%q fits %s", q, other.Captions()[0])
			}
			texts[q.String()] = true
			longest = max(longest, len(strings.Fields(q.String())))
		}
	}
	if len(texts) < 1000 || longest > 25 {
		t.Errorf("%d texts of up to %d words, want a thousand short ones", len(texts), longest)
	}
}

func TestAQueryThatLeavesThingsOpenFitsWhateverTheyAre(t *testing.T) {
	zebra := thing(t, "zebra", scenes.White, scenes.Box{Left: .3, Top: .3, Width: .4, Height: .4})
	zebra.Pattern, zebra.Accent = scenes.Striped, scenes.Black
	night := scene(zebra)
	night.Light = scenes.Night
	fits := map[string][2]bool{} // whether the query fits a zebra at night on a beach, and one by day
	beach, day := night, night
	beach.Background, day.Light = scenes.Beach, scenes.Day
	for n := range uint64(300) {
		q := night.Query(n)
		fits[q.String()] = [2]bool{q.Fits(&beach), q.Fits(&day)}
	}
	for text, want := range map[string][2]bool{
		"a zebra":             {true, true},
		"a zebra at night":    {true, false},
		"a zebra in a meadow": {false, true},
	} {
		if got, drawn := fits[text]; !drawn || got != want {
			t.Errorf("%q fits %v (drawn %v), want %v", text, got, drawn, want)
		}
	}
}
