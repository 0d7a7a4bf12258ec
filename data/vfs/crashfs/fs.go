package crashfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"engram/data/vfs"
)

// Op is a kind of operation that changes files or makes changes durable.
type Op string

// The operations.
const (
	Create   Op = "create" // also opening a file that exists in order to empty it
	Write    Op = "write"
	Truncate Op = "truncate"
	Sync     Op = "sync"
	Rename   Op = "rename" // the path is the new one
	Remove   Op = "remove"
	Mkdir    Op = "mkdir"
	SyncDir  Op = "sync folder"
)

// FS is a file system in a folder. It implements vfs.FS and is safe for
// concurrent use.
type FS struct {
	root string

	mu      sync.Mutex // guards what follows and all nodes
	before  func(op Op, path string) error
	top     *node
	pending []*change // in the order in which they were made
	changes int       // number of the last one
}

var _ vfs.FS = (*FS)(nil)

// New returns the file system of a folder. What is in the folder is durable.
// From then on it is changed through the FS only.
func New(root string) (*FS, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	top, err := load(root)
	if err != nil {
		return nil, fmt.Errorf("crashfs: %w", err)
	}
	return &FS{root: root, top: top}, nil
}

// load reads a folder.
func load(dir string) (*node, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	d := newFolder()
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		n := &node{}
		if e.IsDir() {
			n, err = load(path)
		} else {
			n.durable, err = os.ReadFile(path)
		}
		if err != nil {
			return nil, err
		}
		d.names[e.Name()] = n
		d.kept[e.Name()] = entry{node: n}
	}
	return d, nil
}

// Before has hook called before each operation with the path it is about, nil
// none. An operation whose hook returns an error does nothing and returns it.
// The hook may call Crash.
func (f *FS) Before(hook func(op Op, path string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = hook
}

// callHook calls the hook, if there is one.
func (f *FS) callHook(op Op, path string) error {
	f.mu.Lock()
	hook := f.before
	f.mu.Unlock()
	if hook == nil {
		return nil
	}
	return hook(op, path)
}

// split returns the folder of a path and the name in it. The caller holds the
// lock.
func (f *FS) split(path string) (dir *node, name string, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, "", err
	}
	dir, err = f.folder(filepath.Dir(path))
	return dir, filepath.Base(path), err
}

// folder returns the folder at an absolute path. The caller holds the lock.
func (f *FS) folder(path string) (*node, error) {
	below, err := filepath.Rel(f.root, path)
	if err != nil || below == ".." || strings.HasPrefix(below, ".."+string(filepath.Separator)) {
		return nil, fmt.Errorf("crashfs: %s is outside of %s", path, f.root)
	}
	dir := f.top
	if below == "." {
		return dir, nil
	}
	for name := range strings.SplitSeq(below, string(filepath.Separator)) {
		next := dir.names[name]
		if next == nil || !next.isFolder() {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
		dir = next
	}
	return dir, nil
}

// OpenFile implements vfs.FS. Appending (os.O_APPEND) is not supported.
func (f *FS) OpenFile(path string, flag int, perm fs.FileMode) (vfs.File, error) {
	if flag&os.O_APPEND != 0 {
		return nil, fmt.Errorf("crashfs: open %s to append: %w", path, errors.ErrUnsupported)
	}
	return f.open(path, flag, func() (vfs.File, error) { return vfs.OS{}.OpenFile(path, flag, perm) })
}

// Lock implements vfs.FS. The lock is a real one.
func (f *FS) Lock(path string) (vfs.File, error) {
	return f.open(path, os.O_CREATE, func() (vfs.File, error) { return vfs.Lock(path) })
}

func (f *FS) open(path string, flag int, open func() (vfs.File, error)) (vfs.File, error) {
	if flag&(os.O_CREATE|os.O_TRUNC) != 0 {
		if err := f.callHook(Create, path); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, name, err := f.split(path)
	if err != nil {
		return nil, err
	}
	opened, err := open()
	if err != nil {
		return nil, err
	}
	n := dir.names[name]
	if n == nil {
		n = &node{}
		f.change(naming{dir, name, n})
	}
	if flag&os.O_TRUNC != 0 {
		n.edits = append(n.edits, edit{})
	}
	return &file{File: opened, fs: f, node: n}, nil
}

// Rename implements vfs.FS.
func (f *FS) Rename(from, to string) error {
	if err := f.callHook(Rename, to); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	oldDir, oldName, err := f.split(from)
	if err != nil {
		return err
	}
	newDir, newName, err := f.split(to)
	if err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	moved := oldDir.names[oldName]
	f.change(naming{oldDir, oldName, nil}, naming{newDir, newName, moved})
	return nil
}

// Remove implements vfs.FS.
func (f *FS) Remove(path string) error {
	return f.rename(Remove, path, nil, func() error { return os.Remove(path) })
}

// Mkdir implements vfs.FS.
func (f *FS) Mkdir(path string, perm fs.FileMode) error {
	return f.rename(Mkdir, path, newFolder(), func() error { return os.Mkdir(path, perm) })
}

// rename makes do's change of what the name at path stands for.
func (f *FS) rename(op Op, path string, to *node, do func() error) error {
	if err := f.callHook(op, path); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, name, err := f.split(path)
	if err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	f.change(naming{dir, name, to})
	return nil
}

// SyncDir implements vfs.FS.
func (f *FS) SyncDir(path string) error {
	if err := f.callHook(SyncDir, path); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	dir, err := f.folder(path)
	if err != nil {
		return err
	}
	f.settle(dir)
	return nil
}

// file is an open file.
type file struct {
	vfs.File // the real one
	fs       *FS
	node     *node
}

// Write implements vfs.File.
func (f *file) Write(b []byte) (int, error) {
	if err := f.fs.callHook(Write, f.Name()); err != nil {
		return 0, err
	}
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	n, err := f.File.Write(b)
	f.node.write(at, b[:n])
	return n, err
}

// WriteAt implements vfs.File.
func (f *file) WriteAt(b []byte, at int64) (int, error) {
	if err := f.fs.callHook(Write, f.Name()); err != nil {
		return 0, err
	}
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	n, err := f.File.WriteAt(b, at)
	f.node.write(at, b[:n])
	return n, err
}

// Truncate implements vfs.File.
func (f *file) Truncate(size int64) error {
	if err := f.fs.callHook(Truncate, f.Name()); err != nil {
		return err
	}
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.File.Truncate(size); err != nil {
		return err
	}
	f.node.edits = append(f.node.edits, edit{at: size})
	return nil
}

// Sync implements vfs.File. The real file is not synced.
func (f *file) Sync() error {
	if err := f.fs.callHook(Sync, f.Name()); err != nil {
		return err
	}
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.node.sync()
	return nil
}
