package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"engram/data/internal/numeric"
)

// Magic is what an npy file begins with.
const Magic = "\x93NUMPY"

const (
	// maxHeader bounds the text of a header; NumPy itself stops at 10,000.
	maxHeader = 1 << 16
	// maxRank is the largest number of axes that NumPy allows.
	maxRank = 64
)

// header is what the first bytes of a file say about the array.
type header struct {
	dtype   dtype
	fortran bool
	shape   []int
	count   int   // elements: the product of shape
	offset  int64 // of the first element in the file
}

// bytes returns the size of the array's data.
func (h *header) bytes() int64 { return int64(h.count) * int64(h.dtype.size) }

// String describes the array as in "90×3092 float32 = 1113120 bytes".
func (h *header) String() string {
	return fmt.Sprintf("%s %s = %d bytes", numeric.ShapeString(h.shape), h.dtype, h.bytes())
}

// readHeader reads the magic, the version and the header, and leaves r at the
// first element.
func readHeader(r io.Reader) (*header, error) {
	var prefix [len(Magic) + 2]byte
	if n, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, short(err, "the magic and version take 8 bytes, there are %d", n)
	}
	if string(prefix[:len(Magic)]) != Magic {
		return nil, fmt.Errorf("wanted the magic %q of an npy file, found %q", Magic, prefix[:len(Magic)])
	}
	major, minor := prefix[len(Magic)], prefix[len(Magic)+1]
	if major < 1 || major > 3 || minor != 0 {
		return nil, fmt.Errorf("format version %d.%d is not known, wanted 1.0, 2.0 or 3.0", major, minor)
	}
	lengthBytes := 4
	if major == 1 {
		lengthBytes = 2
	}
	var length [4]byte
	if n, err := io.ReadFull(r, length[:lengthBytes]); err != nil {
		return nil, short(err, "the header's length takes %d bytes, there are %d", lengthBytes, n)
	}
	size := int(binary.LittleEndian.Uint32(length[:]))
	if size > maxHeader {
		return nil, fmt.Errorf("the header takes %d bytes, at most %d are accepted", size, maxHeader)
	}
	text := make([]byte, size)
	if n, err := io.ReadFull(r, text); err != nil {
		return nil, short(err, "the header takes %d bytes, there are %d", size, n)
	}
	h, err := parseHeader(string(text))
	if err != nil {
		return nil, fmt.Errorf("header %s: %w", excerpt(string(text)), err)
	}
	h.offset = int64(len(prefix) + lengthBytes + size)
	return h, nil
}

// short words an early end of the input; other errors pass through.
func short(err error, format string, args ...any) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf(format, args...)
	}
	return err
}

// excerpt quotes the beginning of a header for a message.
func excerpt(text string) string {
	text = strings.TrimRight(text, " \n")
	if len(text) > 80 {
		return strconv.Quote(text[:80]) + "…"
	}
	return strconv.Quote(text)
}

// parseHeader reads the Python dict literal that NumPy writes, with exactly
// the keys descr, fortran_order and shape in any order.
func parseHeader(text string) (*header, error) {
	p := &literal{rest: text}
	h := &header{}
	seen := map[string]bool{}
	p.expect('{')
	for p.err == nil && !p.accept('}') {
		key := p.quoted()
		p.expect(':')
		if p.err != nil {
			break
		}
		if seen[key] {
			return nil, fmt.Errorf("key %q comes twice", key)
		}
		seen[key] = true
		switch key {
		case "descr":
			h.dtype = p.descr()
		case "fortran_order":
			h.fortran = p.boolean()
		case "shape":
			h.shape = p.shape()
		default:
			return nil, fmt.Errorf("key %q is not known, wanted descr, fortran_order and shape", key)
		}
		if !p.accept(',') {
			p.expect('}')
			break
		}
	}
	if p.err != nil {
		return nil, p.err
	}
	if rest := strings.TrimLeft(p.rest, " \n"); rest != "" {
		return nil, fmt.Errorf("wanted nothing after the dict, found %s", excerpt(rest))
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if !seen[key] {
			return nil, fmt.Errorf("key %q is missing", key)
		}
	}
	var err error
	h.count, err = numeric.Count(h.shape)
	return h, err
}
