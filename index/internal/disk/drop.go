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
// is no index, and Drop of it says so. The files in the folder called damaged go too.
func Drop(fsys vfs.FS, dir, damaged string) error {
	if _, err := os.Stat(filepath.Join(dir, ManifestName)); err != nil { // or else the lock file would be made
		return fmt.Errorf("%s has no manifest: %w", dir, errors.Join(index.ErrNotFound, ignoreMissing(err)))
	}
	folder := Folder{Path: dir, FS: fsys}
	lock, err := folder.Lock(LockName)
	if err != nil {
		return err
	}
	err = folder.drop(damaged)
	if err := errors.Join(err, lock.Close()); err != nil {
		return err
	}
	_ = fsys.Remove(dir) // a folder with other files in it stays
	return nil
}

// drop deletes what Drop does, under the lock.
func (f Folder) drop(damaged string) error {
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
	kept, err := os.ReadDir(filepath.Join(f.Path, damaged))
	if err := ignoreMissing(err); err != nil {
		return err
	}
	for _, e := range kept {
		if err := f.Remove(filepath.Join(damaged, e.Name())); err != nil {
			return err
		}
	}
	if err := ignoreMissing(f.Remove(damaged)); err != nil {
		return err
	}
	return f.Remove(LockName)
}
