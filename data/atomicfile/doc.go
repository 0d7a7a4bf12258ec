// Package atomicfile writes a file whole or not at all: a reader sees the old
// content or the new one, also after a crash or on a full disk.
//
// The bytes go to a temporary file in the same folder, which is synced and
// then renamed over the target. Every writer of the packages around it goes
// through Write, or through Create where the bytes come in over a long time.
package atomicfile
