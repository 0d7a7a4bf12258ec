package demo

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"time"

	"engram/data/vfs"
)

// marker is the file that a complete stage has. It is written last.
const marker = "done.json"

// stage is one step of the demo.
type stage struct {
	name    string
	version int // to be raised when other results come of the same inputs
	inputs  any // everything else that the results depend on, for JSON
	build   func(ctx context.Context, dir string) error
}

// Done says how long a stage took.
type Done struct {
	Stage string `json:"stage"`
	// Seconds is the time of the run that completed the stage. What an
	// interrupted run did before is not in it.
	Seconds float64 `json:"seconds"`
}

// folder returns where the results of the stage belong.
func (s *stage) folder(root string) (string, error) {
	inputs, err := json.Marshal([]any{s.name, s.version, s.inputs})
	if err != nil {
		return "", err
	}
	key := sha256.Sum256(inputs)
	return filepath.Join(root, fmt.Sprintf("%s-%x", s.name, key[:6])), nil
}

// run brings a stage about, unless it is complete, and returns its folder.
func (d *demo) run(ctx context.Context, s stage) (string, error) {
	dir, err := s.folder(d.Dir)
	if err != nil {
		return "", err
	}
	d.kept[filepath.Base(dir)] = true
	path := filepath.Join(dir, marker)
	done := Done{Stage: s.name}
	err = readJSON(path, &done)
	if err == nil {
		d.app.Logger().Debug("stage", "name", s.name, "from", dir)
		d.stages = append(d.stages, done)
		return dir, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := errors.Join(ctx.Err(), os.MkdirAll(dir, 0o755)); err != nil {
		return "", err
	}
	debug.FreeOSMemory() // what the stage before has left
	start := time.Now()
	if err := s.build(ctx, dir); err != nil {
		return "", fmt.Errorf("%s: %w", s.name, err)
	}
	done.Seconds = math.Round(100*time.Since(start).Seconds()) / 100
	if err := writeJSON(path, done); err != nil {
		return "", err
	}
	d.app.Logger().Info("stage", "name", s.name, "seconds", done.Seconds)
	d.stages = append(d.stages, done)
	return dir, nil
}

// ofStage is how folders of stages are named.
var ofStage = regexp.MustCompile(`^[a-z]+-[0-9a-f]{12}$`)

// sweep deletes the folders of stages in root but the ones to keep. Runs of other
// seeds, scales and versions leave several hundred megabytes each.
func sweep(root string, keep func(folder string) bool) error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() && ofStage.MatchString(e.Name()) && !keep(e.Name()) {
			if err := os.RemoveAll(filepath.Join(root, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// readJSON reads what writeJSON wrote.
func readJSON(path string, v any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, v); err != nil {
		return fmt.Errorf("%s: %w (delete its folder to have it made again)", path, err)
	}
	return nil
}

// writeJSON writes v for programs and people.
func writeJSON(path string, v any) error {
	return vfs.WriteFile(path, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(v)
	})
}
