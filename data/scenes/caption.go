package scenes

import (
	"cmp"
	"slices"
	"strings"
)

// Captions returns three sentences about the scene in different words. Each
// names the place, the time of day, the weather where there is any and all
// things with their looks; the second also says where they are, the third which
// way the first of them faces and how the second is to it. They are in lower
// case, without punctuation, and of the words of Vocabulary.
func (s *Scene) Captions() [3]string {
	groups := s.groups()
	first := newDice(s.Detail, 3).below(3)
	var out [3]string
	for i, compose := range []func(*Scene, []group, int) []string{(*Scene).list, (*Scene).tour, (*Scene).relate} {
		// No two of the three use the same synonym.
		out[i] = sentence(compose(s, groups, (first+i)%3))
	}
	return out
}

// Brief returns the shortest caption, which names each kind of thing once, the one that
// takes most room first: a zebra and a ball. Its words are of Vocabulary.
func (s *Scene) Brief() string {
	var named []Kind
	var out []string
	for _, g := range s.groups() {
		if k := g[0].Kind; !slices.Contains(named, k) {
			named = append(named, k)
		}
	}
	for i, k := range named {
		out = append(out, joint(i, len(named)), k.Phrase())
	}
	return sentence(out)
}

// list says: a zebra and two red cars in a meadow at night in the rain.
func (s *Scene) list(groups []group, wording int) []string {
	var out []string
	for i, g := range groups {
		out = append(out, joint(i, len(groups)), g.phrase(wording))
	}
	return append(out, s.circumstances(wording))
}

// tour says: in a meadow at night in the rain we see a zebra on the left.
func (s *Scene) tour(groups []group, wording int) []string {
	out := []string{s.circumstances(wording), weSee[wording]}
	for i, g := range groups {
		out = append(out, joint(i, len(groups)), g.phrase(wording), g.marks(), s.whereabouts(g))
	}
	return out
}

// relate says: a zebra facing left in front of a red car in a meadow.
func (s *Scene) relate(groups []group, wording int) []string {
	g := groups[0]
	out := []string{g.phrase(wording), g.marks(), g.facing()}
	for i, other := range groups[1:] {
		out = append(out, joint(i, len(groups)-1), relations[g.relation(other)][wording], other.phrase(wording))
	}
	return append(out, s.circumstances(wording))
}

// joint returns what stands before group i of n.
func joint(i, n int) string {
	switch i {
	case 0:
		return ""
	case n - 1:
		return "and"
	}
	return "with"
}

// circumstances says where and when the scene is and how the weather is.
func (s *Scene) circumstances(wording int) string {
	out := backgroundPhrases[s.Background][wording] + " " + lightPhrases[s.Light][wording]
	if s.Background.Indoors() {
		return out
	}
	return out + " " + weatherPhrases[s.Weather][wording]
}

// sentence joins what is not empty and puts an before vowels.
func sentence(parts []string) string {
	words := strings.Fields(strings.Join(parts, " "))
	for i := range len(words) - 1 {
		if words[i] == "a" && strings.ContainsRune("aeiou", rune(words[i+1][0])) {
			words[i] = "an"
		}
	}
	return strings.Join(words, " ")
}

// group is the things of one look, which a caption names together.
type group []*Thing

// groups returns the groups of a scene, largest in the picture first.
func (s *Scene) groups() []group {
	var out []group
	for i := range s.Things {
		t := &s.Things[i]
		j := slices.IndexFunc(out, func(g group) bool { return g[0].look() == t.look() })
		if j < 0 {
			j, out = len(out), append(out, nil)
		}
		out[j] = append(out[j], t)
	}
	slices.SortStableFunc(out, func(a, b group) int { return cmp.Compare(b.area(), a.area()) })
	return out
}

// look is all of a thing but its place, its direction and its self.
func (t *Thing) look() Thing {
	return Thing{Kind: t.Kind, Colour: t.Colour, Pattern: t.Pattern, Accent: t.Accent, Pose: t.Pose, Size: t.Size}
}

func (g group) area() float64 {
	sum := 0.
	for _, t := range g {
		sum += float64(t.Box.Width * t.Box.Height)
	}
	return sum
}

// phrase names the group: two small red cars, a man waving in a blue shirt.
func (g group) phrase(wording int) string {
	t := g[0]
	k := &kinds[t.Kind]
	noun, article, pose := k.noun(len(g), wording), "a", ""
	if len(g) > 1 {
		article = ""
	}
	if len(k.Poses) > 1 {
		pose = k.Poses[t.Pose].Name
	}
	count := numbers[min(len(g), len(numbers)-1)]
	if k.Wears == "" {
		return strings.Join([]string{count, sizePhrases[t.Size][wording], t.coat(), noun, pose}, " ")
	}
	wears := k.Wears
	if len(g) > 1 {
		wears = plural(wears)
	}
	return strings.Join([]string{count, sizePhrases[t.Size][wording], noun, pose, "in", article, t.coat(), wears}, " ")
}

