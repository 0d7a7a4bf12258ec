package disk

import (
	"golang.org/x/sys/unix"

	"engram/data/vfs"
)

// startWriting makes the system begin to write n bytes of a file, at offset, to
// the disk. It waits for nothing and promises nothing.
func startWriting(f vfs.File, offset, n int64) {
	if file, ok := f.(interface{ Fd() uintptr }); ok {
		_ = unix.SyncFileRange(int(file.Fd()), offset, n, unix.SYNC_FILE_RANGE_WRITE)
	}
}
