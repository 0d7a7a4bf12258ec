package train_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/embed/grad"
	"engram/embed/train"
)

type about struct{ Seed, Epochs int }

func TestARoundTrip(t *testing.T) {
	g := grad.NewGraph()
	g.Param("w", true, 2, 3)
	g.Param("b", false, 3)
	want := grad.Snapshot{
		Values: map[string][]float32{"w": {1, 2, 3, 4, 5, 6}, "b": {7, 8, 9}},
		M:      map[string][]float32{"w": {.1, .2, .3, .4, .5, .6}, "b": {.7, .8, .9}},
		V:      map[string][]float32{"w": {6, 5, 4, 3, 2, 1}, "b": {9, 8, 7}},
		Steps:  1234,
	}
	path := filepath.Join(t.TempDir(), "c.safetensors")
	history := train.History{Losses: []float32{2, 1.5}, Seconds: 3.25}
	c := train.Checkpoint{Path: path, Training: about{3, 4}}
	if _, _, err := c.Read(g.Params()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	if err := c.Write(g.Params(), want, history); err != nil {
		t.Fatal(err)
	}
	var found about
	c.Check = func(description json.RawMessage) error { return json.Unmarshal(description, &found) }
	state, read, err := c.Read(g.Params())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, state.Snapshot()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(about{3, 4}, found); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(history, read); diff != "" {
		t.Error(diff)
	}

	other := errors.New("of another training")
	c.Check = func(json.RawMessage) error { return other }
	if _, _, err := c.Read(g.Params()); !errors.Is(err, other) {
		t.Errorf("a refused checkpoint: %v", err)
	}
	c.Check = nil
	g.Param("more", false, 1)
	if _, _, err := c.Read(g.Params()); err == nil {
		t.Error("a checkpoint without an array of a parameter is accepted")
	}
	if err := os.WriteFile(path, []byte("no checkpoint"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Read(g.Params()); err == nil {
		t.Error("a file that is no checkpoint is accepted")
	}
}
