package scenes_test

import (
	"slices"
	"strings"
	"testing"

	"engram/data/scenes"
)

// scene returns a scene of things that are made by hand.
func scene(things ...scenes.Thing) scenes.Scene {
	return scenes.Scene{Background: scenes.Meadow, Things: things}
}

// thing returns a plain thing in a box.
func thing(t *testing.T, kind string, colour scenes.Colour, box scenes.Box) scenes.Thing {
	t.Helper()
	k, ok := scenes.KindNamed(kind)
	if !ok {
		t.Fatalf("there is no kind %q", kind)
	}
	return scenes.Thing{Kind: k, Colour: colour, Accent: colour, Box: box}
}

func TestCaptionsSayWhatIsThere(t *testing.T) {
	car := thing(t, "car", scenes.Red, scenes.Box{Left: 0.05, Top: 0.6, Width: 0.3, Height: 0.2})
	car.FacesLeft = true
	secondCar := car
	secondCar.Box.Left = 0.1
	house := thing(t, "house", scenes.Blue, scenes.Box{Left: 0.6, Top: 0.4, Width: 0.3, Height: 0.3})
	house.Size = scenes.Large
	far := thing(t, "cow", scenes.White, scenes.Box{Left: 0.4, Top: 0.5, Width: 0.2, Height: 0.15})
	far.Pattern, far.Accent, far.Depth = scenes.Spotted, scenes.Brown, 0.65
	man := thing(t, "man", scenes.Orange, scenes.Box{Left: 0.4, Top: 0.3, Width: 0.2, Height: 0.5})
	man.Pattern, man.Accent, man.Pose = scenes.Checked, scenes.Blue, 1
	bird := thing(t, "bird", scenes.Black, scenes.Box{Left: 0.4, Top: 0.05, Width: 0.2, Height: 0.15})
	zebra := thing(t, "zebra", scenes.White, scenes.Box{Left: 0.3, Top: 0.3, Width: 0.4, Height: 0.4})
	zebra.Pattern, zebra.Accent, zebra.Individual = scenes.Striped, scenes.Black, 1
	dog := thing(t, "dog", scenes.Brown, scenes.Box{Left: 0.4, Top: 0.6, Width: 0.2, Height: 0.3})
	dog.Pose = 1

	for _, c := range []struct {
		scene scenes.Scene
		want  [3]string
	}{
		{scene(car), [3]string{
			"a red car on green grass during the day under a clear sky",
			"in a grassy field in daylight in fine weather you can see a red automobile on the left",
			"a red car facing left in a meadow by day in clear weather"}},
		{scene(car, secondCar, house), [3]string{
			"two red cars and a big blue house on green grass during the day under a clear sky",
			"in a grassy field in daylight in fine weather you can see two red automobiles on the left and a huge blue cottage on the right",
			"two red cars facing left to the left of a large blue house in a meadow by day in clear weather"}},
		{scene(far, man, bird), [3]string{
			"a man waving in an orange and blue checked shirt with a white and brown cow and a black bird" +
				" on green grass during the day under a clear sky",
			"in a grassy field in daylight in fine weather you can see a man waving in an orange and blue checked shirt in the middle" +
				" with a white and brown cow in the middle far away and a black songbird in the middle in the sky",
			"a man waving in an orange and blue checked shirt in front of a white and brown cow and below a black bird" +
				" in a meadow by day in clear weather"}},
		{scene(zebra, bird), [3]string{
			"a zebra standing and a black bird on green grass during the day under a clear sky",
			"in a grassy field in daylight in fine weather you can see a zebra standing with narrow stripes in the middle" +
				" and a black songbird in the middle in the sky",
			"a zebra standing with narrow stripes facing right below a black bird in a meadow by day in clear weather"}},
		{scenes.Scene{Background: scenes.LivingRoom, Light: scenes.Night, Things: []scenes.Thing{dog}}, [3]string{
			"a brown dog sitting on the floor of a living room in the dark",
			"in a room with a rug after dark you can see a brown dog sitting in the middle",
			"a brown dog sitting facing right in a living room at night"}},
	} {
		got := c.scene.Captions()
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("caption %d:\n got %s\nwant %s", i, got[i], c.want[i])
			}
		}
	}
}

