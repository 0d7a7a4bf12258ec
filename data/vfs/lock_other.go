//go:build !unix

package vfs

import (
	"errors"
	"fmt"
)

// Lock implements FS: there is no lock that ends with the process here.
func (OS) Lock(path string) (File, error) {
	return nil, fmt.Errorf("locking %s: %w", path, errors.ErrUnsupported)
}
