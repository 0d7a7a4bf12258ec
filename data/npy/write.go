package npy

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"

	"engram/data/internal/numeric"
	"engram/data/vfs"
)

// WriteFile writes an array as Write does, replacing the file at path atomically.
func WriteFile(path string, shape []int, data any) error {
	if err := vfs.WriteFile(path, func(w io.Writer) error { return write(w, shape, data) }); err != nil {
		return fmt.Errorf("npy: %s: %w", path, err)
	}
	return nil
}

// Write writes an array in format version 1.0, little-endian and C order. data
// is a slice of any type that Array.Data can have, with as many elements as
// shape says; an empty shape is a scalar.
func Write(w io.Writer, shape []int, data any) error {
	if err := write(w, shape, data); err != nil {
		return fmt.Errorf("npy: %w", err)
	}
	return nil
}

func write(w io.Writer, shape []int, data any) error {
	switch data := data.(type) {
	case []bool:
		return writeElements(w, shape, data, "|b1")
	case []int8:
		return writeElements(w, shape, data, "|i1")
	case []int16:
		return writeElements(w, shape, data, "<i2")
	case []int32:
		return writeElements(w, shape, data, "<i4")
	case []int64:
		return writeElements(w, shape, data, "<i8")
	case []uint8:
		return writeElements(w, shape, data, "|u1")
	case []uint16:
		return writeElements(w, shape, data, "<u2")
	case []uint32:
		return writeElements(w, shape, data, "<u4")
	case []uint64:
		return writeElements(w, shape, data, "<u8")
	case []float32:
		return writeElements(w, shape, data, "<f4")
	case []float64:
		return writeElements(w, shape, data, "<f8")
	}
	return fmt.Errorf("wanted a slice of booleans, sized integers, float32 or float64, found %T", data)
}

// writeElements writes header and data.
func writeElements[T any](w io.Writer, shape []int, data []T, descr string) error {
	count, err := numeric.Count(shape)
	if err != nil {
		return err
	}
	if count != len(data) || len(shape) > maxRank {
		return fmt.Errorf("shape %s does not fit %d elements", numeric.ShapeString(shape), len(data))
	}
	if _, err := io.WriteString(w, formatHeader(shape, descr)); err != nil {
		return err
	}
	return numeric.Write(w, data)
}

// formatHeader returns magic, version and header as NumPy writes them, padded
// with spaces so that the data starts at a multiple of 64 bytes. With at most
// maxRank axes it always fits the two length bytes of version 1.0.
func formatHeader(shape []int, descr string) string {
	axes := make([]string, len(shape))
	for i, n := range shape {
		axes[i] = strconv.Itoa(n)
	}
	tuple := strings.Join(axes, ", ")
	if len(axes) == 1 {
		tuple += ","
	}
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, tuple)
	const before = len(Magic) + 4 // and version and length
	padded := (before+len(dict)+1+63)/64*64 - before
	dict += strings.Repeat(" ", padded-len(dict)-1) + "\n"
	return Magic + "\x01\x00" + string(binary.LittleEndian.AppendUint16(nil, uint16(len(dict)))) + dict
}
