// Package numeric has what the readers and writers of arrays share: shapes, and
// slices of numbers that go to and from little-endian bytes in pieces, so that
// a large tensor is not held twice.
package numeric

import (
	"encoding/binary"
	"io"
)

const (
	chunkElements = 1 << 13
	// maxSize is the size of the widest element in bytes.
	maxSize = 8
)

// Write writes data, whose elements are booleans or numbers of a fixed size.
func Write[T any](w io.Writer, data []T) error {
	raw := make([]byte, 0, min(chunkElements, len(data))*maxSize)
	for len(data) > 0 {
		n := min(len(data), chunkElements)
		var err error
		if raw, err = binary.Append(raw[:0], binary.LittleEndian, data[:n]); err != nil {
			return err
		}
		if _, err := w.Write(raw); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// Read fills data from the bytes of r. It returns io.ErrUnexpectedEOF or
// io.EOF where r has fewer.
func Read[T any](r io.Reader, data []T) error {
	size := binary.Size(data[:min(1, len(data))])
	raw := make([]byte, min(chunkElements, len(data))*size)
	for len(data) > 0 {
		n := min(len(data), chunkElements)
		if _, err := io.ReadFull(r, raw[:n*size]); err != nil {
			return err
		}
		if _, err := binary.Decode(raw[:n*size], binary.LittleEndian, data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}
