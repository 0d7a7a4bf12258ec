package hub

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
)

// bufferBytes is the size of one read from the network or the disk.
const bufferBytes = 256 << 10

// newHash returns the hash by which the hub names the content of f.
func (f File) newHash() hash.Hash {
	if f.SHA256 != "" {
		return sha256.New()
	}
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", f.Size)
	return h
}

// wantedHash returns the hash that f has, in hexadecimal.
func (f File) wantedHash() string {
	if f.SHA256 != "" {
		return f.SHA256
	}
	return f.BlobSHA1
}

// check compares a number of bytes and their hash with the ones of f.
func (f File) check(size int64, h hash.Hash) error {
	if size != f.Size {
		return say(ErrChecksum, "%s has %d bytes, wanted %d: try again, or set another HF_ENDPOINT", f.Path, size, f.Size)
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != f.wantedHash() {
		kind := "SHA-256"
		if f.SHA256 == "" {
			kind = "git blob SHA-1"
		}
		return say(ErrChecksum, "%s has %s %s, wanted %s: try again, or set another HF_ENDPOINT", f.Path, kind, sum, f.wantedHash())
	}
	return nil
}

// checkFile compares the regular file at path with f. A file of another size is not
// read.
func (f File) checkFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return say(ErrChecksum, "%s is no file", path)
	}
	if info.Size() != f.Size {
		return f.check(info.Size(), nil)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	h := f.newHash()
	n, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{file}, make([]byte, bufferBytes))
	if err != nil {
		return err
	}
	return f.check(n, h)
}

// pointerStart is how a Git LFS pointer begins (git-lfs/git-lfs, docs/spec.md).
const pointerStart = "version https://git-lfs.github.com/spec/v1"

// IsPointer reports whether a file that begins with head is a Git LFS pointer, which
// a clone without LFS has in place of a large file.
func IsPointer(head []byte) bool { return bytes.HasPrefix(head, []byte(pointerStart)) }

// maxPointerBytes is far above every LFS pointer, and the specification's limit.
const maxPointerBytes = 1024

// hashFile returns the SHA-256 of a file in hexadecimal.
func hashFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
