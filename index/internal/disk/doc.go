// Package disk has the file formats of the embedded engine: segments, which
// hold rows and never change, tombstones, which name the rows of a segment
// that are gone, and the manifest, which says which of those files are the
// index. FORMAT.md lays them out byte by byte.
//
// Every byte of every file is under a CRC-32C. A segment is read through a
// memory map; what is checked when is stated at OpenSegment. Files are little
// endian, and so is every machine that the package runs on; others are refused.
//
// A file is written whole under a temporary name, synced and renamed, so that
// a full disk or a crash never leaves half of one behind (see Folder).
package disk
