package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"engram/data/vfs"
	"engram/index"
)

// Drop deletes the files of the index in the folder dir, and the folder if nothing else is
// in it. index.ErrNotFound says that there is no manifest, index.ErrLocked that a
// process has the index open for writing. The manifest goes first: what a crash leaves
// is no index, and Drop of it says so.
func Drop(fsys vfs.FS, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, ManifestName)); err != nil { // or else the lock file would be made
		return fmt.Errorf("%s has no manifest: %w", dir, errors.Join(index.ErrNotFound, ignoreMissing(err)))
	}
	folder := Folder{Path: dir, FS: fsys}
	lock, err := folder.Lock(LockName)
	if err != nil {
		return err
	}
	err = folder.drop()
	if err := errors.Join(err, lock.Close()); err != nil {
		return err
	}
	_ = fsys.Remove(dir) // a folder with other files in it stays
	return nil
}

// drop deletes what Drop does, under the lock.
func (f Folder) drop() error {
	if err := f.Remove(ManifestName); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Sweep(Manifest{}); err != nil {
		return err
	}
	if err := ignoreMissing(f.Remove(oldOriginName)); err != nil {
		return err
	}
	return f.Remove(LockName)
}
