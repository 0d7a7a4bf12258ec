//go:build unix

package vfs

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ErrHeld says that another process holds the lock.
var ErrHeld = errors.New("in use")

// Lock opens the file at path, creating it where it is missing, and takes the
// lock that one process holds until it closes the file or ends. ErrHeld says
// that another holds it.
func Lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = fmt.Errorf("another process holds %s: %w", path, ErrHeld)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
