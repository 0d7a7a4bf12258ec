package source

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"engram/data/laion"
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
	Masks            bool      // for Images: see Folder
	Set              laion.Set // for Embeddings: image or text; "" means image
	Column           string    // for Tables: name of the column of embeddings; "" finds out
	// Findings is told what the source meets beside its rows; nil is told nothing.
	Findings *Findings
}

// Open returns the source at a place: a folder, a file or a pattern of files
// (see package pattern), or generated scenes (see ParseScenes).
func Open(place string, o Options) (Source, error) {
	kind, taken := o.Kind, ""
	if kind == "" {
		var err error
		if kind, taken, err = detect(place); err != nil {
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
	o.Findings.keepKind(kind, taken)
	if kind == Scenes {
		return ParseScenes(place)
	}
	place, err := filepath.Abs(place)
	if err != nil {
		return nil, err
	}
	switch kind {
	case Images:
		return Folder{Root: place, Include: o.Include, Exclude: o.Exclude, Masks: o.Masks, Findings: o.Findings}, nil
	case Tars:
		return tars{place, o.Findings}, nil
	case Embeddings:
		return vectors{place: place, set: cmp.Or(o.Set, laion.Image), findings: o.Findings}, nil
	case Tables:
		return vectors{place: place, table: true, column: o.Column, findings: o.Findings}, nil
	}
	return nil, fmt.Errorf("build: a source of kind %q, wanted one of %q", kind, Kinds())
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

// leftOutOf counts the files of a folder that are not known to belong to its kind.
// There are none where the place is a file or a pattern.
func leftOutOf(place string, known func(name string) bool) []LeftOut {
	entries, _ := os.ReadDir(place) // whoever lists the shards tells of the error
	left := endings{}
	for _, e := range entries {
		if name := e.Name(); !e.IsDir() && !strings.HasPrefix(name, ".") && !known(name) {
			left.add(name, "")
		}
	}
	return left.list()
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
