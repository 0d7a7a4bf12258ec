package vfs

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// WriteFile replaces the file at path by what fill writes. Where fill or the disk
// fails, the error is returned, path is left as it was and no temporary file
// stays behind. The file gets mode 0644.
func WriteFile(path string, fill func(w io.Writer) error) error {
	f, err := Create(path)
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

// File is a temporary file on its way to become the file at a path. Exactly one
// of Commit and Discard ends it.
type File struct {
	*os.File
	path string
}

// Create makes an empty temporary file in the folder of path. The caller writes
// to it, seeks in it and reads it as it likes.
func Create(path string) (*File, error) {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	f, err := os.CreateTemp(dir, "."+base+".*.tmp")
	if err != nil {
		return nil, err
	}
	return &File{File: f, path: path}, nil
}

// Commit makes what was written durable and replaces the file at the path by
// it, with mode 0644. Where that fails, the path is left as it was and the
// temporary file is gone.
func (f *File) Commit() error {
	err := f.Chmod(0o644)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), f.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(filepath.Dir(f.path))
}

// Discard closes and removes the temporary file and leaves the path alone.
func (f *File) Discard() error {
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// syncDir makes the rename durable. File systems that cannot sync a folder say
// so with an error that means nothing for the file, so it is not reported.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}
