package scenes

import "fmt"

// Scene is what a picture shows: a scene graph. Draw and Captions are pure
// functions of it.
type Scene struct {
	Background Background
	Light      Light
	Weather    Weather
	// Things are ordered from the farthest to the nearest, as they are drawn:
	// each may hide a part of those before it.
	Things []Thing
	// Detail seeds what no caption names: clouds, tufts of grass, raindrops, the
	// wording of the captions.
	Detail uint64
}

// Thing is one thing of a scene.
type Thing struct {
	Kind Kind
	// Colour is the main colour of the thing; of a person, the colour of the clothes.
	Colour Colour
	// Pattern covers the coloured parts of the thing in its Accent colour. The
	// accent of a plain thing is its colour.
	Pattern Pattern
	Accent  Colour
	// Pose is one of the kind's Poses.
	Pose      int
	Size      Size
	FacesLeft bool
	// Box encloses all of the thing, hidden parts included. It lies within the
	// picture.
	Box Box
	// Depth grows from 0, nearest, to 1, at the horizon. Things in the air are
	// as deep as they look.
	Depth float64
	// Individual seeds what tells this thing from another of its looks, such as
	// the stripes of a zebra.
	Individual uint64
}

// Box is a rectangle in a picture whose width and height are 1 and whose
// origin is the upper left corner.
type Box struct {
	Left, Top, Width, Height float64
}

// Centre returns the middle of the box.
func (b Box) Centre() (x, y float64) {
	return b.Left + b.Width/2, b.Top + b.Height/2
}

// Split is a part of a world. No two scenes of different splits mean the same,
// see Scene.Meaning, whatever the seeds of their worlds are.
type Split uint8

// The splits. Of all meanings, eight tenths belong to Train, a tenth to each of
// the others.
const (
	Train Split = iota
	Validation
	Test
)

var splitNames = []string{"train", "validation", "test"}

func (s Split) String() string { return name(splitNames, s) }

// Category is a family of kinds.
type Category uint8

// The categories.
const (
	Animal Category = iota
	Person
	Vehicle
	Building
	Plant
	Food
	Household
)

var categoryNames = []string{"animal", "person", "vehicle", "building", "plant", "food", "household"}

func (c Category) String() string { return name(categoryNames, c) }

// Animate tells whether things of the category move of their own will: animals
// and people.
func (c Category) Animate() bool { return c == Animal || c == Person }

// Categories returns all categories.
func Categories() []Category { return all[Category](categoryNames) }

// Background is where a scene takes place.
type Background uint8

// The backgrounds. The last two are indoors.
const (
	Meadow Background = iota
	Beach
	Desert
	Forest
	Mountains
	Street
	Sea
	Snowfield
	Kitchen
	LivingRoom
)

var backgroundNames = []string{
	"meadow", "beach", "desert", "forest", "mountains", "street", "sea", "snowfield", "kitchen", "living room",
}

func (b Background) String() string { return name(backgroundNames, b) }

// Indoors tells whether the background is a room.
func (b Background) Indoors() bool { return b >= Kitchen }

// Backgrounds returns all backgrounds.
func Backgrounds() []Background { return all[Background](backgroundNames) }

// Light is the time of the day.
type Light uint8

// The lights.
const (
	Day Light = iota
	Sunset
	Night
)

var lightNames = []string{"day", "sunset", "night"}

func (l Light) String() string { return name(lightNames, l) }

// Lights returns all lights.
func Lights() []Light { return all[Light](lightNames) }

// Weather is the weather of a scene. It is Clear indoors.
type Weather uint8

// The weathers.
const (
	Clear Weather = iota
	Rain
	Snow
	Fog
)

var weatherNames = []string{"clear", "rain", "snow", "fog"}

func (w Weather) String() string { return name(weatherNames, w) }

// Weathers returns all weathers.
func Weathers() []Weather { return all[Weather](weatherNames) }

// Colour is a named colour, as captions use it.
type Colour uint8

// The colours.
const (
	Red Colour = iota
	Orange
	Yellow
	Green
	Blue
	Purple
	Pink
	Brown
	Black
	White
	Grey
)

var colourNames = []string{
	"red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "grey",
}

func (c Colour) String() string { return name(colourNames, c) }

// Colours returns all colours.
func Colours() []Colour { return all[Colour](colourNames) }

// Pattern is what covers the coloured parts of a thing.
type Pattern uint8

// The patterns. Stripes are vertical on animals and horizontal on other things.
const (
	Plain Pattern = iota
	Striped
	Spotted
	Checked
)

var patternNames = []string{"plain", "striped", "spotted", "checked"}

func (p Pattern) String() string { return name(patternNames, p) }

// Size is the size of a thing compared with others of its kind.
type Size uint8

// The sizes.
const (
	Middling Size = iota
	Small
	Large
)

var sizeNames = []string{"middling", "small", "large"}

func (s Size) String() string { return name(sizeNames, s) }

// name returns the name of v, or its number where it has none.
func name[E ~uint8](names []string, v E) string {
	if int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprint(uint8(v))
}

// all returns the values that have names.
func all[E ~uint8](names []string) []E {
	out := make([]E, len(names))
	for i := range out {
		out[i] = E(i)
	}
	return out
}
