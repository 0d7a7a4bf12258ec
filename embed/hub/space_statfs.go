//go:build linux || darwin || freebsd

package hub

import "golang.org/x/sys/unix"

// freeBytes returns how many bytes a user may still write below the folder dir, or
// false where the system does not say.
func freeBytes(dir string) (int64, bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil || st.Bsize <= 0 {
		return 0, false
	}
	return int64(st.Bavail) * int64(st.Bsize), true
}
