package scanner

import "engram/data/scenes"

// OfScene returns a scene drawn at size×size pixels, with what its scene graph
// says. Details that no caption names are left to the pixels. It panics where size is
// not from 1 to scenes.MaxSize.
func OfScene(scene *scenes.Scene, size int) *Stimulus {
	s := &Stimulus{W: size, H: size, Pix: make([]byte, 3*size*size)}
	scene.DrawRGB(s.Pix, size)
	inOrOut := "outdoors"
	if scene.Background.Indoors() {
		inOrOut = "indoors"
	}
	s.Content.Setting = []string{scene.Background.String(), inOrOut, scene.Light.String(), scene.Weather.String()}
	for _, t := range scene.Things {
		x, y := t.Box.Centre()
		s.Content.Things = append(s.Content.Things, Thing{
			Kind: t.Kind.String(), Category: t.Kind.Category().String(), Animate: t.Kind.Animate(),
			X: x, Y: y, Width: t.Box.Width, Height: t.Box.Height, Looks: looks(&t),
		})
	}
	for _, r := range scene.Relations() {
		s.Content.Relations = append(s.Content.Relations, Relation{r.Subject.String(), r.Word, r.Object.String()})
	}
	return s
}

// looks returns words for what a thing looks like.
func looks(t *scenes.Thing) []string {
	words := []string{t.Colour.String()}
	if t.Pattern != scenes.Plain {
		words = append(words, t.Pattern.String(), t.Accent.String())
	}
	if poses := t.Kind.Poses(); len(poses) > 1 {
		words = append(words, t.Kind.String()+" "+poses[t.Pose])
	}
	if t.Kind.Profile() {
		if t.FacesLeft {
			return append(words, "facing left")
		}
		words = append(words, "facing right")
	}
	return words
}
