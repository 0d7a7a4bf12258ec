//go:build unix

package disk

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"engram/data/filelock"
	"engram/index"
)

func mapFile(f *os.File, size int) ([]byte, error) {
	return unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
}

func unmapFile(data []byte) error { return unix.Munmap(data) }

// Lock takes the lock of the file at path (see filelock.Lock). ErrLocked says
// that another process holds it.
func Lock(path string) (*os.File, error) {
	f, err := filelock.Lock(path)
	if errors.Is(err, filelock.ErrHeld) {
		return nil, fmt.Errorf("%w: %w", err, index.ErrLocked)
	}
	return f, err
}
