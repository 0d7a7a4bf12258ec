package scenes

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"slices"
)

// World is an endless supply of scenes.
type World struct{ seed uint64 }

// New returns the world of a seed.
func New(seed uint64) *World { return &World{seed} }

// Scene returns scene i of a split: always the same for a seed, a split and a
// number. Different numbers give different scenes, but for rare twins among the
// simplest.
func (w *World) Scene(split Split, i uint64) Scene {
	for attempt := uint64(0); ; attempt++ {
		s := compose(newDice(w.seed, uint64(split), i, attempt))
		if len(s.Things) > 0 && s.Split() == split {
			return s
		}
	}
}

// Split returns the split that the scene's meaning belongs to.
func (s *Scene) Split() Split {
	switch s.Meaning() % 10 {
	case 0:
		return Test
	case 1:
		return Validation
	}
	return Train
}

// Meaning returns a hash of what can be said about the scene: its background,
// light and weather, and of each thing the kind, the look, the size, the pose
// and roughly the place. Scenes that differ only in details mean the same.
func (s *Scene) Meaning() uint64 {
	var words []uint64
	for i := range s.Things {
		t := &s.Things[i]
		words = append(words, uint64(t.Kind)<<48|uint64(t.Colour)<<40|uint64(t.Pattern)<<32|uint64(t.Accent)<<24|
			uint64(t.Size)<<16|uint64(t.Pose)<<8|uint64(t.Box.column()))
	}
	slices.Sort(words)
	words = append(words, uint64(s.Background)<<16|uint64(s.Light)<<8|uint64(s.Weather))
	h := fnv.New64a()
	for _, w := range words {
		h.Write(binary.LittleEndian.AppendUint64(nil, w))
	}
	sum := h.Sum64()
	return sum ^ sum>>32 // the low bits of FNV-1a mix least
}

// column is a third of a picture.
type column uint8

const (
	left column = iota
	middle
	right
)

// column returns the third that the box's centre lies in. The middle is a
// little wider.
func (b Box) column() column {
	switch x, _ := b.Centre(); {
	case x < 0.37:
		return left
	case x > 0.63:
		return right
	}
	return middle
}

// compose throws the dice for a scene. It is without things where none found
// room, which is rare.
func compose(d *dice) Scene {
	s := Scene{Background: background(d), Detail: d.next()}
	s.Light, s.Weather = mood(d, s.Background)
	for range of(d, []int{1, 2, 2, 2, 3}) {
		s.place(d, s.group(d))
	}
	s.sortByDepth()
	return s
}

// sortByDepth orders the things for drawing, the farthest first. Things of equal
// depth keep the order in which they were placed.
func (s *Scene) sortByDepth() {
	slices.SortStableFunc(s.Things, func(a, b Thing) int { return cmp.Compare(b.Depth, a.Depth) })
}

// background picks a background. Rooms, which are the last two, come twice as
// often as others, since many small things are found there alone.
func background(d *dice) Background {
	b := d.below(len(backdrops) + 2)
	if b >= len(backdrops) {
		b -= 2
	}
	return Background(b)
}

// mood picks a light and a weather that the background can have.
func mood(d *dice, b Background) (Light, Weather) {
	light, weather := of(d, []Light{Day, Day, Sunset, Night}), of(d, []Weather{Clear, Clear, Clear, Rain, Snow, Fog})
	switch {
	case b.Indoors():
		return of(d, []Light{Day, Night}), Clear
	case b == Desert, b == Beach && weather == Snow:
		return light, Clear
	case b == Snowfield && weather == Rain:
		return light, Snow
	}
	return light, weather
}

// group picks some things of one look that may be found in the scene. They have
// no place yet.
func (s *Scene) group(d *dice) []Thing {
	k := s.kind(d)
	entry := &kinds[k]
	t := Thing{
		Kind: k, Colour: of(d, entry.Colours), Pose: d.below(len(entry.Poses)),
		Size: of(d, []Size{Middling, Middling, Small, Large}), FacesLeft: entry.Profile && d.percent(50),
	}
	if s.Light == Night && t.Colour == Black {
		t.Colour = of(d, entry.Colours) // black by night is hard to see: make it rare
	}
	t.Accent = t.Colour
	if entry.Patterns != nil {
		t.Pattern = of(d, entry.Patterns)
	}
	if t.Pattern != Plain {
		t.Accent = contrast(d, t.Colour, entry)
	}
	n := of(d, []int{1, 1, 1, 1, 1, 2, 2, 3, 4})
	if most := entry.Most; most > 0 {
		n = min(n, most)
	}
	return slices.Repeat([]Thing{t}, n)
}

