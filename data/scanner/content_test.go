package scanner

import (
	"path/filepath"
	"slices"
	"testing"

	"engram/data/coco"
	"engram/data/realtest"
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
	}
}

// Every category of scenes is liked by an area: a renamed one would be lost.
func TestEveryCategoryHasAnArea(t *testing.T) {
	t.Parallel()
	for _, category := range scenes.Categories() {
		if !slices.ContainsFunc(Areas(), func(a Area) bool { return a.likes(category.String()) }) {
			t.Errorf("no area likes %v", category)
		}
	}
}

func TestPhotosHaveTheThingsThatAnnotatorsFound(t *testing.T) {
	t.Parallel()
	folder := realtest.Path(t, "photos/coco")
	lists, err := filepath.Glob(filepath.Join(folder, "annotations", "instances_*.json"))
	if err != nil {
		t.Fatal(err)
	}
	photos, animate := 0, 0
	for _, path := range lists {
		set, err := coco.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range set.Images {
			photos++
			c := OfPhoto(&set.Images[i])
			if len(c.Things) != len(set.Images[i].Instances) {
				t.Errorf("photo %d has %d things, want %d", i, len(c.Things), len(set.Images[i].Instances))
			}
			for _, thing := range c.Things {
				if thing.X < 0 || thing.X > 1 || thing.Y < 0 || thing.Y > 1 || thing.Width > 1.01 || thing.Height > 1.01 {
					t.Errorf("photo %d: %+v lies beyond it", i, thing)
				}
				if thing.Animate {
					animate++
				}
			}
		}
	}
	if photos != 159 || animate < 100 {
		t.Errorf("%d photos with %d people and animals, want 159 with at least 100", photos, animate)
	}
}
