package train

import "engram/data/vfs"

// OnFS returns the checkpoint on another file system.
func (c Checkpoint) OnFS(fsys vfs.FS) Checkpoint {
	c.fsys = fsys
	return c
}
