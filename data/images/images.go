package images

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// File is one file below a folder.
type File struct {
	Path  string // relative to the folder, with slashes on every system
	ID    uint64 // ID(Path)
	Image bool   // it is an image, by its name or by its first bytes
	Kind  Kind   // told by its first bytes; "" where its name told enough
}

// ID returns the id of the image at a path relative to its folder, written
// with slashes: the first 8 bytes of the path's SHA-256, read as a big-endian
// number. It depends on nothing but the path, so that it survives other files
// coming and going, another order and another machine. Two of n images share
// an id with probability n²/2^65: 3·10^-8 for a million.
func ID(rel string) uint64 {
	sum := sha256.Sum256([]byte(rel))
	return binary.BigEndian.Uint64(sum[:8])
}

// Extensions returns the extensions of images, in lower case and without the dot.
func Extensions() []string { return append(decodedExtensions(), "avif", "heic", "heif", "jxl") }

// decodedExtensions are the extensions of images that every build decodes.
func decodedExtensions() []string {
	return []string{"jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "tif", "tiff"}
}

// IsImage reports whether a file's name has the extension of an image that Engram
// can decode: jpg, jpeg, jpe, jfif, png, webp, gif, bmp, tif or tiff, in upper or
// lower case. Hidden files, whose name begins with a dot, are none. A file with
// another name may hold an image all the same: see Sniff.
func IsImage(name string) bool {
	return !strings.HasPrefix(name, ".") && slices.Contains(decodedExtensions(), extension(name))
}

// extension returns what follows the last dot of a name, in lower case.
func extension(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
}

// isOther reports whether a name says surely enough that a file is no image, so
// that it need not be opened: texts, tables, archives, sounds and films.
func isOther(name string) bool {
	return slices.Contains([]string{
		"txt", "json", "jsonl", "csv", "tsv", "xml", "md", "htm", "html", "yaml", "yml", "toml", "ini", "log", "py", "ipynb",
		"npy", "npz", "parquet", "arrow", "h5", "pt", "pth", "pkl", "onnx", "safetensors", "db", "sqlite",
		"tar", "tgz", "gz", "zst", "tzst", "zip", "7z", "rar", "mov", "mp4", "m4v", "avi", "mkv", "webm", "mp3", "wav", "m4a",
	}, extension(name))
}

// isSystem reports whether a file is hidden, or an operating system's own.
func isSystem(name string) bool {
	return strings.HasPrefix(name, ".") || slices.Contains([]string{"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}, strings.ToLower(name))
}

// Files yields the images among All.
func Files(root string) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		for file, err := range All(root) {
			if (file.Image || err != nil) && !yield(file, err) {
				return
			}
		}
	}
}

// All yields the files below root, folder by folder in the order of their names.
// Hidden files and folders are left out, and so are the files that operating
// systems put into folders. A file is opened only where its name does not tell
// whether it is an image.
//
// Links to files are followed, and so are links to folders outside root; what
// lies below root is found there anyway. No folder is entered twice, so that
// links in a circle end.
//
// What cannot be read, such as a folder without permission or a link to
// nothing, is yielded as an error that names it, with its path in File; the
// sequence goes on after it.
func All(root string) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		disk, err := realFolder(root)
		if err != nil {
			yield(File{}, fmt.Errorf("images: %w", err))
			return
		}
		w := walk{disk: disk, entered: map[string]bool{}, yield: yield}
		w.folder("", disk)
	}
}

// realFolder returns the absolute path of a folder without links in it.
func realFolder(name string) (string, error) {
	disk, err := filepath.EvalSymlinks(name)
	if err != nil {
		return "", err
	}
	if disk, err = filepath.Abs(disk); err != nil {
		return "", err
	}
	info, err := os.Stat(disk)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s: wanted a folder, found a file", name)
	}
	return disk, err
}

// walk is one pass over a folder of images.
type walk struct {
	disk    string // the root folder without links
	entered map[string]bool
	yield   func(File, error) bool
}

// fail yields an error and reports whether to go on.
func (w *walk) fail(rel string, err error) bool {
	return w.yield(File{Path: rel, ID: ID(rel)}, fmt.Errorf("images: %w", err))
}

// folder yields what is below the folder rel, whose path without links is
// disk, and reports whether to go on.
func (w *walk) folder(rel, disk string) bool {
	if w.entered[disk] {
		return true
	}
	w.entered[disk] = true
	entries, err := os.ReadDir(disk) // sorted by name
	if err != nil && !w.fail(rel, err) {
		return false
	}
	for _, entry := range entries {
		if !w.entry(path.Join(rel, entry.Name()), disk, entry) {
			return false
		}
	}
	return true
}

// entry yields one entry of a folder, or what is below it.
func (w *walk) entry(rel, folder string, entry fs.DirEntry) bool {
	name := entry.Name()
	place := filepath.Join(folder, name)
	switch kind := entry.Type(); {
	case isSystem(name):
		return true
	case kind.IsDir():
		return w.folder(rel, place)
	case kind&fs.ModeSymlink != 0:
		return w.link(rel, place)
	case !kind.IsRegular() && IsImage(name):
		return w.fail(rel, fmt.Errorf("%s: wanted a file, found %s", place, kind))
	case !kind.IsRegular():
		return true
	}
	return w.yield(look(rel, place), nil)
}

// look describes the file rel, which lies at place.
func look(rel, place string) File {
	file := File{Path: rel, ID: ID(rel)}
	switch name := path.Base(rel); {
	case IsImage(name):
		file.Image = true
	case !isOther(name):
		file.Kind = SniffFile(place)
		file.Image = file.Kind.Decodes()
	}
	return file
}

// SniffFile returns the kind of a file, Unknown where it cannot be read.
func SniffFile(place string) Kind {
	f, err := os.Open(place)
	if err != nil {
		return Unknown
	}
	defer f.Close()
	kind, _ := SniffReader(f)
	return kind
}

// link yields what a symbolic link leads to.
func (w *walk) link(rel, place string) bool {
	info, err := os.Stat(place)
	switch {
	case err != nil && !IsImage(path.Base(rel)) && errors.Is(err, fs.ErrNotExist):
		return true // a dead link that would have been no image
	case err != nil:
		return w.fail(rel, err)
	case info.Mode().IsRegular():
		return w.yield(look(rel, place), nil)
	case !info.IsDir():
		return true
	}
	disk, err := realFolder(place)
	if err != nil {
		return w.fail(rel, err)
	}
	if below, err := filepath.Rel(w.disk, disk); err == nil && filepath.IsLocal(below) {
		return true // found below root under its own name
	}
	return w.folder(rel, disk)
}
