package scenes

import (
	"maps"
	"slices"
	"strings"
)

// The phrases of captions, in three wordings each where there are three.
var (
	backgroundPhrases = [][3]string{
		Meadow:     {"in a meadow", "on green grass", "in a grassy field"},
		Beach:      {"on a beach", "on sand by the water", "at the seaside"},
		Desert:     {"in a desert", "among sand dunes", "in the dry desert"},
		Forest:     {"in a forest", "in the woods", "before a dark forest"},
		Mountains:  {"in the mountains", "below snowy peaks", "in a mountain valley"},
		Street:     {"on a street", "in a city", "on a road in town"},
		Sea:        {"at sea", "on open water", "on the ocean"},
		Snowfield:  {"on a snowfield", "on snowy ground", "on a white plain"},
		Kitchen:    {"in a kitchen", "on a kitchen table", "on a wooden table"},
		LivingRoom: {"in a living room", "on the floor of a living room", "in a room with a rug"},
	}
	lightPhrases = [][3]string{
		Day:    {"by day", "during the day", "in daylight"},
		Sunset: {"at sunset", "in the evening", "at dusk"},
		Night:  {"at night", "in the dark", "after dark"},
	}
	weatherPhrases = [][3]string{
		Clear: {"in clear weather", "under a clear sky", "in fine weather"},
		Rain:  {"in the rain", "while it rains", "in rainy weather"},
		Snow:  {"in falling snow", "while it snows", "in snowy weather"},
		Fog:   {"in fog", "in the mist", "in foggy weather"},
	}
	sizePhrases = [][3]string{
		Middling: {},
		Small:    {"small", "little", "tiny"},
		Large:    {"large", "big", "huge"},
	}
	relations = [][3]string{
		leftOf:  {"to the left of", "on the left of", "to the left of"},
		rightOf: {"to the right of", "on the right of", "to the right of"},
		above:   {"above", "over", "above"},
		below:   {"below", "under", "below"},
		inFront: {"in front of", "in front of", "in front of"},
		behind:  {"behind", "behind", "behind"},
		near:    {"near", "close to", "beside"},
	}
	weSee         = [3]string{"we see", "there can be seen", "you can see"}
	columnPhrases = []string{left: "on the left", middle: "in the middle", right: "on the right"}
	facingPhrases = []string{"facing left", "facing right"}
	stripePhrases = []string{"with broad stripes", "with narrow stripes"}
	numbers       = []string{"", "a", "two", "three", "four"}
)

// Phrase returns the background as a caption may say it: "in a meadow".
func (b Background) Phrase() string { return backgroundPhrases[b][0] }

// Phrase returns the light as a caption may say it: "at night".
func (l Light) Phrase() string { return lightPhrases[l][0] }

// Phrase returns the weather as a caption may say it: "in the rain".
func (w Weather) Phrase() string { return weatherPhrases[w][0] }

const (
	inTheSky = "in the sky"
	farAway  = "far away"
	joints   = "a an and with in"
)

// relation is how one group is to another.
type relation uint8

const (
	leftOf relation = iota
	rightOf
	above
	below
	inFront
	behind
	near
)

// Vocabulary returns all words that captions are made of, in alphabetical
// order.
func Vocabulary() []string {
	text := []string{joints, inTheSky, farAway}
	for _, table := range [][][3]string{
		backgroundPhrases, lightPhrases, weatherPhrases, sizePhrases, relations, {weSee},
	} {
		for _, phrases := range table {
			text = append(text, phrases[:]...)
		}
	}
	text = slices.Concat(text, columnPhrases, facingPhrases, stripePhrases, numbers, colourNames, patternNames[1:])
	for _, k := range kinds {
		text = append(text, k.Name, k.Also[0])
		if k.Most != 1 {
			text = append(text, k.Plural, k.Also[1])
		}
		if k.Wears != "" {
			text = append(text, k.Wears, plural(k.Wears))
		}
		if len(k.Poses) > 1 {
			for _, p := range k.Poses {
				text = append(text, p.Name)
			}
		}
	}
	words := map[string]bool{}
	for w := range strings.FieldsSeq(strings.Join(text, " ")) {
		words[w] = true
	}
	return slices.Sorted(maps.Keys(words))
}
