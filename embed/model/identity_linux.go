package model

import (
	"io/fs"
	"syscall"
)

// identify returns what the system says of a file.
func identify(info fs.FileInfo) (identity, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}, false
	}
	return identity{Changed: s.Ctim.Nano(), Device: uint64(s.Dev), Inode: s.Ino}, true
}
