package model

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"engram/data/vfs"
)

// minVerified is the size from which on a hash is worth a file of its own: below,
// hashing takes less than a millisecond.
const minVerified = 1 << 20

// settled is how long a file must have been left alone before its hash is
// remembered. A change within the resolution of the file system's clock, at worst
// the 2 s of FAT, would not be seen in its times.
const settled = 3 * time.Second

// Verified remembers in a folder of the user which files had which content, so that
// a large model is hashed once and not at every start. A file counts as unchanged
// while its path, size, times of change and identity on the disk are the same; see
// NOTES.md for what that can miss. It is safe for concurrent use, also by several
// processes. A nil Verified remembers nothing.
type Verified struct{ dir string }

// NewVerified returns the memory in the folder dir, which is made when it is needed.
func NewVerified(dir string) *Verified { return &Verified{dir: dir} }

// Open opens the model in the folder dir as the function Open does, but takes the
// hashes of large files that have not changed from memory.
func (v *Verified) Open(dir string) (*Model, error) { return open(dir, v) }

// record is what is remembered of a file.
type record struct {
	Path     string `json:"path"`
	Size     int64  `json:"size"`
	Modified int64  `json:"modified"` // nanoseconds since 1970
	identity
	SHA256 string `json:"sha256"`
}

// identity is what the system says of a file beside size and time of modification.
type identity struct {
	Changed int64  `json:"changed"` // time of the last change of content or attributes, in nanoseconds
	Device  uint64 `json:"device"`
	Inode   uint64 `json:"inode"`
}

// describe returns the record of a file but for its hash. It fails where the
// system does not tell enough.
func describe(path string, info fs.FileInfo) (record, bool) {
	absolute, err := filepath.Abs(path)
	id, ok := identify(info)
	if err != nil || !ok || info.Size() < minVerified || !info.Mode().IsRegular() {
		return record{}, false
	}
	return record{Path: absolute, Size: info.Size(), Modified: info.ModTime().UnixNano(), identity: id}, true
}

// file returns where the record of a path lies.
func (v *Verified) file(path string) string {
	return filepath.Join(v.dir, fmt.Sprintf("%x.json", sha256.Sum256([]byte(path))))
}

// lookUp returns the hash of a file that is as it was when remember was called.
func (v *Verified) lookUp(path string, info fs.FileInfo) (string, bool) {
	if v == nil {
		return "", false
	}
	now, ok := describe(path, info)
	if !ok {
		return "", false
	}
	text, err := os.ReadFile(v.file(now.Path))
	if err != nil {
		return "", false
	}
	var then record
	if json.Unmarshal(text, &then) != nil || !isSHA256(then.SHA256) {
		return "", false
	}
	now.SHA256 = then.SHA256
	return then.SHA256, now == then
}

// remember notes the hash of a file, which did not change between before and after.
// Where that is not possible the file will be hashed again.
func (v *Verified) remember(path string, before, after fs.FileInfo, sum string) {
	if v == nil {
		return
	}
	then, ok := describe(path, before)
	now, still := describe(path, after)
	last := max(now.Modified, now.Changed)
	if !ok || !still || then != now || time.Since(time.Unix(0, last)) < settled {
		return
	}
	now.SHA256 = sum
	text, err := json.Marshal(now)
	if err != nil || os.MkdirAll(v.dir, 0o755) != nil {
		return
	}
	// A memory that cannot be written costs time and nothing else.
	_ = vfs.WriteFile(v.file(now.Path), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}
