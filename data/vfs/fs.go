package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// FS is what writing files durably needs of a file system. A change is visible
// to readers at once and durable later: the content of a file after its Sync,
// the names in a folder (of files that were created, renamed or removed there)
// after SyncDir of that folder. Syncing a file does not make its name durable.
//
// Implementations are safe for concurrent use.
type FS interface {
	// OpenFile opens the file at path as os.OpenFile does.
	OpenFile(path string, flag int, perm fs.FileMode) (File, error)
	// Rename gives the file or folder at from the name to. It replaces a file
	// of that name in one step.
	Rename(from, to string) error
	// Remove removes a file or an empty folder.
	Remove(path string) error
	// Mkdir makes a folder in one that exists.
	Mkdir(path string, perm fs.FileMode) error
	// SyncDir makes the names in a folder durable.
	SyncDir(path string) error
	// Lock opens the file at path as the function Lock does.
	Lock(path string) (File, error)
}

// File is an open file.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.WriterAt
	io.Seeker
	io.Closer
	// Name is the path that the file was opened by.
	Name() string
	// Chmod changes the mode.
	Chmod(mode fs.FileMode) error
	// Truncate changes the size.
	Truncate(size int64) error
	// Sync makes the content durable.
	Sync() error
}

// OS is the file system of the operating system.
type OS struct{}

var _ FS = OS{}

// OpenFile implements FS.
func (OS) OpenFile(path string, flag int, perm fs.FileMode) (File, error) {
	// A nil *os.File must not become a File that is not nil.
	f, err := os.OpenFile(path, flag, perm)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Rename implements FS.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements FS.
func (OS) Remove(path string) error { return os.Remove(path) }

// Mkdir implements FS.
func (OS) Mkdir(path string, perm fs.FileMode) error { return os.Mkdir(path, perm) }

// SyncDir implements FS. A file system that cannot sync a folder says so with
// EINVAL or errors.ErrUnsupported (fsync(2)). It keeps names in its own way, so
// that is no error here.
func (OS) SyncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, dir.Close())
}
