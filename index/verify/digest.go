package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"

	"engram/index"
	"engram/index/internal/disk"
)

// Digest is the fingerprint of a sequence of items: the SHA-256 of their ids and
// payloads, exactly and in order. Over Store.All, which is in ascending order of
// id, it is the same for every engine that holds the same items.
//
// Vectors are left out. Engines normalise vectors, and two engines may round the
// last bit of an element differently, so that a digest of vectors would not
// survive a copy. Package copyindex compares vectors with a tolerance instead.
type Digest struct {
	hash hash.Hash
	buf  []byte
}

// NewDigest returns the digest of no items.
func NewDigest() *Digest { return &Digest{hash: sha256.New()} }

// Add appends an item, whose payload passes Payload.Check.
func (d *Digest) Add(item index.Item) {
	const head = 16 // the id and the length of the payload
	d.buf = disk.AppendPayload(append(d.buf[:0], make([]byte, head)...), item.Payload)
	binary.LittleEndian.PutUint64(d.buf, uint64(item.ID))
	binary.LittleEndian.PutUint64(d.buf[8:], uint64(len(d.buf)-head))
	d.hash.Write(d.buf)
}

// SamePayload reports whether two payloads have the same digest: equal keys, with
// values of equal types and bits.
func SamePayload(a, b index.Payload) bool {
	return bytes.Equal(disk.AppendPayload(nil, a), disk.AppendPayload(nil, b))
}

// String returns 64 hexadecimal digits.
func (d *Digest) String() string { return hex.EncodeToString(d.hash.Sum(nil)) }
