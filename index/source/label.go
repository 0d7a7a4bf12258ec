package source

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"

	"engram/data/images"
	"engram/index"
)

// An index may be of several sources, such as two folders of photos that both have
// an IMG_0001.jpg. The first source has the label "", and its shards and ids
// are what they are in an index of it alone. Every further one has a label, which
// stands before the names of its shards with two slashes, which no path has.

const labelMark = "//"

// LabelOf returns the label of the source that a shard is of.
func LabelOf(shard string) string {
	label, _, found := strings.Cut(shard, labelMark)
	if !found {
		return ""
	}
	return label
}

// labelled puts a label before a name.
func labelled(label, name string) string {
	if label == "" {
		return name
	}
	return label + labelMark + name
}

// idShift is what a label adds to an id. The numbers of rows in a shard, which are
// the lowest bits of some ids, stay as they are.
func idShift(label string) index.ID {
	if label == "" {
		return 0
	}
	return index.ID(images.ID(label+labelMark)) &^ (maxNumbered - 1)
}

// Relabel returns the item that an item of a source would be if the source had
// another label. Two of n items share an id with a probability as in nameID.
func Relabel(item index.Item, label string) index.Item {
	old, _ := item.Payload[index.KeySource].(string)
	item.ID += idShift(label) - idShift(old)
	item.Payload = maps.Clone(item.Payload)
	if item.Payload == nil {
		item.Payload = index.Payload{}
	}
	if delete(item.Payload, index.KeySource); label != "" {
		item.Payload[index.KeySource] = label
	}
	return item
}

// Labelled returns the shards of a source with a label.
func Labelled(shards []Shard, label string) []Shard {
	if label == "" {
		return shards
	}
	shards = slices.Clone(shards)
	for i := range shards {
		read := shards[i].Read
		shards[i].Name = labelled(label, shards[i].Name)
		shards[i].Read = func(ctx context.Context, from int) iter.Seq2[[]Row, error] {
			return labelRows(read(ctx, from), label)
		}
	}
	return shards
}

func labelRows(rows iter.Seq2[[]Row, error], label string) iter.Seq2[[]Row, error] {
	return func(yield func([]Row, error) bool) {
		for some, err := range rows {
			for i := range some {
				some[i].ID += idShift(label)
				if some[i].Name != "" {
					some[i].Name = labelled(label, some[i].Name)
				}
				if some[i].Payload != nil {
					some[i].Payload[index.KeySource] = label
				}
			}
			if !yield(some, err) {
				return
			}
		}
	}
}

// NewLabel returns a label for a source that an index does not have yet: "" for the
// first, else the name of its folder, with a number where another one is called
// so.
func NewLabel(o Origin, known []Origin) string {
	taken := func(label string) bool {
		return slices.ContainsFunc(known, func(k Origin) bool { return k.Label == label })
	}
	if len(known) == 0 {
		return ""
	}
	base := path.Base(strings.ReplaceAll(o.String(), `\`, "/"))
	if o.Kind == Scenes {
		base = url.PathEscape(base)
	}
	if base = strings.Trim(base, "/."); base == "" {
		base = "source"
	}
	label := base
	for n := 2; taken(label); n++ {
		label = fmt.Sprintf("%s-%d", base, n)
	}
	return label
}

// View is a store whose items are shown as they would be if their source had
// another label. Only Info, All and Tokens are of use.
type View struct {
	index.Store
	Label string
	Was   string // label that the items have in Store
}

// Tokens implements index.TokenStore.
func (v View) Tokens(ctx context.Context, ids []index.ID) ([][]byte, error) {
	store, ok := v.Store.(index.TokenStore)
	if !ok {
		return nil, fmt.Errorf("%T keeps no tokens: %w", v.Store, index.ErrTokens)
	}
	was := make([]index.ID, len(ids))
	for i, id := range ids {
		was[i] = id - idShift(v.Label) + idShift(v.Was)
	}
	return store.Tokens(ctx, was)
}

// All implements index.Store. Ids ascend: the items whose new id is beyond the
// largest number come first.
func (v View) All(ctx context.Context) iter.Seq2[index.Item, error] {
	return func(yield func(index.Item, error) bool) {
		for _, wrapped := range []bool{true, false} {
			for item, err := range v.Store.All(ctx) {
				if err != nil {
					yield(item, err)
					return
				}
				next := Relabel(item, v.Label)
				if (next.ID < item.ID) == wrapped && !yield(next, nil) {
					return
				}
			}
		}
	}
}