// kind picks a kind that the scene has not yet.
func (s *Scene) kind(d *dice) Kind {
	var fit []Kind
	for _, k := range Kinds() {
		known := slices.ContainsFunc(s.Things, func(t Thing) bool { return t.Kind == k })
		if !known && kinds[k].Found&(1<<s.Background) != 0 {
			fit = append(fit, k)
		}
	}
	return of(d, fit)
}

// contrast picks the colour of a pattern on c: one of the kind's, or any that
// stands out.
func contrast(d *dice, c Colour, k *kind) Colour {
	if k.Accent != nil {
		return of(d, slices.DeleteFunc(slices.Clone(k.Accent), func(a Colour) bool { return a == c }))
	}
	switch c {
	case White:
		return of(d, []Colour{Red, Blue, Green, Black, Purple})
	case Yellow, Pink, Orange:
		return of(d, []Colour{Blue, Black, Purple, White})
	case Black, Brown, Grey:
		return White
	}
	return of(d, []Colour{White, Yellow})
}

// place finds room for the things of a group and adds them. Where there is
// none, even for fewer of them, it adds nothing.
func (s *Scene) place(d *dice, group []Thing) {
	for attempt := range 40 {
		if attempt == 20 {
			group = group[:1]
		}
		if placed := s.spot(d, group); placed != nil {
			s.Things = append(s.Things, placed...)
			return
		}
	}
}

// spot tries one place for a group, side by side. It returns nil where the
// things don't fit in the picture or would hide each other or those there.
func (s *Scene) spot(d *dice, group []Thing) []Thing {
	entry, b := &kinds[group[0].Kind], &backdrops[s.Background]
	depth := of(d, []float64{0, 0.1, 0.2, 0.3, 0.45, 0.65})
	if entry.On == water || entry.On == underwater {
		depth = max(depth, b.shore)
	}
	scale := entry.Tall * sizes[group[0].Size] * b.zoom * plus(1, -b.shrink, depth)
	e := drawings[group[0].Kind][group[0].Pose].extent
	wide, high := scale*(e.right-e.left)/100, scale*(e.bottom-e.top)/100
	step := wide * d.between(0.85, 1.15)
	total := plus(wide, step, float64(len(group)-1))
	if total > 0.96 || high > 0.9 || high < 0.13 {
		return nil
	}
	x := d.between(0.02, 0.98-total)
	bottom := b.foot(d, entry.On, depth)
	var out []Thing
	for i, t := range group {
		t.Individual = d.next()
		t.Depth = max(0, depth+d.between(-0.02, 0.02))
		t.Box = Box{Left: plus(x, step, float64(i)), Top: bottom - high, Width: wide, Height: high}
		if entry.On == ground {
			t.Box.Top = b.foot(d, ground, t.Depth) - high
		}
		if entry.On == underwater && t.Box.Top < b.horizon/100 {
			return nil
		}
		if t.Box.Top < 0.02 || t.Box.Top+high > 0.99 || !s.clear(t, out) {
			return nil
		}
		out = append(out, t)
	}
	return out
}

// sizes are what the sizes multiply heights by.
var sizes = [...]float64{Middling: 1, Small: 0.68, Large: 1.4}

// foot returns where the lower edge of a thing is, in a picture of height 1.
func (b *backdrop) foot(d *dice, on medium, depth float64) float64 {
	switch on {
	case water, underwater:
		return plus(96, b.horizon-92, depth) / 100
	case air:
		return d.between(0.16, b.horizon*0.0095)
	}
	return plus(97, b.floor-97, depth) / 100
}

// clear tells whether t would leave enough to be seen of the things there and
// of others.
func (s *Scene) clear(t Thing, others []Thing) bool {
	const most = 0.3 // of the smaller one's box may be hidden
	for _, o := range slices.Concat(s.Things, others) {
		wide := min(t.Box.Left+t.Box.Width, o.Box.Left+o.Box.Width) - max(t.Box.Left, o.Box.Left)
		high := min(t.Box.Top+t.Box.Height, o.Box.Top+o.Box.Height) - max(t.Box.Top, o.Box.Top)
		smaller := min(t.Box.Width*t.Box.Height, o.Box.Width*o.Box.Height)
		if wide > 0 && high > 0 && wide*high > most*smaller {
			return false
		}
	}
	return true
}
