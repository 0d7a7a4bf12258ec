package bench

import (
	"os"

	"golang.org/x/sys/unix"
)

// canForget reports whether forget does something.
const canForget = true

// forget takes the pages of a synced file out of the system's cache.
func forget(file *os.File) error {
	return os.NewSyscallError("fadvise", unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED))
}
