package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/data/space"
	"engram/embed/clip"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/pixels"
	"engram/index"
	"engram/index/local"
)

// nearest is the README's tour of the library: it indexes picture files and returns the
// one most like another.
func nearest(ctx context.Context, rt *ort.Runtime, m *model.Model, files []string, like string) (string, error) {
	encoder, err := clip.Open(rt, m, clip.Options{})
	if err != nil {
		return "", err
	}
	defer encoder.Close()
	vectorOf := func(path string) ([]float32, error) {
		picture, err := pixels.DecodeFile(ctx, path, pixels.Limits{})
		if err != nil {
			return nil, err
		}
		vectors, err := encoder.Encode(ctx, []*pixels.Image{picture})
		if err != nil {
			return nil, err
		}
		return vectors[0], nil
	}
	store, err := local.Create("photos.index", local.Options{Dim: m.D, Space: space.Space{Name: "photos", Fingerprint: m.Fingerprint()}})
	if err != nil {
		return "", err
	}
	defer store.Close()
	for i, path := range files {
		vector, err := vectorOf(path)
		if err != nil {
			return "", err
		}
		item := index.Item{ID: index.ID(i), Vector: vector, Payload: index.Payload{"path": path}}
		if err := store.Upsert(ctx, []index.Item{item}); err != nil {
			return "", err
		}
	}
	query, err := vectorOf(like)
	if err != nil {
		return "", err
	}
	hits, err := store.Search(ctx, index.Query{Vector: query, K: 1, WithPayload: true})
	if err != nil || len(hits) == 0 {
		return "", err
	}
	return fmt.Sprint(hits[0].Payload["path"]), nil
}

func TestTheLibraryTour(t *testing.T) {
	source, err := os.ReadFile("library_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, tour, _ := strings.Cut(string(source), "\nfunc nearest(")
	tour, _, _ = strings.Cut(tour, "\n}\n")
	if !strings.Contains(readTop(t, "README.md"), "func nearest("+tour+"\n}\n") {
		t.Error("the README's tour of the library is another one than nearest")
	}
	photos := writePhotos(t)
	files, err := filepath.Glob(filepath.Join(photos, "*.png"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%d pictures, %v", len(files), err)
	}
	t.Chdir(t.TempDir())
	m, err := clip.WritePixels("pixels", 32)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := nearest(t.Context(), orttest.Runtime(t), m, files[1:], files[2]); err != nil || found != files[2] {
		t.Errorf("nearest to %s is %s, %v", files[2], found, err)
	}
}
