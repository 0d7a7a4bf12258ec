package local

import (
	"fmt"
	"reflect"

	"engram/data/vfs"
	"engram/index"
	"engram/index/internal/disk"
)

// OpenReadOnly opens the index in the folder dir for reading, as it was at its
// last Flush. It changes nothing in the folder and takes no lock: any number of
// processes read an index, from a file system that cannot be written too, while
// one writes to it. What is written after OpenReadOnly returns is not seen; the
// files that a writer replaces stay open until Close. A write returns
// index.ErrReadOnly. Errors are as for Open, without index.ErrLocked.
func OpenReadOnly(dir string) (*Store, error) {
	manifest, parts, err := openSnapshot(dir)
	if err != nil {
		return nil, err
	}
	return newStore(disk.Folder{Path: dir, FS: vfs.OS{}}, nil, manifest, parts), nil
}

// openSnapshot opens the files that one manifest names. A writer may replace the
// manifest and remove its files before they are open; then the newer one is tried.
func openSnapshot(dir string) (disk.Manifest, []part, error) {
	manifest, err := disk.ReadManifest(dir)
	for err == nil {
		if err := readOldOrigin(dir, &manifest); err != nil {
			return manifest, nil, err
		}
		parts, failed := openParts(dir, manifest)
		if failed == nil {
			return manifest, parts, nil
		}
		closeParts(parts)
		before := manifest
		if manifest, err = disk.ReadManifest(dir); err == nil && reflect.DeepEqual(manifest.Segments, before.Segments) {
			return manifest, nil, failed // nobody has removed a file: it is damaged
		}
	}
	return manifest, nil, err
}

// readOnly reports whether the store was opened by OpenReadOnly.
func (s *Store) readOnly() bool { return s.lock == nil }

// checkWritable refuses a write to a store that was opened for reading.
func (s *Store) checkWritable() error {
	if s.readOnly() {
		return fmt.Errorf("%s was opened for reading: %w", s.folder.Path, index.ErrReadOnly)
	}
	return nil
}
