package embedfiles

import "engram/data/vfs"

// OnFS returns the job on another file system.
func (j Job) OnFS(fsys vfs.FS) Job {
	j.fsys = fsys
	return j
}
