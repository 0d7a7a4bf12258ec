package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"engram/index"
)

// maxMoveSample is how many items are looked for at a new place.
const maxMoveSample = 200

// Moved says how many items of a sample have their file at a place.
type Moved struct {
	Sampled int `json:"sampled"`
	Found   int `json:"found"`
	// Example is a file that was looked for and is not there, "" where all are.
	Example string `json:"example,omitempty"`
}

// Suits reports whether enough files are there for the place to be where the
// source is now. Some may have been deleted meanwhile.
func (m Moved) Suits() bool { return m.Found > 0 && 2*m.Found >= m.Sampled }

// CheckMoved looks for the files of items of one source below a folder: image files
// of the size that they had, or the files of their shards.
func CheckMoved(ctx context.Context, store index.Store, o Origin, to string) (Moved, error) {
	var m Moved
	seen := map[string]bool{}
	for item, err := range store.All(ctx) {
		if err != nil {
			return m, err
		}
		if label, _ := item.Payload[index.KeySource].(string); label != o.Label {
			continue
		}
		file, size := o.fileOf(item.Payload)
		if file == "" || seen[file] {
			continue
		}
		seen[file] = true
		m.Sampled++
		info, err := os.Stat(filepath.Join(to, filepath.FromSlash(file)))
		if err == nil && (size < 0 || info.Size() == size) {
			m.Found++
		} else if m.Example == "" {
			m.Example = file
		}
		if m.Sampled == maxMoveSample {
			break
		}
	}
	return m, nil
}

// imagesElsewhere reports whether the images lie in another folder than the source
// that the index was made from: the embeddings of them, say.
func (o Origin) imagesElsewhere() bool { return o.Root != "" && o.Root != o.Base() }

// fileOf returns the path of the file that an item came from, below its source, or
// of its image where these lie elsewhere, and its size, -1 where that is not known.
func (o Origin) fileOf(p index.Payload) (file string, size int64) {
	if o.imagesElsewhere() {
		for _, key := range []string{index.KeyPath, index.KeyTar, index.KeyImagePath} {
			if file, _ := p[key].(string); file != "" {
				return file, -1
			}
		}
		return "", -1
	}
	if file, ok := p[index.KeyPath].(string); ok && p[index.KeyShard] == nil {
		if size, ok = p[index.KeySize].(int64); !ok {
			size = -1
		}
		return file, size
	}
	shard, _ := p[index.KeyShard].(string)
	return shard, -1
}

// Relocate returns the origin of the same source at another place. Where its images
// lie elsewhere, it is they that have moved.
func (o Origin) Relocate(to string) (Origin, error) {
	if o.Kind == Scenes || o.String() == "" {
		return o, errors.New("wanted an index of files, found one of generated scenes or of unknown origin")
	}
	to, err := filepath.Abs(to)
	if err != nil {
		return o, err
	}
	if info, err := os.Stat(to); err != nil {
		return o, err
	} else if !info.IsDir() {
		return o, fmt.Errorf("%s: wanted a folder, found a file", to)
	}
	if o.imagesElsewhere() {
		o.Root = to
		return o, nil
	}
	old := o.Base()
	if o.Source != "" {
		o.Source = to
	}
	if rest, below := strings.CutPrefix(o.Place, old); below && o.Place != "" {
		o.Place = to + rest
	}
	if o.Root != "" {
		o.Root = to
	}
	return o, nil
}

// Gone reports whether the folder of a source is not there.
func (o Origin) Gone() bool {
	if o.Kind == Scenes || o.String() == "" {
		return false
	}
	_, err := os.Stat(o.Base())
	return errors.Is(err, os.ErrNotExist)
}
