package source

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"os"
	"time"
)

// Fingerprint is a hash of what identifies a version of a shard. Its parts are
// added in order.
type Fingerprint struct{ hash hash.Hash }

// NewFingerprint returns the fingerprint of no parts.
func NewFingerprint() Fingerprint { return Fingerprint{sha256.New()} }

// Add appends a part, such as the name of a file.
func (f Fingerprint) Add(part string) { fmt.Fprintf(f.hash, "%q\n", part) }

// file adds the name, size and time of the file at path, and returns its size.
func (f Fingerprint) file(path string) (size int64, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	f.Add(info.Name())
	f.stat(info.Size(), info.ModTime())
	return info.Size(), nil
}

// stat adds the size and time of a file.
func (f Fingerprint) stat(size int64, modified time.Time) {
	f.Add(fmt.Sprint(size, modified.UnixNano()))
}

// String returns 64 bits of the hash.
func (f Fingerprint) String() string { return hex.EncodeToString(f.hash.Sum(nil)[:8]) }