func TestCaptionsNameEveryThing(t *testing.T) {
	w := scenes.New(21)
	vocabulary := scenes.Vocabulary()
	if !slices.IsSorted(vocabulary) || len(slices.Compact(slices.Clone(vocabulary))) != len(vocabulary) {
		t.Fatal("the vocabulary is not in order or has doubles")
	}
	used := map[string]bool{}
	for i := range uint64(6000) {
		s := w.Scene(scenes.Train, i)
		captions := s.Captions()
		if captions[0] == captions[1] || captions[1] == captions[2] || captions[0] == captions[2] {
			t.Errorf("scene %d has a caption twice: %q", i, captions)
		}
		for _, caption := range captions {
			for word := range strings.FieldsSeq(caption) {
				used[word] = true
				if _, ok := slices.BinarySearch(vocabulary, word); !ok {
					t.Fatalf("scene %d: %q is not in the vocabulary", i, word)
				}
			}
		}
	}
	for _, word := range vocabulary {
		if !used[word] {
			t.Errorf("no caption of 6,000 scenes has %q", word)
		}
	}
}

func TestCaptionsTellScenesApart(t *testing.T) {
	w := scenes.New(1)
	const n = 300
	for style := range 3 {
		same := map[string]int{}
		for i := range uint64(n) {
			s := w.Scene(scenes.Test, i)
			same[s.Captions()[style]]++
		}
		if len(same) < n*97/100 {
			t.Errorf("caption %d: %d scenes have only %d different ones", style, n, len(same))
		}
	}
}

// TestPhrasesAreOfKnownWords names every kind and setting with words of the vocabulary, each in
// its own way.
func TestPhrasesAreOfKnownWords(t *testing.T) {
	var phrases []string
	for _, k := range scenes.Kinds() {
		phrases = append(phrases, k.Phrase())
	}
	for _, b := range scenes.Backgrounds() {
		phrases = append(phrases, b.Phrase())
	}
	for _, l := range scenes.Lights() {
		phrases = append(phrases, l.Phrase())
	}
	for _, w := range scenes.Weathers() {
		phrases = append(phrases, w.Phrase())
	}
	vocabulary, said := scenes.Vocabulary(), map[string]bool{}
	for _, p := range phrases {
		if said[p] {
			t.Errorf("%q stands for two things", p)
		}
		said[p] = true
		for word := range strings.FieldsSeq(p) {
			if _, ok := slices.BinarySearch(vocabulary, word); !ok {
				t.Errorf("%q: %q is not in the vocabulary", p, word)
			}
		}
	}
	if len(said) != 73+10+3+4 {
		t.Errorf("%d phrases, want 73 kinds, 10 backgrounds, 3 lights and 4 weathers", len(said))
	}
}

func TestTheBriefCaptionNamesEachKindOnce(t *testing.T) {
	small := thing(t, "car", scenes.Red, scenes.Box{Left: .05, Top: .6, Width: .1, Height: .1})
	other := thing(t, "car", scenes.Blue, scenes.Box{Left: .3, Top: .6, Width: .1, Height: .1})
	house := thing(t, "house", scenes.Blue, scenes.Box{Left: .6, Top: .4, Width: .3, Height: .3})
	elephant := thing(t, "elephant", scenes.Brown, scenes.Box{Left: .5, Top: .1, Width: .05, Height: .05})
	for want, s := range map[string]scenes.Scene{
		"a car":                              scene(small),
		"a house and a car":                  scene(small, other, house),
		"a house with a car and an elephant": scene(elephant, small, house),
	} {
		if got := s.Brief(); got != want {
			t.Errorf("the brief caption is %q, want %q", got, want)
		}
	}
}
