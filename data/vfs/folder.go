package vfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// MkdirAll makes the folder at path and those above it that are missing, and
// makes their names durable. The name of a folder that is there already is synced
// too, as far as that is allowed, because the process that made it may have been
// killed before it could.
func MkdirAll(path string, perm fs.FileMode) error { return MkdirAllFS(OS{}, path, perm) }

// MkdirAllFS is MkdirAll on a file system.
func MkdirAllFS(fsys FS, path string, perm fs.FileMode) error {
	parent := filepath.Dir(path)
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		_ = fsys.SyncDir(parent) // its owner may not let us read it
		return nil
	case err == nil:
		return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
	}
	if errors.Is(err, fs.ErrNotExist) && parent != path {
		if err := MkdirAllFS(fsys, parent, perm); err != nil {
			return err
		}
	}
	err = fsys.Mkdir(path, perm)
	if err != nil && !errors.Is(err, fs.ErrExist) { // else another process was faster
		return err
	}
	return fsys.SyncDir(parent)
}

// RemoveAllFS removes the file or folder at path with all that is in it. There
// need not be one. A crash midway leaves some of it; a folder that must be there
// whole or not at all is renamed first, and its parent synced.
func RemoveAllFS(fsys FS, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		entries, err := os.ReadDir(path)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := RemoveAllFS(fsys, filepath.Join(path, e.Name())); err != nil {
				return err
			}
		}
	}
	return fsys.Remove(path)
}
