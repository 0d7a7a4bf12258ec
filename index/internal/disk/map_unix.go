//go:build unix

package disk

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

func mapFile(f *os.File, size int) ([]byte, error) {
	return unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
}

// readAt reads len(b) bytes at an offset. It takes a quarter of the time of
// os.File.ReadAt off.
func readAt(f *os.File, b []byte, offset int64) error {
	for len(b) > 0 {
		n, err := unix.Pread(int(f.Fd()), b, offset)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		case n == 0:
			return io.ErrUnexpectedEOF
		}
		b, offset = b[max(0, n):], offset+int64(max(0, n))
	}
	return nil
}

func unmapFile(data []byte) error { return unix.Munmap(data) }