// plural returns the plural of what people wear.
func plural(s string) string {
	if strings.HasSuffix(s, "s") {
		return s + "es"
	}
	return s + "s"
}

// noun returns the name for n of the kind, the other one for one of the
// wordings.
func (k *kind) noun(n, wording int) string {
	names := [2]string{k.Name, k.Plural}
	if wording == 2 && k.Also != [2]string{} {
		names = k.Also
	}
	return names[min(n, 2)-1]
}

// coat says the colours and the pattern of the thing, as far as its kind leaves
// a choice.
func (t *Thing) coat() string {
	k := &kinds[t.Kind]
	other := func(c Colour) bool { return c != k.Colours[0] }
	var out []string
	if slices.ContainsFunc(k.Colours, other) || len(k.Accent) > 1 {
		out = append(out, t.Colour.String())
		if t.Pattern != Plain && t.Accent != t.Colour {
			out = append(out, "and", t.Accent.String())
		}
	}
	if t.Pattern != Plain && len(k.Patterns) > 1 {
		out = append(out, t.Pattern.String())
	}
	return strings.Join(out, " ")
}

// marks tells what is particular about striped animals that are always striped.
func (g group) marks() string {
	t := g[0]
	k := &kinds[t.Kind]
	if k.Category != Animal || t.Pattern != Striped || len(k.Patterns) > 1 {
		return ""
	}
	if slices.ContainsFunc(g, func(o *Thing) bool { return o.broad() != t.broad() }) {
		return ""
	}
	if t.broad() {
		return stripePhrases[0]
	}
	return stripePhrases[1]
}

// whereabouts says where in the picture the group is.
func (s *Scene) whereabouts(g group) string {
	out := ""
	if !slices.ContainsFunc(g, func(t *Thing) bool { return t.Box.column() != g[0].Box.column() }) {
		out = columnPhrases[g[0].Box.column()]
	}
	switch {
	case kinds[g[0].Kind].On == air:
		return out + " " + inTheSky
	case g[0].Depth > 0.6 && g[0].Box.Height < 0.25 && g[0].Box.Width < 0.35 && !s.Background.Indoors():
		return out + " " + farAway
	}
	return out
}

// facing says which way the things look, where all look the same way.
func (g group) facing() string {
	other := func(t *Thing) bool { return t.FacesLeft != g[0].FacesLeft }
	if !kinds[g[0].Kind].Profile || slices.ContainsFunc(g, other) {
		return ""
	}
	if g[0].FacesLeft {
		return facingPhrases[0]
	}
	return facingPhrases[1]
}

// box returns the rectangle around the group.
func (g group) box() (left, top, right, bottom float64) {
	e := nowhere
	for _, t := range g {
		b := t.Box
		e.left, e.right = min(e.left, b.Left), max(e.right, b.Left+b.Width)
		e.top, e.bottom = min(e.top, b.Top), max(e.bottom, b.Top+b.Height)
	}
	return e.left, e.top, e.right, e.bottom
}

// Relation says how things of one look lie to things of another.
type Relation struct {
	Subject, Object Kind
	Word            string // such as "behind", as captions say it
}

// Relations returns how each group of things of one look lies to each smaller one.
func (s *Scene) Relations() []Relation {
	var out []Relation
	groups := s.groups()
	for i, g := range groups {
		for _, other := range groups[i+1:] {
			out = append(out, Relation{g[0].Kind, other[0].Kind, relations[g.relation(other)][0]})
		}
	}
	return out
}

// relation returns how g is to other.
func (g group) relation(other group) relation {
	const slack = 0.02
	l0, t0, r0, b0 := g.box()
	l1, t1, r1, b1 := other.box()
	gFlies, otherFlies := kinds[g[0].Kind].On == air, kinds[other[0].Kind].On == air
	switch {
	case r0 < l1+slack:
		return leftOf
	case r1 < l0+slack:
		return rightOf
	case gFlies != otherFlies && b0 < t1+slack:
		return above
	case gFlies != otherFlies && b1 < t0+slack:
		return below
	case gFlies || otherFlies:
		return near
	case g[0].Depth < other[0].Depth-0.04:
		return inFront
	case g[0].Depth > other[0].Depth+0.04:
		return behind
	}
	return near
}
