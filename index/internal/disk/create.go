package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"engram/data/vfs"
)

// Claim takes the lock of the folder dir for an index that is to be made there. The folder is
// made where it is missing. fs.ErrExist says that it has an index or any other file in it,
// index.ErrLocked that another process makes an index there.
func Claim(fsys vfs.FS, dir string) (folder Folder, lock vfs.File, err error) {
	folder = Folder{Path: dir, FS: fsys}
	if err := vfs.MkdirAllFS(fsys, dir, 0o777); err != nil {
		return folder, nil, err
	}
	// The folder is looked at before the lock file goes into it, and again
	// under the lock, when no other process can be creating an index there.
	if err := CheckEmpty(dir); err != nil {
		return folder, nil, err
	}
	if lock, err = folder.Lock(LockName); err != nil {
		return folder, nil, err
	}
	if err := CheckEmpty(dir); err != nil {
		return folder, nil, errors.Join(err, lock.Close())
	}
	return folder, lock, nil
}

// Create writes the files of an empty index into the folder dir, which is made
// where it is missing. fs.ErrExist says that the folder has an index or any other
// file in it.
func Create(fsys vfs.FS, dir string, m Manifest) (*Files, error) {
	folder, lock, err := Claim(fsys, dir)
	if err != nil {
		return nil, err
	}
	err = folder.WriteManifest(m)
	if err == nil {
		err = folder.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Files{Folder: folder, Lock: lock, Manifest: m}, nil
}

// notEmpty says why a folder is not empty. It is fs.ErrExist, whose own text would say
// "file already exists".
type notEmpty string

func (e notEmpty) Error() string { return string(e) }

// Is reports whether the error is target.
func (notEmpty) Is(target error) bool { return target == fs.ErrExist }

// CheckEmpty refuses a folder with files in it. Files that an interrupted Create
// leaves are no obstacle; segments without a manifest are somebody's data.
func CheckEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == ManifestName }) {
		return notEmpty(dir + " already has an index, wanted a new or an empty folder")
	}
	for _, e := range entries {
		if name := e.Name(); name != LockName && name != ManifestName+tmp {
			return notEmpty(fmt.Sprintf("%s is not empty and has no index: it holds %s, wanted a new or an empty folder", dir, name))
		}
	}
	return nil
}
