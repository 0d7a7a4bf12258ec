package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"engram/data/laion"
	"engram/data/webdataset"
)

// Kind is a kind of source.
type Kind string

// The kinds.
const (
	Images       Kind = "images"     // a folder of image files, COCO among them
	Tars         Kind = "webdataset" // tars of samples, such as img2dataset's
	Embeddings   Kind = "laion"      // embeddings in npy with metadata in Parquet
	Tables       Kind = "parquet"    // Parquet files with a column of embeddings
	Scenes       Kind = "scenes"     // generated pictures
	scenesPrefix      = string(Scenes) + ":"
)

// Kinds returns all kinds.
func Kinds() []Kind { return []Kind{Images, Tars, Embeddings, Tables, Scenes} }

// Options say how to read a place. The zero value is fine.
type Options struct {
	Kind             Kind      // "" finds out
	Include, Exclude []string  // for Images: see Folder
	Set              laion.Set // for Embeddings: image or text; "" means image
	Column           string    // for Tables: name of the column of embeddings; "" finds out
}

// Open returns the source at a place: a folder, a file or a pattern of files
// (see package pattern), or generated scenes (see ParseScenes).
func Open(place string, o Options) (Source, error) {
	kind := o.Kind
	if kind == "" {
		var err error
		if kind, err = Detect(place); err != nil {
			return nil, err
		}
	}
	if kind != Images && len(o.Include)+len(o.Exclude) > 0 {
		return nil, fmt.Errorf("build: %s is of kind %s, patterns choose among image files alone", place, kind)
	}
	if kind != Embeddings && o.Set == laion.Text {
		return nil, fmt.Errorf("build: %s is of kind %s, only one of kind %s has a choice of embeddings", place, kind, Embeddings)
	}
	if kind != Tables && o.Column != "" {
		return nil, fmt.Errorf("build: %s is of kind %s, only one of kind %s has a choice of columns", place, kind, Tables)
	}
	if kind == Scenes {
		return ParseScenes(place)
	}
	place, err := filepath.Abs(place)
	if err != nil {
		return nil, err
	}
	switch kind {
	case Images:
		return Folder{Root: place, Include: o.Include, Exclude: o.Exclude}, nil
	case Tars:
		return tars{place}, nil
	case Embeddings:
		return vectors{place: place, set: cmp.Or(o.Set, laion.Image)}, nil
	case Tables:
		return vectors{place: place, table: true, column: o.Column}, nil
	}
	return nil, fmt.Errorf("build: a source of kind %q, wanted one of %q", kind, Kinds())
}

// Detect finds out the kind of a place: by the names of files, or by what is in
// a folder.
func Detect(place string) (Kind, error) {
	if strings.HasPrefix(place, scenesPrefix) {
		return Scenes, nil
	}
	info, err := os.Stat(place)
	switch {
	case err == nil && info.IsDir():
		return detectFolder(place)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("build: %w", err)
	}
	switch ext := filepath.Ext(place); {
	case webdataset.IsTar(place):
		return Tars, nil
	case ext == ".parquet":
		return Tables, nil
	case ext == ".npy":
		return Embeddings, nil
	case err != nil:
		return "", fmt.Errorf("build: %w", err)
	}
	return "", fmt.Errorf("build: %s: wanted a folder, tars, npy or Parquet files, found a file called otherwise", place)
}

// detectFolder looks at the names in a folder.
func detectFolder(dir string) (Kind, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("build: %w", err)
	}
	has := func(match func(name string) bool) bool {
		return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return match(e.Name()) })
	}
	switch {
	case has(func(name string) bool {
		return strings.HasPrefix(name, string(laion.Image)) || strings.HasPrefix(name, string(laion.Text))
	}):
		return Embeddings, nil
	case has(webdataset.IsTar):
		return Tars, nil
	case has(func(name string) bool { return filepath.Ext(name) == ".parquet" }):
		return Tables, nil
	}
	return Images, nil
}

// baseOf returns the folder that the names of shards at a place are relative
// to: the place, or the last folder of a pattern without special characters.
func baseOf(place string) string {
	if info, err := os.Stat(place); err == nil && info.IsDir() {
		return place
	}
	base, _, _ := strings.Cut(place, "{")
	if i := strings.IndexAny(base, `*?[\`); i >= 0 {
		base = base[:i]
	}
	return filepath.Dir(base + "x") // what follows the last slash is part of a name
}

// below returns the name of the shard that a file is.
func below(base, file string) string {
	if rel, err := filepath.Rel(base, file); err == nil {
		file = rel
	}
	return filepath.ToSlash(file)
}

// checkContext yields the error of ctx and returns false where ctx has ended.
func checkContext(ctx context.Context, yield func([]Row, error) bool) bool {
	if err := ctx.Err(); err != nil {
		yield(nil, err)
		return false
	}
	return true
}
