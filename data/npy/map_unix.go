//go:build unix

package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapFile maps the file and returns the whole mapping and its elements.
func mapFile(f *os.File, h *header) (mapping []byte, data []float32, err error) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return nil, nil, errors.New("this machine is big-endian and cannot map little-endian numbers")
	}
	mapping, err = unix.Mmap(int(f.Fd()), 0, int(h.offset+h.bytes()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, fmt.Errorf("map: %w", err)
	}
	if h.count == 0 {
		return mapping, nil, nil
	}
	return mapping, unsafe.Slice((*float32)(unsafe.Pointer(&mapping[h.offset])), h.count), nil
}

// unmap releases a mapping of mapFile.
func unmap(mapping []byte) error { return unix.Munmap(mapping) }
