package scenes_test

import (
	"context"
	"errors"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"engram/data/coco"
	"engram/data/scenes"
)

func some(n int) []scenes.Scene {
	w := scenes.New(31)
	var out []scenes.Scene
	for i := range n {
		out = append(out, w.Scene(scenes.Test, uint64(i)))
	}
	return out
}

func TestWriteFolderIsReadAsCOCO(t *testing.T) {
	dir, list := t.TempDir(), some(12)
	var progress atomic.Int64
	f := scenes.Folder{Dir: dir, Name: "test", Size: 48, Progress: func() { progress.Add(1) }}
	if err := scenes.WriteFolder(t.Context(), f, list); err != nil {
		t.Fatal(err)
	}
	if progress.Load() != 12 {
		t.Errorf("progress was told of %d pictures, wanted 12", progress.Load())
	}
	annotations := filepath.Join(dir, "annotations")
	dataset, err := coco.Load(filepath.Join(annotations, "captions_test.json"), filepath.Join(annotations, "instances_test.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(dataset.Images) != 12 || len(dataset.Categories) != len(scenes.Kinds()) {
		t.Fatalf("read %d images and %d categories", len(dataset.Images), len(dataset.Categories))
	}
	for i, img := range dataset.Images {
		s := &list[i]
		captions := s.Captions()
		if !slices.Equal(img.Captions, captions[:]) || img.Width != 48 || img.Height != 48 {
			t.Errorf("image %d is %d×%d, with captions %q", i, img.Width, img.Height, img.Captions)
		}
		for j, instance := range img.Instances {
			want := s.Things[j]
			if instance.Category.Name != want.Kind.String() || instance.Category.Supercategory != want.Kind.Category().String() {
				t.Errorf("image %d, instance %d is %v, wanted %v", i, j, *instance.Category, want.Kind)
			}
			if box := instance.Box; box[0] != want.Box.Left*48 || box[3] != want.Box.Height*48 {
				t.Errorf("image %d, instance %d is in %v, wanted 48·%v", i, j, box, want.Box)
			}
			if share := instance.Area / (instance.Box[2] * instance.Box[3]); share < 0.05 || share > 1 {
				t.Errorf("image %d, instance %d (%v) fills %.2f of its box", i, j, want.Kind, share)
			}
		}
		opened, err := os.Open(filepath.Join(dir, "test", img.FileName))
		if err != nil {
			t.Fatal(err)
		}
		defer opened.Close()
		picture, err := png.Decode(opened)
		if err != nil {
			t.Fatal(err)
		}
		want := s.Draw(48)
		for p := range 48 * 48 {
			r, g, b, _ := picture.At(p%48, p/48).RGBA()
			if got := [3]uint8{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8)}; got != [3]uint8(want.Pix[4*p:4*p+3]) {
				t.Fatalf("image %d: pixel %d is %v, wanted %v", i, p, got, want.Pix[4*p:4*p+3])
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(annotations, "captions_test.json"))
	if err != nil || !strings.Contains(string(text), "not photographs") {
		t.Errorf("the captions don't say that the pictures are drawn (%v)", err)
	}
}

func TestWriteFolderRefuses(t *testing.T) {
	for _, f := range []scenes.Folder{
		{Name: "", Size: 64}, {Name: "../x", Size: 64}, {Name: "a/b", Size: 64}, {Name: "x", Size: 0}, {Name: "x", Size: 5000},
	} {
		f.Dir = t.TempDir()
		if err := scenes.WriteFolder(t.Context(), f, some(1)); err == nil {
			t.Errorf("%+v: no error", f)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := scenes.WriteFolder(t.Context(), scenes.Folder{Dir: file, Name: "x", Size: 8}, some(1)); err == nil {
		t.Error("a file in the place of the folder: no error")
	}
}

func TestWriteFolderStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := scenes.Folder{Dir: t.TempDir(), Name: "x", Size: 16, Progress: cancel}
	if err := scenes.WriteFolder(ctx, f, some(200)); !errors.Is(err, context.Canceled) {
		t.Fatalf("got error %v, wanted that it was cancelled", err)
	}
	if _, err := os.Stat(filepath.Join(f.Dir, "annotations", "captions_x.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there are annotations of a folder that isn't whole (%v)", err)
	}
	files, err := os.ReadDir(filepath.Join(f.Dir, "x"))
	if err != nil || len(files) > 50 {
		t.Errorf("%d pictures were written after the stop (%v)", len(files), err)
	}
}
