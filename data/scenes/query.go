package scenes

import "strings"

// Query is what a person may ask for in a few words, such as "a zebra at night":
// a thing and perhaps how it looks, where, when and in which weather. What a query
// leaves open may be anything, while a caption tells all.
type Query struct {
	text  string
	thing *Thing // nil where no thing is named
	looks look   // how much of the thing is said
	where *Background
	when  *Light
	under *Weather
}

// look is how much of a thing's looks a query says.
type look uint8

const (
	kindAlone  look = iota // zebra
	withColour             // white zebra
	allLooks               // as a caption: all of its looks, and how many there are
)

// String returns the words, all of them of Vocabulary.
func (q Query) String() string { return q.text }

// Fits tells whether a scene is what the query asks for.
func (q Query) Fits(s *Scene) bool {
	if q.where != nil && s.Background != *q.where || q.when != nil && s.Light != *q.when {
		return false
	}
	if q.under != nil && (s.Weather != *q.under || s.Background.Indoors()) {
		return false
	}
	if q.thing == nil {
		return true
	}
	for _, g := range s.groups() {
		t := g[0]
		if t.Kind != q.thing.Kind {
			continue
		}
		if q.looks == kindAlone || q.looks == withColour && t.Colour == q.thing.Colour || t.look() == q.thing.look() {
			return true
		}
	}
	return false
}

// Query returns a query that fits the scene. Numbers draw different ones.
func (s *Scene) Query(number uint64) Query {
	d := newDice(s.Detail, 4, number)
	var q Query
	var words, circumstances []string
	wording := d.below(3)
	if d.percent(90) {
		words = append(words, q.name(d, of(d, s.groups()), wording))
	}
	if d.percent(35) {
		q.where = &s.Background
		circumstances = append(circumstances, backgroundPhrases[s.Background][wording])
	}
	if d.percent(40) {
		q.when = &s.Light
		circumstances = append(circumstances, lightPhrases[s.Light][d.below(3)])
	}
	if d.percent(20) && !s.Background.Indoors() {
		q.under = &s.Weather
		circumstances = append(circumstances, weatherPhrases[s.Weather][wording])
	}
	if len(words)+len(circumstances) == 0 {
		words = append(words, q.name(d, s.groups()[0], wording))
	}
	if len(circumstances) > 1 && d.percent(50) {
		circumstances[0], circumstances[1] = circumstances[1], circumstances[0]
	}
	q.text = sentence(append(words, circumstances...))
	return q
}

// name makes the query ask for a group, and returns the words for it.
func (q *Query) name(d *dice, g group, wording int) string {
	t := g[0]
	k := &kinds[t.Kind]
	q.thing = t
	article := of(d, []string{"a", "a", ""})
	switch {
	case d.percent(25):
		q.looks = allLooks
		return g.phrase(wording)
	case d.percent(40) && k.Wears == "" && len(k.Colours) > 1:
		q.looks = withColour
		return strings.Join([]string{article, t.Colour.String(), k.noun(1, wording)}, " ")
	case d.percent(20) && k.Most != 1:
		return k.noun(2, wording)
	}
	return article + " " + k.noun(1, wording)
}
