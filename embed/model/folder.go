package model

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// folder reads the files of a model's folder. A symbolic link out of it is followed
// only where links.json lists the file.
type folder struct {
	dir   string
	root  *os.Root
	links map[string]bool
	known *Verified // nil: every file is hashed
}

// openFolder opens the folder dir. The caller closes it.
func openFolder(dir string, known *Verified) (*folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &folder{dir: dir, root: root, known: known}
	if f.links, err = readLinks(root); err != nil {
		root.Close()
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, LinksName), err)
	}
	return f, nil
}

func (f *folder) close() { f.root.Close() }

// open opens a file by its path in the folder, with slashes.
func (f *folder) open(name string) (*os.File, error) {
	if f.links[name] {
		return os.Open(f.path(name))
	}
	return f.root.Open(filepath.FromSlash(name))
}

// stat describes a file, or what a listed link leads to.
func (f *folder) stat(name string) (fs.FileInfo, error) {
	if f.links[name] {
		return os.Stat(f.path(name))
	}
	return f.root.Stat(filepath.FromSlash(name))
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// checksum returns the SHA-256 of a file in hexadecimal. It may have been computed
// by an earlier process, where the file is the same since then.
func (f *folder) checksum(name string) (string, error) {
	file, err := f.open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	before, err := file.Stat()
	if err != nil {
		return "", err
	}
	if sum, ok := f.known.lookUp(f.path(name), before); ok {
		return sum, nil
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	sum := hex.EncodeToString(hash.Sum(nil))
	if after, err := file.Stat(); err == nil {
		f.known.remember(f.path(name), before, after, sum)
	}
	return sum, nil
}
