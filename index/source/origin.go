package source

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"engram/data/laion"
	"engram/data/vfs"
	"engram/index"
)

// originName is the file of an Origin in the folder of its index.
const originName = "origin.json"

// Origin says where an index came from, so that its rows can be read again, its
// images shown and its model opened.
type Origin struct {
	// Source is what the source is known by: the absolute path of the folder that
	// the names of shards are relative to, or what they are generated from. A
	// source that has got further shards since keeps it.
	Source string `json:"source,omitempty"`
	// Place is what Open was given last, absolute, with Kind, Set and Column; "" is
	// Source.
	Place  string    `json:"place,omitempty"`
	Kind   Kind      `json:"kind,omitempty"` // "" is found out
	Set    laion.Set `json:"set,omitempty"`
	Column string    `json:"column,omitempty"`

	Root   string `json:"root"`   // absolute path of the folder that "path" in payloads is relative to, "" where the images are in no files of their own
	Bundle string `json:"bundle"` // absolute path of the bundle's folder, which may have moved since
}

// placed leaves out a Place that is the Source itself.
func placed(o Origin) Origin {
	if o.Place == o.Source {
		o.Place = ""
	}
	return o
}

// String names the source, "" for the zero Origin: its base, and what of it the
// rows are where there is a choice. Rows of sources of one name can be together
// in an index.
func (o Origin) String() string {
	base := cmp.Or(o.Source, o.Root)
	switch {
	case o.Column != "":
		return fmt.Sprintf("column %s of %s", o.Column, base)
	case o.Set == laion.Text:
		return fmt.Sprintf("%s of %s", o.Set, base)
	}
	return base
}

// Shards lists the shards that the rows may have come from: those of the place
// that was named last, and the others below the base.
func (o Origin) Shards(ctx context.Context) ([]Shard, error) {
	base := cmp.Or(o.Source, o.Root)
	shards, err := o.shardsAt(ctx, cmp.Or(o.Place, base))
	if o.Place == "" {
		return shards, err
	}
	others, failed := o.shardsAt(ctx, base)
	if failed != nil {
		return shards, err
	}
	known := map[string]bool{}
	for _, s := range shards {
		known[s.Name] = true
	}
	return append(shards, slices.DeleteFunc(others, func(s Shard) bool { return known[s.Name] })...), nil
}

func (o Origin) shardsAt(ctx context.Context, place string) ([]Shard, error) {
	source, err := Open(place, Options{Kind: o.Kind, Set: o.Set, Column: o.Column})
	if err != nil {
		return nil, err
	}
	return source.Shards(ctx)
}

// WriteOrigin keeps o in the folder dir of an index, in place of the one there.
func WriteOrigin(dir string, o Origin) error {
	text, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	err = vfs.WriteFile(filepath.Join(dir, originName), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return nil
}

// ReadOrigin returns the origin of the index in the folder dir: the zero
// Origin where none is recorded, and index.ErrCorrupt where it cannot be read.
func ReadOrigin(dir string) (Origin, error) {
	path := filepath.Join(dir, originName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Origin{}, nil
	}
	if err != nil {
		return Origin{}, fmt.Errorf("build: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var o Origin
	if err := dec.Decode(&o); err != nil {
		return Origin{}, fmt.Errorf("build: %s: %w: %w", path, err, index.ErrCorrupt)
	}
	return o, nil
}
