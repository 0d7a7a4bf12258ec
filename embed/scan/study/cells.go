package study

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"engram/data/vfs"
	"engram/embed/scan"
)

// Files of a study's folder, see FORMAT.md.
const (
	designFile = "study.json"
	cellsFile  = "cells.jsonl"
)

// described says which study a folder holds. Cells are independent of how many
// levels a design has, so that a design may grow.
type described struct {
	Version int      `json:"version"`
	Presets []string `json:"presets"`
	Test    int      `json:"test"`
	Epochs  int      `json:"epochs"`
	Data    string   `json:"data"` // fingerprint
}

// cells are what a folder holds of a study.
type cells struct {
	path string
	done []Done
}

// openCells opens the folder of a study, or begins one.
func openCells(dir string, d Design, data scan.Data) (*cells, error) {
	this := described{Version: 1, Presets: d.Presets, Test: d.Test, Epochs: d.Epochs, Data: data.Fingerprint()}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, designFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		c := &cells{path: filepath.Join(dir, cellsFile)}
		return c, vfs.WriteFile(path, func(w io.Writer) error {
			out := json.NewEncoder(w)
			out.SetIndent("", "  ")
			return out.Encode(this)
		})
	}
	if err != nil {
		return nil, err
	}
	var found described
	if err := json.Unmarshal(text, &found); err != nil {
		return nil, fmt.Errorf("study: %s: %w", path, err)
	}
	if !reflect.DeepEqual(found, this) {
		return nil, fmt.Errorf("study: %s is of other data, presets or test images; name another folder or delete it", path)
	}
	c := &cells{path: filepath.Join(dir, cellsFile)}
	return c, c.read()
}

// read reads the cells. A last line that an interruption cut off is left out, and
// taken away.
func (c *cells) read() error {
	text, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	for i, line := range bytes.Split(bytes.TrimSpace(text[:whole]), []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var done Done
		if err := json.Unmarshal(line, &done); err != nil {
			return fmt.Errorf("study: %s: line %d: %w", c.path, i+1, err)
		}
		c.done = append(c.done, done)
	}
	if whole < len(text) {
		return os.Truncate(c.path, int64(whole))
	}
	return nil
}

func (c *cells) find(cell Cell) (Done, bool) {
	for _, done := range c.done {
		if done.Cell == cell {
			return done, true
		}
	}
	return Done{}, false
}

// add appends a cell and waits until it is on the disk.
func (c *cells) add(done Done) (err error) {
	line, err := json.Marshal(done)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(c.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(append(line, '\n')); err != nil {
		return err
	}
	return f.Sync()
}
