package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"iter"
	"os"
	"time"

	"engram/data/images"
	"engram/data/pattern"
	"engram/index"
)

// Source is where rows come from: files that are read shard by shard.
type Source interface {
	// Base is what the source is known by: the absolute path of the folder that
	// the names of shards are relative to, or what they are generated from. A
	// source with further shards has the same one.
	Base() string
	// Shards lists the shards there are, in the order in which they are read.
	// It looks at names, sizes and times, and opens as little as it can.
	Shards(ctx context.Context) ([]Shard, error)
}

// Shard is a part of a source that is read from its first row to its last: a
// folder of images, a tar, a file of embeddings.
type Shard struct {
	// Name is a path with slashes, unique in the source and the same in every
	// run, wherever the source lies.
	Name string
	// Fingerprint is another one once a file of the shard has changed. The same
	// fingerprint means the same rows with the same numbers.
	Fingerprint string
	Rows        int   // -1 where only reading tells
	Bytes       int64 // of its files
	Dim         int   // of vectors; 0 where the rows are images, -1 where none can be read
	// Read yields the rows from row number from on, some at a time. The slice and
	// the vectors in it are good until more is asked for. An error, which comes
	// without rows, is the last thing that it yields: the shard cannot be read
	// any further.
	Read func(ctx context.Context, from int) iter.Seq2[[]Row, error]
}

// Row is one thing to index: an image, or a vector that was made before.
type Row struct {
	ID      index.ID
	Name    string // for messages, unique in the source
	Payload index.Payload
	// Vector is the embedding, and Norm its Euclidean length. Where it is nil,
	// Open opens the image.
	Vector []float32
	Norm   float64
	Open   func() (io.ReadCloser, error)
	// Err says why the row is of no use; then it has neither vector nor image.
	Err error
}

// How many rows a shard yields at a time: as many images as one wants to find
// in a store by one call, fewer where they are held in memory, and enough vectors
// to store by one call, few enough to stay in a cache meanwhile.
const (
	imagesAtOnce  = 64
	bytesAtOnce   = 8 << 20
	vectorsAtOnce = 1024
)

// byName orders shards by name as people count: 9.tar before 10.tar.
func byName(a, b Shard) int { return pattern.Compare(a.Name, b.Name) }

// The keys of a payload that sources set. What a data set says of a row is
// kept under its own names.
const (
	keyPath       = "path"       // string: of an image file, relative to the root, with slashes
	keyShard      = "shard"      // string: name of the shard, where it does not follow from the path
	keyKey        = "key"        // string: of the row in its shard
	keySize       = "size"       // int64: bytes of the image's file
	keyModified   = "modified"   // string: time of the file's last change, RFC 3339 in UTC
	keyChecksum   = "crc32c"     // int64: of the image's bytes, where they lie in a larger file
	keyCaptions   = "captions"   // []string: what people wrote about the photo (COCO)
	keyCategories = "categories" // []string: names of the things in it (COCO)
)

// sameImage reports whether two payloads are of the same image, as far as size
// and time of change or checksum tell.
func sameImage(a, b index.Payload) bool {
	if a[keySize] == nil || a[keySize] != b[keySize] {
		return false
	}
	for _, key := range []string{keyModified, keyChecksum} {
		if a[key] != nil {
			return a[key] == b[key]
		}
	}
	return false
}

// nameID is the id of a row that has a name of its own, unique in the source:
// see images.ID. The path of an image file is such a name, and so is the name
// of a shard followed by the key of one of its rows. Other rows coming or going
// do not change it. Two of n rows share an id with probability n²/2^65: 3·10^-4
// for 10^8 rows; among 5.85·10^9 one such pair is expected, and its later row
// replaces the earlier.
func nameID(name string) index.ID { return index.ID(images.ID(name)) }

const (
	numberBits = 24
	// maxNumbered bounds the rows of a shard whose rows have no names.
	maxNumbered = 1 << numberBits
)

// numberedIDs returns the ids of the rows of a shard that have no names of
// their own: 40 bits of a hash of the shard's name, then the number of the row.
// What happens outside the shard's own files does not change them. No two rows
// share an id unless two shards share the 40 bits, which checkNumbered refuses;
// it happens to n shards with probability n²/2^41: 2·10^-5 for the 5,862 files
// of LAION-5B's embeddings.
func numberedIDs(shard string) func(row int) index.ID {
	base := index.ID(images.ID(shard)) &^ (maxNumbered - 1)
	return func(row int) index.ID { return base | index.ID(row) }
}

// numberedName is the name of a row that has no other.
func numberedName(shard string, row int) string { return fmt.Sprintf("%s row %d", shard, row) }

// checkNumbered refuses shards whose rows would share their ids.
func checkNumbered(shards []Shard) error {
	seen := make(map[uint64]string, len(shards))
	for i := range shards {
		s := &shards[i]
		if s.Rows > maxNumbered {
			return fmt.Errorf("%s has %d rows, wanted %d at most", s.Name, s.Rows, maxNumbered)
		}
		key := images.ID(s.Name) >> numberBits
		if other, taken := seen[key]; taken {
			return fmt.Errorf("the rows of %s and %s would share their ids: rename one of them", other, s.Name)
		}
		seen[key] = s.Name
	}
	return nil
}

// fingerprint is a hash of what tells a shard from a changed one.
type fingerprint struct{ hash hash.Hash }

func newFingerprint() fingerprint { return fingerprint{sha256.New()} }

// add notes a part, such as what a file is made of.
func (f fingerprint) add(part string) { fmt.Fprintf(f.hash, "%q\n", part) }

// file notes the name, size and time of the file at path, and returns its size.
func (f fingerprint) file(path string) (size int64, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	f.add(info.Name())
	f.stat(info.Size(), info.ModTime())
	return info.Size(), nil
}

// stat notes the size and time of a file.
func (f fingerprint) stat(size int64, modified time.Time) {
	f.add(fmt.Sprint(size, modified.UnixNano()))
}

// String returns 64 bits of the hash.
func (f fingerprint) String() string { return hex.EncodeToString(f.hash.Sum(nil)[:8]) }
