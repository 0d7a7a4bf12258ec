package vfs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// WriteFile replaces the file at path by what fill writes. Where fill or the disk
// fails, the error is returned, path is left as it was and no temporary file
// stays behind. The file gets mode 0644.
func WriteFile(path string, fill func(w io.Writer) error) error {
	return WriteFileFS(OS{}, path, fill)
}

// WriteFileFS is WriteFile on a file system.
func WriteFileFS(fsys FS, path string, fill func(w io.Writer) error) error {
	f, err := Create(fsys, path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	if err := fill(w); err != nil {
		return errors.Join(err, f.Discard())
	}
	if err := w.Flush(); err != nil {
		return errors.Join(err, f.Discard())
	}
	return f.Commit()
}

// PendingFile is a temporary file on its way to become the file at a path.
// Exactly one of Commit and Discard ends it.
type PendingFile struct {
	File
	fsys FS
	path string
}

// Create makes an empty temporary file in the folder of path. The caller writes
// to it, seeks in it and reads it as it likes.
func Create(fsys FS, path string) (*PendingFile, error) {
	dir, base := filepath.Split(path)
	const attempts = 1000
	for n := 1; ; n++ {
		temporary := filepath.Join(dir, fmt.Sprintf(".%s.%d.tmp", base, rand.Uint32()))
		f, err := fsys.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) && n < attempts {
			continue
		}
		if err != nil {
			return nil, err
		}
		return &PendingFile{File: f, fsys: fsys, path: path}, nil
	}
}

// Commit makes what was written durable and replaces the file at the path by
// it, with mode 0644. Where the content cannot be made durable or renamed, the
// path is left as it was and the temporary file is gone. Where only the folder
// cannot be synced, the path has the new content, and a crash may still bring
// the old one back.
func (f *PendingFile) Commit() error {
	err := f.Chmod(0o644)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = f.fsys.Rename(f.Name(), f.path)
	}
	if err != nil {
		return errors.Join(err, f.fsys.Remove(f.Name()))
	}
	return f.fsys.SyncDir(filepath.Dir(f.path))
}

// Discard closes and removes the temporary file and leaves the path alone.
func (f *PendingFile) Discard() error {
	return errors.Join(f.Close(), f.fsys.Remove(f.Name()))
}
