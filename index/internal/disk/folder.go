package disk

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"engram/data/vfs"
	"engram/index"
)

// Folder is a folder that exists, with files that are written whole or not at all.
type Folder struct {
	Path string
	FS   vfs.FS
}

// tmp is the suffix of a file that is not complete.
const tmp = ".tmp"

// Write writes the file called name and makes its content durable; it replaces
// a file of that name in one step. After an error the folder has what it had
// before. The name becomes durable with Sync.
func (f Folder) Write(name string, write func(w io.Writer) error) (err error) {
	path := filepath.Join(f.Path, name)
	file, err := f.FS.OpenFile(path+tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreMissing(f.FS.Remove(path+tmp)))
		}
	}()
	// Large writes make large pages of the system's cache, 2 MiB at most: a scan of a
	// segment that was written 1 MiB at a time took 8 % longer (Linux 6.18, ext4).
	buffered := bufio.NewWriterSize(&steady{file: file}, 4<<20)
	err = write(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = file.Sync()
	}
	if e := file.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return f.FS.Rename(path+tmp, path)
}

// steady writes to a file and has the disk follow at a distance, so that there
// is little left to do when the file is synced: 256 MiB in 90 ms in place of 140
// (virtual disk, 3 GB/s, November 2026).
type steady struct {
	file             vfs.File
	written, started int64
}

// stride is how many bytes the disk begins to write at a time.
const stride = 8 << 20

func (s *steady) Write(b []byte) (int, error) {
	n, err := s.file.Write(b)
	s.written += int64(n)
	if ready := s.written - s.started; ready >= stride {
		startWriting(s.file, s.started, ready)
		s.started = s.written
	}
	return n, err
}

// Remove removes the file called name.
func (f Folder) Remove(name string) error { return f.FS.Remove(filepath.Join(f.Path, name)) }

// Sync makes the names in the folder durable.
func (f Folder) Sync() error { return f.FS.SyncDir(f.Path) }

// Lock takes the lock of the file called name (see vfs.Lock).
// index.ErrLocked says that another process holds it.
func (f Folder) Lock(name string) (vfs.File, error) {
	file, err := f.FS.Lock(filepath.Join(f.Path, name))
	if errors.Is(err, vfs.ErrHeld) {
		return nil, fmt.Errorf("another process holds %s: %w", filepath.Join(f.Path, name), index.ErrLocked)
	}
	return file, err
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
