//go:build unix

package disk

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"engram/data/vfs"
	"engram/index"
)

func mapFile(f *os.File, size int) ([]byte, error) {
	return unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
}

func unmapFile(data []byte) error { return unix.Munmap(data) }

// Lock takes the lock of the file at path (see vfs.Lock). ErrLocked says
// that another process holds it.
func Lock(path string) (*os.File, error) {
	f, err := vfs.Lock(path)
	if errors.Is(err, vfs.ErrHeld) {
		return nil, fmt.Errorf("%w: %w", err, index.ErrLocked)
	}
	return f, err
}
