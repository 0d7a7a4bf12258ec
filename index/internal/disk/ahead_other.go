//go:build !linux

package disk

// startWriting leaves it to the system when to write.
func startWriting(File, int64, int64) {}
