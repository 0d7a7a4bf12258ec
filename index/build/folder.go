package build

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"engram/data/coco"
	"engram/data/images"
	"engram/index"
)

// The keys of a payload that Folder sets.
const (
	keyPath       = "path"       // string: relative to the root, with slashes
	keySize       = "size"       // int64: bytes of the file
	keyModified   = "modified"   // string: time of the file's last change, RFC 3339 in UTC
	keyCaptions   = "captions"   // []string: what people wrote about the photo (COCO)
	keyCategories = "categories" // []string: names of the things in it (COCO)
)

// Entry is one image that a source offers.
type Entry struct {
	ID      index.ID
	Payload index.Payload // with "path", and what tells a changed file from the indexed one
	Open    func() (io.ReadCloser, error)
}

// path returns the entry's name for messages.
func (e *Entry) path() string {
	name, _ := e.Payload[keyPath].(string)
	return name
}

// Folder lists the image files below root (see images.Files). Where a folder
// of images is a split of COCO, which means that ../annotations has
// captions_NAME.json or instances_NAME.json for its name, captions and
// categories are read into the payloads. A file that cannot be looked at is an
// entry that cannot be opened, so that the job lists it; the error is that of
// the root or of an annotation file.
func Folder(root string) ([]Entry, error) {
	splits := annotations{root: root, notes: map[string]map[string]note{}}
	var entries []Entry
	for file, err := range images.Files(root) {
		if err != nil && file.Path == "" {
			return nil, fmt.Errorf("build: %w", err)
		}
		entry := newEntry(root, file, err)
		if err := splits.add(entry.Payload, file.Path); err != nil {
			return nil, fmt.Errorf("build: %w", err)
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// newEntry describes one file, which may have been found with an error.
func newEntry(root string, file images.File, err error) Entry {
	entry := Entry{ID: index.ID(file.ID), Payload: index.Payload{keyPath: file.Path}}
	name := filepath.Join(root, filepath.FromSlash(file.Path))
	var info fs.FileInfo
	if err == nil {
		info, err = os.Stat(name)
	}
	if err != nil {
		entry.Open = func() (io.ReadCloser, error) { return nil, err }
		return entry
	}
	entry.Payload[keySize] = info.Size()
	entry.Payload[keyModified] = info.ModTime().UTC().Format(time.RFC3339Nano)
	entry.Open = func() (io.ReadCloser, error) { return os.Open(name) }
	return entry
}

// annotations holds what COCO says about the images of each folder, read when
// the first image of a folder comes.
type annotations struct {
	root  string
	notes map[string]map[string]note // folder → file name → note
}

// note is what COCO says about one image.
type note struct{ captions, categories []string }

// add puts captions and categories of the image at rel into its payload.
func (a annotations) add(payload index.Payload, rel string) error {
	folder, name := path.Split(rel)
	folder = path.Clean(folder)
	notes, known := a.notes[folder]
	if !known {
		var err error
		if notes, err = readNotes(filepath.Join(a.root, filepath.FromSlash(folder))); err != nil {
			return err
		}
		a.notes[folder] = notes
	}
	n := notes[name]
	if len(n.captions) > 0 {
		payload[keyCaptions] = n.captions
	}
	if len(n.categories) > 0 {
		payload[keyCategories] = n.categories
	}
	return nil
}

// readNotes reads the annotations of a folder of images; there are none where
// it is not a split of COCO.
func readNotes(folder string) (map[string]note, error) {
	var found []string
	for _, kind := range []string{"captions_", "instances_"} {
		name := filepath.Join(filepath.Dir(folder), "annotations", kind+filepath.Base(folder)+".json")
		switch _, err := os.Stat(name); {
		case err == nil:
			found = append(found, name)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	set, err := coco.Load(found...)
	if err != nil {
		return nil, err
	}
	notes := make(map[string]note, len(set.Images))
	for i := range set.Images {
		image := &set.Images[i]
		n := note{captions: image.Captions}
		for _, category := range image.Categories() {
			n.categories = append(n.categories, category.Name)
		}
		notes[image.FileName] = n
	}
	return notes, nil
}
