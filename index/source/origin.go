package source

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"engram/data/laion"
	"engram/index"
)

// originLabel is the label of a store (see index.Store) that has its Origin, as
// JSON. The origins of further sources have labels of their own, which follow a
// slash.
const originLabel = "origin"

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

	Root  string `json:"root"`   // absolute path of the folder that "path" in payloads is relative to, "" where the images are in no files of their own
	Model string `json:"bundle"` // absolute path of the model's folder, which may have moved since

	// Label tells the source from the others of an index: "" is the first one's.
	Label string `json:"label,omitempty"`
}

// placed leaves out a Place that is the Source itself.
func placed(o Origin) Origin {
	if o.Place == o.Source {
		o.Place = ""
	}
	return o
}

// String names the source, "" for the zero Origin: where it is, and which of its
// vectors the rows have where there is a choice. Rows of sources with the same
// name can be together in an index.
func (o Origin) String() string {
	base := o.Base()
	switch {
	case o.Column != "":
		return fmt.Sprintf("column %s of %s", o.Column, base)
	case o.Set == laion.Text:
		return fmt.Sprintf("%s of %s", o.Set, base)
	}
	return base
}

// Base is the folder that names of shards are relative to.
func (o Origin) Base() string { return cmp.Or(o.Source, o.Root) }

// Rivals reports whether the rows of another source are no neighbours of o's but
// say the same in other words, so that both together in one index make no sense:
// another set or column of the same vectors, scenes of another seed.
func (o Origin) Rivals(other Origin) bool {
	if o.String() == other.String() {
		return false
	}
	return o.Base() == other.Base() || o.Kind == Scenes && other.Kind == Scenes
}

// Shards lists the shards that the rows may have come from: first the shards of
// the place that was named last, then the others of the source.
func (o Origin) Shards(ctx context.Context) ([]Shard, error) {
	shards, err := o.allShards(ctx)
	return Labelled(shards, o.Label), err
}

func (o Origin) allShards(ctx context.Context) ([]Shard, error) {
	base := o.Base()
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
	source, err := Open(place, Options{Kind: o.Kind, Set: o.Set, Column: o.Column, Masks: o.Kind == Images})
	if err != nil {
		return nil, err
	}
	return source.Shards(ctx)
}

// KeepOrigin records o as where the items of a store with its label came from, in
// place of what was recorded before.
func KeepOrigin(ctx context.Context, store index.Store, o Origin) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	name := originLabel
	if o.Label != "" {
		name += "/" + o.Label
	}
	return store.SetLabel(ctx, name, string(text))
}

// ReadOrigins returns where the items of a store came from, the first source first
// and the others by label: none where it does not say so, and index.ErrCorrupt where
// that cannot be read.
func ReadOrigins(ctx context.Context, store index.Store) ([]Origin, error) {
	labels, err := store.Labels(ctx)
	if err != nil {
		return nil, err
	}
	var all []Origin
	for _, name := range sortedKeys(labels) {
		own, further := strings.CutPrefix(name, originLabel+"/")
		if labels[name] == "" || name != originLabel && !further {
			continue
		}
		var o Origin
		if err := json.Unmarshal([]byte(labels[name]), &o); err != nil {
			return nil, fmt.Errorf("label %q: %w: %w", name, err, index.ErrCorrupt)
		}
		if o.Label = ""; further {
			o.Label = own
		}
		all = append(all, o)
	}
	return all, nil
}
