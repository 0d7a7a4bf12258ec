package app_test

import (
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/data/scenes"
	"engram/embed"
	"engram/embed/clip"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/pixels"
)

// The carried CLIP finds scenes of a seed that it was not trained on by their
// captions. (The pictures of TestDemoReconstructs are by the other two models.)
func TestCarriedCLIPKnowsCaptions(t *testing.T) {
	a := newApp(t)
	b, err := a.OpenModel(t.Context(), app.ScenesCLIP, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := a.OpenImageEncoder(t.Context(), b, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	text, err := clip.OpenText(m.Runtime(), b, clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()

	const n, side = 100, 64
	world := scenes.New(12345)
	pictures, captions := make([]*pixels.Image, n), make([]string, n)
	for i := range n {
		scene := world.Scene(scenes.Test, uint64(i))
		pictures[i] = &pixels.Image{W: side, H: side, Pix: make([]byte, 3*side*side)}
		scene.DrawRGB(pictures[i].Pix, side)
		captions[i] = scene.Captions()[i%3]
	}
	images, err := m.Encode(t.Context(), pictures)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := text.Encode(t.Context(), captions)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for i := range texts {
		best, nearest := -1, -2.0
		for j := range images {
			if s := embed.Dot(texts[i], images[j]); s > nearest {
				best, nearest = j, s
			}
		}
		if best == i {
			found++
		}
	}
	if found < 90 {
		t.Errorf("%d of %d captions find their scenes, want 90", found, n)
	}
}

// newApp returns an App with the library of this machine and an empty cache.
func newApp(t *testing.T) *app.App {
	t.Helper()
	return app.New(app.Options{Library: ort.LibraryOptions{Path: orttest.Runtime(t).Path(), CacheDir: t.TempDir()}})
}
