package layout

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// File is a file of a Source.
type File struct {
	Path string // slash-separated
	Size int64  // bytes
}

// Source is a repository or a folder that publishes a model.
type Source interface {
	// Files returns all files.
	Files() []File
	// Read returns the content of a small file.
	Read(ctx context.Context, path string) ([]byte, error)
}

// Folder returns the files of a folder as a Source. Hidden files and folders, such as
// .git, are left out. Symbolic links to files count as the files.
func Folder(dir string) (Source, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("layout: %w", err)
	}
	f := folder{dir: dir}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a link to nothing
		}
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() {
			f.files = append(f.files, File{Path: name, Size: info.Size()})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("layout: %w", err)
	}
	return &f, nil
}

// folder is a Source on this machine.
type folder struct {
	dir   string
	files []File
}

func (f *folder) Files() []File { return f.files }

func (f *folder) Read(_ context.Context, name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(f.dir, filepath.FromSlash(name)))
}

// maxJSON is far above every JSON file that is read here, in bytes.
const maxJSON = 16 << 20

// listing is a Source with its files by path.
type listing struct {
	Source
	sizes map[string]int64
}

func newListing(src Source) *listing {
	l := &listing{Source: src, sizes: make(map[string]int64)}
	for _, f := range src.Files() {
		l.sizes[f.Path] = f.Size
	}
	return l
}

func (l *listing) has(name string) bool {
	_, ok := l.sizes[name]
	return ok
}

// first returns the first of the names that is there, or "".
func (l *listing) first(names ...string) string {
	for _, name := range names {
		if l.has(name) {
			return name
		}
	}
	return ""
}

// suffixed returns the files with an ending, in no order.
func (l *listing) suffixed(ending string) []string {
	var names []string
	for name := range l.sizes {
		if path.Ext(name) == ending {
			names = append(names, name)
		}
	}
	return names
}
