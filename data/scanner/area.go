package scanner

import "slices"

// Area is a region of the visual system.
type Area uint8

// The areas. The last four stand for several areas each that prefer people's
// faces, animals' and people's bodies, places, and objects or food.
const (
	V1 Area = iota
	V2
	V3
	V4
	Faces
	Bodies
	Places
	Objects
)

func (a Area) String() string { return anatomy[a].name }

// Areas returns all areas.
func Areas() []Area {
	out := make([]Area, len(anatomy))
	for i := range out {
		out[i] = Area(i)
	}
	return out
}

// Early tells whether the area is V1, V2, V3 or V4, which answer to what the pixels
// around a place are. The other areas are called higher.
func (a Area) Early() bool { return a <= V4 }

// The terms that a voxel's response is the sum of.
const (
	energyTerm   = iota // contrast energy in the field, compressed
	colourTerm          // opponent colours in the field
	lightTerm           // luminance and its contrast in the field
	thingsTerm          // what is in the field
	settingTerm         // where and when
	relationTerm        // how things lie to each other
	numberTerm          // how many things there are
	terms               // how many terms there are
)

// anatomical is what is known of an area.
type anatomical struct {
	name  string
	share float64 // of all voxels
	// The field's deviation is size + slope·eccentricity in degrees; the
	// eccentricities reach to farthest.
	size, slope, farthest float64
	exponent              float64 // of the compression of energies
	reliability           float64 // typical ncsnr, relative to the other areas
	mix                   [terms]float64
	looks                 float64  // weight of what things look like, beside what they are
	presence              float64  // weight of any thing, whatever it is
	unsigned              bool     // whether colours count without their sign, as chromatic contrast
	prefers               []string // categories of things
	animacy               float64  // of the preferred things, −1 to 1
	// The middle of the area in a hemisphere: away from the midline, forward,
	// upward, in diameters of an area.
	at [3]float64
}

// anatomy lists the areas. The sizes of V1 to V4 come from Harvey and Dumoulin
// 2011 (J Neurosci 31:13604, Fig. 4), the exponents of V1 to V4 from the standard
// observer of Kay et al. 2013 (PLoS Comput Biol 9:e1003079), both as in
// github.com/WinawerLab/soccode. Higher areas have large fields near the centre;
// the fields of areas for places reach farther out (Kay, Weiner and
// Grill-Spector 2015, Curr Biol 25:595; Levy et al. 2001, Nat Neurosci 4:533). The
// shares of V1 to V4 are the ones that they have of NSD's mask nsdgeneral in subject 1.
// All other numbers are choices, calibrated as the package's documentation says.
var anatomy = []anatomical{
	V1: {name: "V1", share: 0.086, size: 0.5, slope: 0.10, farthest: 5.5, exponent: 0.18, reliability: 1.265, unsigned: true,
		mix: [terms]float64{energyTerm: 0.9, colourTerm: 0.15, lightTerm: 0.3}, at: [3]float64{0.6, 0, 1}},
	V2: {name: "V2", share: 0.091, size: 0.5, slope: 0.15, farthest: 5.5, exponent: 0.13, reliability: 1.21, unsigned: true,
		mix: [terms]float64{energyTerm: 0.9, colourTerm: 0.2, lightTerm: 0.3}, at: [3]float64{0.8, 0.9, 1.5}},
	V3: {name: "V3", share: 0.075, size: 0.5, slope: 0.27, farthest: 5.5, exponent: 0.12, reliability: 1.155, unsigned: true,
		mix: [terms]float64{energyTerm: 0.9, colourTerm: 0.15, lightTerm: 0.3}, at: [3]float64{1.2, 1.2, 0.5}},
	V4: {name: "V4", share: 0.044, size: 0.5, slope: 0.40, farthest: 5, exponent: 0.12, reliability: 1, looks: 0.7,
		mix: [terms]float64{energyTerm: 0.6, colourTerm: 0.6, lightTerm: 0.1, thingsTerm: 0.4}, at: [3]float64{1.1, 1.8, 0}},
	Faces: {name: "faces", share: 0.14, size: 0.68, slope: 0.34, farthest: 3, exponent: 0.12, reliability: 1, looks: 1, presence: 1,
		mix:     [terms]float64{energyTerm: 0.5, thingsTerm: 0.9},
		prefers: []string{"person"}, animacy: 0.8, at: [3]float64{1.3, 2.9, 0}},
	Bodies: {name: "bodies", share: 0.19, size: 0.595, slope: 0.2975, farthest: 4, exponent: 0.12, reliability: 1, looks: 1, presence: 2,
		mix:     [terms]float64{energyTerm: 0.5, thingsTerm: 0.9, relationTerm: 0.3, numberTerm: 0.15},
		prefers: []string{"animal", "person"}, animacy: 0.8, at: [3]float64{2.1, 2.2, 1}},
	Places: {name: "places", share: 0.18, size: 1.5, slope: 0.5, farthest: 5.5, exponent: 0.12, reliability: 1, looks: 0.3,
		mix:     [terms]float64{energyTerm: 0.3, colourTerm: 0.25, thingsTerm: 0.4, settingTerm: 0.8},
		prefers: []string{"building", "plant", "furniture", "outdoor"}, animacy: -0.5, at: [3]float64{0.6, 2.7, 0.6}},
	Objects: {name: "objects", share: 0.194, size: 0.51, slope: 0.255, farthest: 5, exponent: 0.12, reliability: 1, looks: 1, presence: 2,
		mix:     [terms]float64{energyTerm: 0.5, colourTerm: 0.3, thingsTerm: 0.9, relationTerm: 0.3, numberTerm: 0.3},
		prefers: []string{"food", "household", "vehicle", "kitchen", "sports", "electronic", "appliance", "accessory"},
		animacy: -0.6, at: [3]float64{1.6, 1.7, 1.7}},
}

// likes tells whether the area prefers things of the category.
func (a Area) likes(category string) bool { return slices.Contains(anatomy[a].prefers, category) }
