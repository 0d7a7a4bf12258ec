package local

import (
	"errors"

	"engram/index"
	"engram/index/internal/disk"
)

// Exists reports whether the folder dir has an index, which may be damaged.
func Exists(dir string) bool {
	_, err := disk.ReadManifest(dir)
	return !errors.Is(err, index.ErrNotFound)
}
