package webdataset

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"

	"engram/data/gzipstream"
)

// Member is a file of a sample in a tar that is not compressed.
type Member struct {
	Ext    string // as in File
	Offset int64  // of its first byte in the tar
	Size   int64  // in bytes
}

// ErrCompressed says that a tar has no places that could be read alone.
var ErrCompressed = errors.New("compressed tar")

// Members lists where the files of each sample lie in a tar, by the sample's key.
// It reads the headers alone. Of a tar that is damaged it returns what comes
// before the damage, with the error. Of a key that comes twice the first sample
// counts, as in ReadFile.
func Members(r io.ReadSeeker) (map[string][]Member, error) {
	var first [4]byte
	if n, _ := io.ReadFull(r, first[:]); gzipstream.Is(first[:n]) || isZstd(first[:n]) {
		return nil, fmt.Errorf("webdataset: %w", ErrCompressed)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	members := map[string][]Member{}
	archive, last, skip := tar.NewReader(r), "", false
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return members, nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) { // names are only names here
			return members, fmt.Errorf("webdataset: %w: %w", ErrCorrupt, err)
		}
		key, ext, ok := split(header.Name)
		if !ok || header.Typeflag != tar.TypeReg {
			continue
		}
		if key != last {
			last = key
			_, skip = members[key]
		}
		if skip || len(members[key]) == maxFiles {
			continue
		}
		at, err := r.Seek(0, io.SeekCurrent) // package tar reads no further than the header
		if err != nil {
			return members, err
		}
		members[key] = append(members[key], Member{Ext: ext, Offset: at, Size: header.Size})
	}
}
