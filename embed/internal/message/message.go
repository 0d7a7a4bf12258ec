package message

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxText bounds the texts that String takes from a file, in bytes.
const maxText = 1 << 12

// ErrWire reports bytes that are not the protobuf message that was expected.
var ErrWire = errors.New("it is not an ONNX model")

// Field returns the string in a field of a message, "" where it has none.
func Field(r io.ReaderAt, message Section, want protowire.Number) (s string, err error) {
	err = Walk(r, message, func(field protowire.Number, body Section, _ uint64) (err error) {
		if field == want {
			s, err = String(r, body)
		}
		return err
	})
	return s, err
}

// String returns the text in a section.
func String(r io.ReaderAt, s Section) (string, error) {
	if s.End-s.Start > maxText {
		return "", fmt.Errorf("byte %d: a name of %d bytes: %w", s.Start, s.End-s.Start, ErrWire)
	}
	b := make([]byte, s.End-s.Start)
	if n, err := r.ReadAt(b, s.Start); n < len(b) {
		return "", err
	}
	return string(b), nil
}

// Section is the part [Start, End) of a file.
type Section struct{ Start, End int64 }

// Walk calls visit for each field of the protobuf message in s: with the
// section of its bytes for a length-delimited field, with the value for a
// varint. Bodies are skipped, not read.
func Walk(r io.ReaderAt, s Section, visit func(protowire.Number, Section, uint64) error) error {
	var buf [2 * binary.MaxVarintLen64]byte // a tag and a length or value
	for at := s.Start; at < s.End; {
		head := buf[:min(int64(len(buf)), s.End-at)]
		if n, err := r.ReadAt(head, at); n < len(head) {
			return err
		}
		field, kind, n := protowire.ConsumeTag(head)
		if n < 0 {
			return fmt.Errorf("byte %d: %w", at, ErrWire)
		}
		var value uint64
		var length uint64
		m := 0
		switch kind {
		case protowire.VarintType:
			value, m = protowire.ConsumeVarint(head[n:])
		case protowire.BytesType:
			length, m = protowire.ConsumeVarint(head[n:])
		case protowire.Fixed32Type:
			length = 4
		case protowire.Fixed64Type:
			length = 8
		default:
			m = -1
		}
		if m < 0 {
			return fmt.Errorf("byte %d: %w", at, ErrWire)
		}
		body := at + int64(n+m)
		if length > uint64(s.End-body) {
			return fmt.Errorf("byte %d: a field of %d bytes where %d are left: %w", at, length, s.End-body, ErrWire)
		}
		at = body + int64(length)
		if err := visit(field, Section{body, at}, value); err != nil {
			return err
		}
	}
	return nil
}
