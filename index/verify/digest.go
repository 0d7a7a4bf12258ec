package verify

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"

	"engram/index"
	"engram/index/internal/disk"
)

// Digest is the fingerprint of a sequence of items: the SHA-256 of their ids
// and payloads, exactly and in order. Over Store.All, which is in ascending
// order of id, it is the same for every engine that holds the same items.
//
// Vectors are left out. An engine normalises what it is given, and another one
// may round the last bit of an element the other way, so that no digest of them
// would survive a move; they are compared with a tolerance instead (see package
// transfer).
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

// String returns 64 hexadecimal digits.
func (d *Digest) String() string { return hex.EncodeToString(d.hash.Sum(nil)) }
