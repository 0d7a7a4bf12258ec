package vfs

import "errors"

// ErrHeld says that another process holds the lock.
var ErrHeld = errors.New("in use")

// Lock opens the file at path for reading and writing, creating it where it is
// missing, and takes the lock that one process holds until it closes the file
// or ends. ErrHeld says that another holds it.
func Lock(path string) (File, error) { return OS{}.Lock(path) }
