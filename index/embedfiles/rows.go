package embedfiles

import (
	"context"
	"errors"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"engram/data/laion"
	"engram/index"
	"engram/index/source"
)

var (
	errCaption = errors.New("it has no caption")
	errVector  = errors.New("it is a vector, not an image")
)

// rowBits are the bits of an id that number the rows of a shard.
const rowBits = 40

// ordered returns the shards of a pair with the id of each row as its place: the
// number of its shard in the pair, then its own in the shard.
func ordered(shards []source.Shard, set laion.Set) []source.Shard {
	shards = slices.Clone(shards)
	for i := range shards {
		read := shards[i].Read
		shards[i].Read = func(ctx context.Context, from int) iter.Seq2[[]source.Row, error] {
			return number(read(ctx, from), index.ID(i)<<rowBits+index.ID(from), set)
		}
		shards[i].Dim = 0 // its rows are to be embedded, whatever they were
	}
	return shards
}

// number gives rows the ids from the given one on.
func number(rows iter.Seq2[[]source.Row, error], id index.ID, set laion.Set) iter.Seq2[[]source.Row, error] {
	return func(yield func([]source.Row, error) bool) {
		for some, err := range rows {
			some = slices.Clone(some)
			for i := range some {
				some[i].ID = id
				id++
				if some[i].Err == nil {
					open(&some[i], set)
				}
			}
			if !yield(some, err) {
				return
			}
		}
	}
}

// open makes the row one of what is to be embedded.
func open(row *source.Row, set laion.Set) {
	if set == laion.Image {
		if row.Vector != nil {
			row.Vector, row.Err = nil, errVector
		}
		return
	}
	row.Vector, row.Open = nil, nil
	text := caption(row.Payload)
	if text == "" {
		row.Err = errCaption
		return
	}
	row.Open = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

// caption returns the first caption of a row, "" where it has none.
func caption(p index.Payload) string {
	if list, _ := p[index.KeyCaptions].([]string); len(list) > 0 {
		return list[0]
	}
	text, _ := p[index.KeyCaption].(string)
	return text
}

// columns returns what the metadata say of a row: its payload, with path and
// caption also under the names that clip-retrieval gives them. As there, the key
// of a row in a tar is its path; name is that of a row that has neither.
func columns(p index.Payload, name string) map[string]any {
	row := maps.Clone(map[string]any(p))
	if row == nil {
		row = map[string]any{}
	}
	for _, key := range []string{index.KeyPath, index.KeyKey} {
		if path, ok := p[key].(string); ok && row[index.KeyImagePath] == nil {
			row[index.KeyImagePath] = path
		}
	}
	if row[index.KeyImagePath] == nil {
		row[index.KeyImagePath] = name
	}
	if text := caption(p); row[index.KeyCaption] == nil && text != "" {
		row[index.KeyCaption] = text
	}
	return row
}
