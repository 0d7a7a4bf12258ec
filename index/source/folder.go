package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"engram/data/images"
	"engram/index"
)

// Folder is the source of the image files below a folder (see images.Files).
// A shard is one folder without its subfolders. Rows are known by their paths.
//
// Where a folder of images is a split of COCO, which means that ../annotations
// has captions_NAME.json or instances_NAME.json for its name, captions and
// categories are read into the payloads.
type Folder struct {
	Root string // absolute
	// Include and Exclude are patterns of path.Match. A pattern matches the path
	// below Root or the name of a file, or of a folder above it. Without Include
	// every file is included.
	Include, Exclude []string
}

// Origin implements Source.
func (f Folder) Origin() Origin { return Origin{Source: f.Root, Kind: Images, Root: f.Root} }

// Shards implements Source. A file or folder that cannot be looked at, for want
// of permission for instance, is a row of its shard, so that it is listed as bad.
func (f Folder) Shards(ctx context.Context) ([]Shard, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	found := map[string]*folder{}
	for file, err := range images.Files(f.Root) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil && (file.Path == "" || ctx.Err() != nil) {
			return nil, err
		}
		if !f.wants(file.Path) {
			continue
		}
		name := path.Dir(file.Path)
		if found[name] == nil {
			found[name] = &folder{root: f.Root, name: name, version: NewFingerprint()}
		}
		found[name].add(path.Base(file.Path), err)
	}
	shards := make([]Shard, 0, len(found))
	for _, folder := range found {
		s, err := folder.shard()
		if err != nil {
			return nil, err
		}
		shards = append(shards, s)
	}
	slices.SortFunc(shards, byName)
	return shards, nil
}

// check refuses a pattern that has no meaning.
func (f Folder) check() error {
	for _, pattern := range slices.Concat(f.Include, f.Exclude) {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("pattern %q: %w", pattern, err)
		}
	}
	return nil
}

// wants reports whether the patterns choose the file at a path.
func (f Folder) wants(file string) bool {
	return (len(f.Include) == 0 || matchAny(f.Include, file)) && !matchAny(f.Exclude, file)
}

// matchAny reports whether a pattern matches a path, or a folder above it.
func matchAny(patterns []string, file string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		for at := file; at != "." && at != "/"; at = path.Dir(at) {
			byPath, _ := path.Match(pattern, at) // patterns are checked
			byName, _ := path.Match(pattern, path.Base(at))
			if byPath || byName {
				return true
			}
		}
		return false
	})
}

// folder is one folder of images.
type folder struct {
	root, name string
	files      []string // names in it
	bytes      int64
	version    Fingerprint
	problems   map[string]error // of files that could not be looked at
}

// path returns where a file of the folder lies.
func (d *folder) path(file string) string {
	return filepath.Join(d.root, filepath.FromSlash(d.name), filepath.FromSlash(file))
}

// add notes a file, which may have been found with an error.
func (d *folder) add(file string, err error) {
	d.files = append(d.files, file)
	if err == nil {
		var size int64
		size, err = d.version.file(d.path(file))
		d.bytes += size
	}
	if err != nil {
		if d.problems == nil {
			d.problems = map[string]error{}
		}
		d.problems[file] = err
		d.version.Add(file)
		d.version.Add(err.Error())
	}
}

// shard returns the folder as a shard.
func (d *folder) shard() (Shard, error) {
	for _, file := range annotationFiles(d.path("")) {
		if _, err := d.version.file(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Shard{}, err
		}
	}
	return Shard{Name: d.name, Fingerprint: d.version.String(), Rows: len(d.files), Bytes: d.bytes, Read: d.read}, nil
}

// read yields the files as rows.
func (d *folder) read(ctx context.Context, from int) iter.Seq2[[]Row, error] {
	return func(yield func([]Row, error) bool) {
		notes, err := readNotes(d.path(""))
		if err != nil {
			yield(nil, err)
			return
		}
		for files := range slices.Chunk(d.files[from:], imagesAtOnce) {
			if !checkContext(ctx, yield) {
				return
			}
			rows := make([]Row, len(files))
			for i, file := range files {
				rows[i] = d.row(file, notes)
			}
			if !yield(rows, nil) {
				return
			}
		}
	}
}

// row describes one file.
func (d *folder) row(file string, notes map[string]note) Row {
	name := path.Join(d.name, file)
	row := Row{ID: nameID(name), Name: name, Payload: index.Payload{index.KeyPath: name}, Err: d.problems[file]}
	if row.Err != nil {
		return row
	}
	place := d.path(file)
	info, err := os.Stat(place)
	if err != nil {
		row.Err = err
		return row
	}
	row.Payload[index.KeySize] = info.Size()
	row.Payload[index.KeyModified] = info.ModTime().UTC().Format(time.RFC3339Nano)
	notes[file].add(row.Payload)
	row.Open = func() (io.ReadCloser, error) { return os.Open(place) }
	return row
}
