package disk

import "golang.org/x/sys/unix"

// advisePages asks for large pages where a scan reads a mapped file in sequence, and
// for small ones where single rows are read: a large one would bring 2 MiB into
// memory for 3 KiB. It is advice, which the system may not know.
func advisePages(scanned, single []byte) {
	_ = unix.Madvise(scanned, unix.MADV_HUGEPAGE)
	_ = unix.Madvise(single, unix.MADV_NOHUGEPAGE)
}
