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
	"engram/data/webdataset"
	"engram/index"
	"engram/index/source"
)

var (
	errCaption = errors.New("it has no caption")
	errVector  = errors.New("it is a vector, not an image")
)

// rowBits are the bits of an id that number the rows of a shard.
const rowBits = 40

// numbered returns the shards of a pair with ids that are the places of their
// rows: the number of the shard in the pair, then the number of the row.
func numbered(shards []source.Shard, set laion.Set) []source.Shard {
	shards = slices.Clone(shards)
	for i := range shards {
		read := shards[i].Read
		shards[i].Read = func(ctx context.Context, from int) iter.Seq2[[]source.Row, error] {
			return renumber(read(ctx, from), index.ID(i)<<rowBits+index.ID(from), set)
		}
		shards[i].Dim = 0 // rows are embedded, even where they have vectors
	}
	return shards
}

// renumber gives rows the ids from the given one on.
func renumber(rows iter.Seq2[[]source.Row, error], id index.ID, set laion.Set) iter.Seq2[[]source.Row, error] {
	return func(yield func([]source.Row, error) bool) {
		for some, err := range rows {
			some = slices.Clone(some)
			for i := range some {
				some[i].ID = id
				id++
				if some[i].Err == nil {
					toInput(&some[i], set)
				}
			}
			if !yield(some, err) {
				return
			}
		}
	}
}

// toInput makes the row open what is to be embedded: its image, or its caption.
func toInput(row *source.Row, set laion.Set) {
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
	if captions, _ := p[index.KeyCaptions].([]string); len(captions) > 0 {
		return captions[0]
	}
	text, _ := p[index.KeyCaption].(string)
	return text
}

// columns returns the metadata of a row: its payload, with path and caption also
// under the names that clip-retrieval gives them. As there, the path of a row in a
// tar is its key; the tar has a column of its own. A row with neither path nor key gets the given name.
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
	if tar, ok := p[index.KeyShard].(string); ok && row[index.KeyTar] == nil && webdataset.IsTar(tar) {
		row[index.KeyTar] = tar // an index of the embeddings has a shard of its own
	}
	if row[index.KeyImagePath] == nil {
		row[index.KeyImagePath] = name
	}
	if text := caption(p); row[index.KeyCaption] == nil && text != "" {
		row[index.KeyCaption] = text
	}
	return row
}
