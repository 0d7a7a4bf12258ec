package scenes

import (
	"math"
	"slices"
	"testing"
)

func TestKinds(t *testing.T) {
	if len(kinds) < 40 {
		t.Errorf("there are %d kinds, wanted 40 or more", len(kinds))
	}
	seen := map[string]bool{}
	found := make([]int, len(backdrops))
	categories := map[Category]int{}
	for i, k := range kinds {
		if seen[k.Name] {
			t.Errorf("two kinds are called %s", k.Name)
		}
		seen[k.Name] = true
		categories[k.Category]++
		if k.Plural == "" || len(k.Colours) == 0 || len(k.Poses) == 0 || k.Tall < 0.1 || k.Tall > 1 {
			t.Errorf("%s lacks something: %q, %v, %d poses, %g tall", k.Name, k.Plural, k.Colours, len(k.Poses), k.Tall)
		}
		for _, c := range k.Colours {
			if !slices.ContainsFunc(k.Accent, func(a Colour) bool { return a != c }) && k.Accent != nil {
				t.Errorf("%s has no accent that is seen on %v", k.Name, c)
			}
		}
		for b := range backdrops {
			found[b] += int(k.Found >> b & 1)
		}
		if (k.On == water || k.On == underwater) && k.Found&^(sea|beach) != 0 || k.On == ground && k.Found&sea != 0 || k.On == air && k.Found&indoors != 0 {
			t.Errorf("%s is found where it cannot be", k.Name)
		}
		for _, d := range drawings[i] {
			if d.right-d.left < 20 || d.bottom-d.top < 20 || d.bottom > 110 {
				t.Errorf("%s %s: drawn in %v, wanted a frame whose bottom is near 100", k.Name, d.Name, d.extent)
			}
		}
	}
	for b, n := range found {
		if n < 6 {
			t.Errorf("only %d kinds are found in %v", n, Background(b))
		}
	}
	for _, c := range Categories() {
		if categories[c] < 3 {
			t.Errorf("only %d kinds are of the category %v", categories[c], c)
		}
	}
}

// Every kind must come: a kind that never finds room is as good as missing.
func TestEveryKindIsDrawn(t *testing.T) {
	w := New(1)
	count := map[Kind]int{}
	backgrounds := map[Background]int{}
	for i := range uint64(3000) {
		s := w.Scene(Train, i)
		backgrounds[s.Background]++
		for _, t := range s.Things {
			count[t.Kind]++
		}
	}
	for _, k := range Kinds() {
		if count[k] < 10 {
			t.Errorf("%v comes only %d times in 3,000 scenes", k, count[k])
		}
	}
	for _, b := range Backgrounds() {
		if backgrounds[b] < 100 {
			t.Errorf("%v comes only %d times in 3,000 scenes", b, backgrounds[b])
		}
	}
}

func TestColoursAreFarApart(t *testing.T) {
	if len(palette) != len(Colours()) {
		t.Fatalf("%d colours are named, %d have a look", len(Colours()), len(palette))
	}
	for i, a := range palette {
		for j, b := range palette[:i] {
			dr, dg, db := float64(a.r)-float64(b.r), float64(a.g)-float64(b.g), float64(a.b)-float64(b.b)
			if d := math.Sqrt(dr*dr + dg*dg + db*db); d < 60 {
				t.Errorf("%v and %v are only %.0f apart", Colour(i), Colour(j), d)
			}
		}
	}
}

func TestPlusRoundsTheProduct(t *testing.T) {
	d := newDice(1)
	for range 1000 {
		b, c := d.between(0, 1), d.between(0, 1)
		product := b * c
		if got := plus(-product, b, c); got != 0 {
			t.Fatalf("-%v + %v·%v is %v: the product was not rounded", product, b, c, got)
		}
	}
}

func TestTurns(t *testing.T) {
	for i, p := range turns {
		sin, cos := math.Sincos(float64(i) * math.Pi / 32)
		if math.Abs(p.x-cos) > 1e-15 || math.Abs(p.y-sin) > 1e-15 {
			t.Errorf("turn %d is %v, wanted (%v, %v)", i, p, cos, sin)
		}
	}
}

func TestDice(t *testing.T) {
	// The first numbers of SplitMix64 for the seed 1234567, from the reference
	// code at https://prng.di.unimi.it/splitmix64.c.
	d := &dice{1234567}
	for i, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423} {
		if got := d.next(); got != want {
			t.Errorf("number %d is %d, wanted %d", i, got, want)
		}
	}
	count := make([]int, 7)
	for range 70_000 {
		count[d.below(7)]++
	}
	for i, n := range count {
		if n < 9_600 || n > 10_400 {
			t.Errorf("%d came %d times in 70,000", i, n)
		}
	}
	if a, b := newDice(1, 2).next(), newDice(2, 1).next(); a == b {
		t.Error("streams (1, 2) and (2, 1) are the same")
	}
}

func TestNamesOfUnknownValues(t *testing.T) {
	if got := Background(200).String(); got != "200" {
		t.Errorf("background 200 is called %q", got)
	}
	if _, ok := KindNamed("unicorn"); ok {
		t.Error("there are unicorns")
	}
}

func TestShowsAndPhrase(t *testing.T) {
	elephant, ok := KindNamed("elephant")
	zebra, also := KindNamed("zebra")
	if !ok || !also {
		t.Fatal("there is no elephant or no zebra")
	}
	if a, b := elephant.Phrase(), zebra.Phrase(); a != "an elephant" || b != "a zebra" {
		t.Errorf("the phrases are %q and %q", a, b)
	}
	s := Scene{Things: []Thing{{Kind: zebra}}}
	if !s.Shows(zebra) || s.Shows(elephant) {
		t.Error("a scene of a zebra shows an elephant or no zebra")
	}
}
