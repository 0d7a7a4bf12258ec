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
	"strings"
	"time"

	"engram/data/images"
	"engram/index"
)

// Folder is the source of the image files below a folder (see images.All). A shard
// is one folder without its subfolders. Rows are known by their paths.
//
// What files in the tree say of photos is read into their payloads: annotations of
// COCO in the layouts of COCO itself, Roboflow and CVAT, metadata tables of Hugging
// Face, and files beside a photo, such as the ones of img2dataset.
type Folder struct {
	Root string // absolute
	// Include and Exclude are patterns of path.Match. A pattern matches the path
	// below Root or the name of a file, or of a folder above it. Without Include
	// every file is included.
	Include, Exclude []string
	Masks            bool      // take masks and annotation pictures, too
	Findings         *Findings // may be nil
}

// Origin implements Source.
func (f Folder) Origin() Origin { return Origin{Source: f.Root, Kind: Images, Root: f.Root} }

// Shards implements Source. A file or folder that cannot be looked at, for want
// of permission for instance, is a row of its shard, so that it is listed as bad.
func (f Folder) Shards(ctx context.Context) ([]Shard, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	found, others, err := f.walk(ctx)
	if err != nil {
		return nil, err
	}
	var summary Summary
	if !f.Masks {
		summary.Masks = takeMasks(found)
	}
	used := f.describe(found, others, &summary)
	left := endings{}
	for _, file := range others {
		if !used[file.Path] {
			left.add(path.Base(file.Path), file.Kind)
		}
	}
	summary.LeftOut = left.list()
	shards := make([]Shard, 0, len(found))
	for _, d := range found {
		shards = append(shards, d.shard())
		summary.Photos += len(d.files)
	}
	slices.SortFunc(shards, byName)
	f.Findings.keepPlace(summary)
	return shards, nil
}

// walk returns the images below the root by their folders, and the other files.
func (f Folder) walk(ctx context.Context) (found map[string]*folder, others []images.File, err error) {
	found = map[string]*folder{}
	for file, err := range images.All(f.Root) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil && (file.Path == "" || ctx.Err() != nil) {
			return nil, nil, err
		}
		if !f.wants(file.Path) {
			continue
		}
		if err == nil && !file.Image {
			others = append(others, file)
			continue
		}
		name := path.Dir(file.Path)
		if found[name] == nil {
			found[name] = &folder{root: f.Root, name: name, version: NewFingerprint(), findings: f.Findings}
		}
		found[name].add(path.Base(file.Path), err)
	}
	return found, others, nil
}

// takeMasks removes masks from folders, and says how many there were.
func takeMasks(found map[string]*folder) []Masks {
	var taken []Masks
	m := newMasks(found)
	for _, name := range sortedKeys(found) {
		d := found[name]
		if m.isFolder(d) {
			taken = append(taken, Masks{name, len(d.files)})
			delete(found, name)
			continue
		}
		if some := m.inFolder(d); len(some) > 0 {
			taken = append(taken, Masks{name, len(some)})
			d.files = slices.DeleteFunc(d.files, func(file string) bool { return slices.Contains(some, file) })
		}
	}
	return taken
}

// describe finds the files that say something of photos, and returns the paths of
// those among others.
func (f Folder) describe(found map[string]*folder, others []images.File, summary *Summary) (used map[string]bool) {
	used = map[string]bool{}
	beside := map[string][]string{}
	for _, file := range others {
		beside[path.Dir(file.Path)] = append(beside[path.Dir(file.Path)], path.Base(file.Path))
	}
	c := &companions{root: f.Root, names: map[string][]string{}, known: map[string]*companion{}, sidecars: map[string]bool{}}
	counted := endings{}
	for name, d := range found {
		d.sidecars = sidecarsOf(d.files, beside[name])
		summary.Described += len(d.sidecars)
		for _, files := range d.sidecars {
			for _, file := range files {
				used[path.Join(name, file)], c.sidecars[d.path(file)] = true, true
				counted.add(file, "")
			}
		}
	}
	for _, l := range counted.list() {
		summary.Sidecars = append(summary.Sidecars, Sidecars{Ending: l.Ending, Files: l.Files})
	}
	for _, name := range sortedKeys(found) {
		found[name].companions = c.of(found[name])
		for _, x := range found[name].companions {
			used[path.Join(x.dir, filepath.Base(x.path))] = true
		}
	}
	return used
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
	problems   map[string]error    // of files that could not be looked at
	sidecars   map[string][]string // files that describe a photo, by photo
	companions []*companion
	findings   *Findings
}

// path returns where a file of the folder lies.
func (d *folder) path(file string) string {
	return filepath.Join(d.root, filepath.FromSlash(d.name), filepath.FromSlash(file))
}

// add notes a file, which may have been found with an error.
func (d *folder) add(file string, err error) {
	d.files = append(d.files, file)
	if err != nil {
		d.problem(file, err)
	}
}

func (d *folder) problem(file string, err error) {
	if d.problems == nil {
		d.problems = map[string]error{}
	}
	d.problems[file] = err
}

// shard returns the folder as a shard.
func (d *folder) shard() Shard {
	for _, file := range d.files {
		if d.problems[file] == nil {
			size, err := d.version.file(d.path(file))
			if err != nil {
				d.problem(file, err)
			}
			d.bytes += size
		}
		if err := d.problems[file]; err != nil {
			d.version.Add(file)
			d.version.Add(err.Error())
		}
	}
	for _, c := range d.companions {
		d.version.Add(filepath.Base(c.path))
		d.version.stat(c.size, c.changed)
	}
	for _, photo := range d.files {
		for _, file := range d.sidecars[photo] {
			if _, err := d.version.file(d.path(file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				d.version.Add(err.Error())
			}
		}
	}
	return Shard{Name: d.name, Fingerprint: d.version.String(), Rows: len(d.files), Bytes: d.bytes, Read: d.read}
}

// read yields the files as rows.
func (d *folder) read(ctx context.Context, from int) iter.Seq2[[]Row, error] {
	return func(yield func([]Row, error) bool) {
		var said []map[string]index.Payload
		for _, c := range d.companions {
			said = append(said, c.payloads(d.findings))
		}
		var found shardFindings
		for files := range slices.Chunk(d.files[from:], imagesAtOnce) {
			if !checkContext(ctx, yield) {
				return
			}
			rows := make([]Row, len(files))
			for i, file := range files {
				rows[i] = d.row(file, said, &found)
			}
			if !yield(rows, nil) {
				return
			}
		}
		d.findings.keepShard(d.name, found)
	}
}

// row describes one file.
func (d *folder) row(file string, said []map[string]index.Payload, found *shardFindings) Row {
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
	for _, notes := range said {
		for _, key := range []string{index.KeyPath, index.KeySize, index.KeyModified} {
			if notes[name][key] != nil {
				found.leaveOut(key, "a name that Engram has for something else")
			}
		}
		merge(row.Payload, notes[name])
	}
	for _, sidecar := range d.sidecars[file] {
		if err := readSidecar(d.path(sidecar), row.Payload, found); err != nil {
			reason := strings.TrimPrefix(err.Error(), "open "+d.path(sidecar)+": ")
			found.oddly(Odd{File: path.Join(d.name, sidecar), Place: "the file", Reason: reason})
		}
	}
	row.Open = func() (io.ReadCloser, error) { return os.Open(place) }
	return row
}
