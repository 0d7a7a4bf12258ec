package demo

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"engram/cmd/engram/internal/app"
	"engram/data/images"
	"engram/data/vfs"
	"engram/httpapi"
	"engram/index"
)

// Claim makes the folder of a demo, "" for demo in the cache, and locks it until
// the claim is closed. It returns the folder's absolute path.
func Claim(a *app.App, dir string) (string, io.Closer, error) {
	if dir == "" {
		cache, err := a.CacheDir()
		if err != nil {
			return "", nil, err
		}
		dir = filepath.Join(cache, "demo")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, err
	}
	lock, err := vfs.Lock(filepath.Join(dir, "lock"))
	if errors.Is(err, vfs.ErrHeld) {
		err = fmt.Errorf("another demo works in %s, choose another --out: %w", dir, err)
	}
	return dir, lock, err
}

// suggestions are words for the page that find what they say among the scenes.
func suggestions() []string {
	return []string{"a boat at night", "a zebra at night", "elephants in a forest", "pizza on a table", "a camel in a desert"}
}

// Service returns what a server shows of the results.
func (r *Result) Service() app.ServeSpec {
	spec := app.ServeSpec{
		Index: r.Index, Suggestions: suggestions(),
		SubjectSpec: app.SubjectSpec{Decoder: r.Decoder, Mask: filepath.Join(r.Scans, "mask.nii.gz"), Regions: filepath.Join(r.Scans, "voxels.csv")},
		Shown: app.Shown{
			Index: "engram demo", Images: r.Report.Scenes, Decoder: r.Report.Chosen.Preset + ", of a simulated subject", Scans: r.Report.Subject, Simulated: true,
		},
		Jobs: filepath.Join(filepath.Dir(r.Scans), "jobs"),
	}
	for _, t := range r.Trials {
		id := index.ID(images.ID(t.Path))
		spec.Stored = append(spec.Stored, httpapi.Trial{ID: t.ID, Seen: t.Seen, Item: &id, Repeats: t.Repeats})
	}
	return spec
}
