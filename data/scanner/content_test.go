package scanner

import (
	"slices"
	"strings"
	"testing"

	"engram/data/scenes"
)

func TestScenesAreSeenAsTheyAreDrawn(t *testing.T) {
	t.Parallel()
	scene := scenes.New(1).Scene(scenes.Train, 3)
	s := OfScene(&scene, 32)
	drawn := scene.Draw(32)
	for i := range 32 * 32 {
		if !slices.Equal(s.Pix[3*i:3*i+3], drawn.Pix[4*i:4*i+3]) {
			t.Fatalf("pixel %d is %v, drawn as %v", i, s.Pix[3*i:3*i+3], drawn.Pix[4*i:4*i+3])
		}
	}
	if len(s.Content.Things) != len(scene.Things) || !slices.Contains(s.Content.Setting, scene.Background.String()) {
		t.Errorf("content is %+v of %+v", s.Content, scene)
	}
	for i, thing := range s.Content.Things {
		of := scene.Things[i]
		if thing.Kind != of.Kind.String() || thing.Animate != of.Kind.Animate() || thing.Width != of.Box.Width ||
			thing.X-thing.Width/2-of.Box.Left > 1e-9 {
			t.Errorf("thing %d is %+v of %+v", i, thing, of)
		}
		if !slices.Contains(thing.Looks, of.Colour.String()) || of.FacesLeft != slices.Contains(thing.Looks, "facing left") {
			t.Errorf("thing %d looks %q, drawn as %+v", i, thing.Looks, of)
		}
	}
}

// Relations are the ones that captions tell.
func TestRelationsAreOfTheSceneGraph(t *testing.T) {
	t.Parallel()
	told := 0
	for i := range uint64(40) {
		scene := scenes.New(1).Scene(scenes.Train, i)
		for _, r := range OfScene(&scene, 8).Content.Relations {
			if r.Subject == "" || r.Word == "" || r.Object == "" {
				t.Fatalf("scene %d: relation %+v", i, r)
			}
			if strings.Contains(scene.Captions()[2], r.Word) {
				told++
			}
		}
	}
	if told == 0 {
		t.Error("no caption of 40 scenes tells a relation")
	}
}

// Every category of scenes is liked by an area: a renamed one would be lost.
func TestEveryCategoryHasAnArea(t *testing.T) {
	t.Parallel()
	for _, category := range scenes.Categories() {
		liked := false
		for a := range Area(len(anatomy)) {
			liked = liked || a.likes(category.String())
		}
		if !liked {
			t.Errorf("no area likes %v", category)
		}
	}
}
