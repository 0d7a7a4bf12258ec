package main

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"engram/cmd/engram/internal/app"
)

// TestNearestIsWhatASearchFinds compares the nearest images that are shown with the first hits
// of a search by the same scans, in an index that keeps tokens and in one that does not.
func TestNearestIsWhatASearchFinds(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	s, dir := newSeenScans(t, c, 2), t.TempDir()
	kept, made := filepath.Join(dir, "kept"), filepath.Join(dir, "made")
	c.must("index", "build", s.train, "--model", "scenes-clip", "--tokens", "float16", "--out", kept)
	c.must("index", "build", s.train, "--model", "scenes-clip", "--out", made)
	for _, index := range []string{kept, made} {
		out := filepath.Join(dir, "pictures", filepath.Base(index))
		var r app.Reconstructed
		c.json(&r, "reconstruct", "--voxels", s.voxels, "--decoder", s.decoder, "--index", index, "--out", out, "--steps", "1", "--candidates", "1")
		alike := 0 // scans whose vector alone finds the same
		for row := range r.Scans {
			first := func(more ...string) string {
				var found struct {
					Hits []hit `json:"hits"`
				}
				c.json(&found, append([]string{"search", "--index", index, "--decoder", s.decoder, "--scan", s.voxels, "--row", fmt.Sprint(row), "-k", "1"}, more...)...)
				return found.Hits[0].Path
			}
			text, err := os.ReadFile(filepath.Join(out, "scans", fmt.Sprintf("%04d.json", row)))
			if err != nil {
				t.Fatal(err)
			}
			var record struct{ Nearest string }
			if err := json.Unmarshal(text, &record); err != nil {
				t.Fatal(err)
			}
			if want := first(); record.Nearest != want {
				t.Errorf("%s: scan %d has the nearest image %s, a search finds %s first", index, row, record.Nearest, want)
			}
			if first("--first-stage") == record.Nearest {
				alike++
			}
		}
		if alike == r.Scans {
			t.Errorf("%s: the vector alone finds the same images for all %d scans, which tells nothing", index, r.Scans)
		}
	}
}

// TestNearestImageOfATar shows samples of tars, and images that have moved.
func TestNearestImageOfATar(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	s, dir := newSeenScans(t, c, 1), t.TempDir()
	tars, moved, index, out := filepath.Join(dir, "tars"), filepath.Join(dir, "moved"), filepath.Join(dir, "index"), filepath.Join(dir, "pictures")
	if err := os.Mkdir(tars, 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(tars, "0.tar"))
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(file)
	if err := errors.Join(w.AddFS(os.DirFS(s.train)), w.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
	c.must("index", "build", tars, "--model", "scenes-clip", "--out", index)
	if err := os.Rename(tars, moved); err != nil {
		t.Fatal(err)
	}
	args := []string{
		"reconstruct", "--voxels", s.voxels, "--row", "0", "--decoder", s.decoder, "--index", index, "--out", out,
		"--start", "retrieved", "--steps", "4", "--candidates", "1",
	}
	c.refuse([]string{"the nearest image, 0.tar/train/0", "--images-root says where"}, args...)
	c.refuse([]string{"--images-root needs --index"}, "reconstruct", "--voxels", s.voxels, "--decoder", s.decoder, "--out", out, "--images-root", moved)
	c.must(append(args, "--images-root", moved)...) // nothing was written before
	for _, folder := range []string{"nearest", "start"} {
		checkPNG(t, filepath.Join(out, folder, "0000.png"), 64)
	}
}
