package scenes

import "slices"

// Kind is a kind of thing, such as zebra: the place of its entry in the table
// of kinds.
type Kind uint8

// Kinds returns all kinds, category by category.
func Kinds() []Kind {
	out := make([]Kind, len(kinds))
	for i := range out {
		out[i] = Kind(i)
	}
	return out
}

// KindNamed returns the kind of that name, and whether there is one.
func KindNamed(name string) (Kind, bool) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.Name == name })
	return Kind(max(i, 0)), i >= 0
}

// String returns the name of the kind, in the singular.
func (k Kind) String() string { return kinds[k].Name }

// Phrase returns the kind as a text of one thing: "a zebra", "an elephant".
func (k Kind) Phrase() string { return sentence([]string{"a", k.String()}) }

// Category returns the family that the kind belongs to.
func (k Kind) Category() Category { return kinds[k].Category }

// Animate tells whether the kind is an animal or a person.
func (k Kind) Animate() bool { return k.Category().Animate() }

// Profile tells whether the kind is seen from its side: its things face left or right.
func (k Kind) Profile() bool { return kinds[k].Profile }

// Poses returns the names of the poses that the kind is drawn in, such as
// "grazing". The name of the only pose of a thing that has but one may be empty.
func (k Kind) Poses() []string {
	var out []string
	for _, p := range kinds[k].Poses {
		out = append(out, p.Name)
	}
	return out
}

// kind is an entry of the table of kinds.
type kind struct {
	Name, Plural string
	// Also is another name in the singular and the plural, if there is one.
	Also [2]string
	// Wears is what is coloured where it isn't the thing itself, such as a shirt.
	Wears    string
	Category Category
	// Tall is how high 100 of the kind's frame stand in a picture of height 1,
	// near the viewer.
	Tall float64
	// On is what they stand on, Found the backgrounds where they are put.
	On    medium
	Found places
	// Colours and Patterns are what the kind comes in. No patterns mean plain
	// things. A colour is told in captions where there is a choice.
	Colours  []Colour
	Patterns []Pattern
	// Accent is what colours the patterns come in; none means any that stands out.
	Accent []Colour
	// Profile kinds are seen from their side: they face left or right.
	Profile bool
	// Most is how many make a group at most. None means four.
	Most  int
	Poses []pose
}

// pose is one drawing of a kind. Profile kinds face right in it.
type pose struct {
	Name  string
	Parts []part // in the order of painting
}

// part is a shape in its paint.
type part struct {
	paint
	shape
}

// medium is what a thing stands on or is held by.
type medium uint8

const (
	ground medium = iota
	water
	underwater
	air
)

// places is a set of backgrounds.
type places uint16

const (
	meadow     places = 1 << Meadow
	beach      places = 1 << Beach
	desert     places = 1 << Desert
	forest     places = 1 << Forest
	mountains  places = 1 << Mountains
	street     places = 1 << Street
	sea        places = 1 << Sea
	snowfield  places = 1 << Snowfield
	kitchen    places = 1 << Kitchen
	livingRoom places = 1 << LivingRoom

	country  = meadow | forest | mountains
	land     = country | beach | desert | street | snowfield
	outdoors = land | sea
	indoors  = kitchen | livingRoom
)

// kinds is the table of kinds.
var kinds = slices.Concat(animals, wildlife, people, vehicles, buildings, plants, foods, households)

// Sets of colours and patterns that many kinds come in.
var (
	anyColour = []Colour{Red, Orange, Yellow, Green, Blue, Purple, Pink, White, Black}
	furs      = []Colour{Brown, Black, White, Grey}
	stripes   = []Pattern{Plain, Plain, Striped}
	spots     = []Pattern{Plain, Spotted}
	anyCoat   = []Pattern{Plain, Plain, Striped, Spotted, Checked}
)

// drawing is a pose, all of its parts as one shape and the rectangle around it.
type drawing struct {
	pose
	outline shape
	extent
}

// drawings are the poses of all kinds.
var drawings = func() [][]drawing {
	out := make([][]drawing, len(kinds))
	for i, k := range kinds {
		for _, p := range k.Poses {
			var outline shape
			for _, part := range p.Parts {
				outline = append(outline, part.shape...)
			}
			out[i] = append(out[i], drawing{p, outline, nowhere.around(outline)})
		}
	}
	return out
}()
