package local

import (
	"engram/data/vfs"
	"engram/index/internal/disk"
)

// Drop deletes the index in the folder dir, and the folder if nothing else is in it.
// Errors are as for Open; a damaged index is deleted too. Who has it open for reading
// reads on until they close it.
func Drop(dir string) error { return disk.Drop(vfs.OS{}, dir, DamagedFolder) }
