package source

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"os"
	"time"
)

// fingerprint is a hash of what tells a shard from a changed one.
type Fingerprint struct{ hash hash.Hash }

func NewFingerprint() Fingerprint { return Fingerprint{sha256.New()} }

// add notes a part, such as what a file is made of.
func (f Fingerprint) Add(part string) { fmt.Fprintf(f.hash, "%q\n", part) }

// file notes the name, size and time of the file at path, and returns its size.
func (f Fingerprint) file(path string) (size int64, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	f.Add(info.Name())
	f.stat(info.Size(), info.ModTime())
	return info.Size(), nil
}

// stat notes the size and time of a file.
func (f Fingerprint) stat(size int64, modified time.Time) {
	f.Add(fmt.Sprint(size, modified.UnixNano()))
}

// String returns 64 bits of the hash.
func (f Fingerprint) String() string { return hex.EncodeToString(f.hash.Sum(nil)[:8]) }
