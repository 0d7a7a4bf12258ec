package gzipstream

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

// maxTrailing bounds how many bytes after the last member are looked at.
const maxTrailing = 1 << 20

// Is reports whether content begins with the magic number of gzip (RFC 1952,
// section 2.3.1). Two bytes are enough.
func Is(content []byte) bool {
	return len(content) >= 2 && content[0] == 0x1f && content[1] == 0x8b
}

// Reader unpacks all members of a gzip stream. It is not safe for concurrent use.
type Reader struct {
	packed   *bufio.Reader
	member   *gzip.Reader
	ended    bool
	trailing int64
}

// NewReader reads the header of the first member from packed.
func NewReader(packed *bufio.Reader) (*Reader, error) {
	member, err := gzip.NewReader(packed)
	if err != nil {
		return nil, err
	}
	member.Multistream(false)
	return &Reader{packed: packed, member: member}, nil
}

// Trailing returns how many bytes follow the last member, as far as the first
// mebibyte. It is known once Read has returned io.EOF.
func (r *Reader) Trailing() int64 { return r.trailing }

// Read unpacks into p. A member that ends early gives io.ErrUnexpectedEOF, another
// checksum gzip.ErrChecksum.
func (r *Reader) Read(p []byte) (int, error) {
	for !r.ended {
		n, err := r.member.Read(p)
		if !errors.Is(err, io.EOF) {
			return n, err
		}
		if err := r.next(); err != nil {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, io.EOF
}

// next goes on to the next member, or ends the stream where there is none.
func (r *Reader) next() error {
	front, err := r.packed.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !Is(front) {
		r.ended = true
		r.trailing, err = io.CopyN(io.Discard, r.packed, maxTrailing)
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	if err := r.member.Reset(r.packed); err != nil {
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	r.member.Multistream(false)
	return nil
}
