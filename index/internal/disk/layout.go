package disk

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"engram/data/simd"
	"engram/index"
)

const (
	// Version is the format that is written. Every version up to it is read.
	//
	//	1  first version
	//	2  a manifest has labels
	//	3  an index can keep tokens
	//	4  segments can have a graph and indexes of payload fields, and an index a log
	Version = 4

	// MaxDim bounds the elements of a vector.
	MaxDim = simd.MaxDim
	// maxRows bounds the rows of a segment, so that a row number fits an int32.
	maxRows = math.MaxInt32

	// BlockSize is what one checksum covers: a row of 768 float32 elements lies
	// in two blocks at most, so that checking what one read hands out costs
	// under a microsecond.
	BlockSize = 4096
	// SumSize is the size of a checksum.
	SumSize = 4
)

// castagnoli is the table of CRC-32C, which processors compute in hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// The sections of a segment in the order in which they lie.
const (
	secHeader = iota
	secIDs
	secEnds
	secCodes
	secScales
	secResiduals
	secVectors
	secPayloads
	sections
)

// header is what the first bytes of a segment say.
type header struct {
	dim, rows, payload int
}

const (
	magic      = "engram\x00S"
	headerSize = 64
)

// layout says where the sections of a segment lie: section i begins at
// start[i], a multiple of BlockSize, and has size[i] bytes. The checksums
// follow at sums, 4 bytes for each of blocks, and then 4 bytes for themselves.
type layout struct {
	start, size [sections]int64
	sums        int64
	blocks      int64
	total       int64
}

// layout fails where the numbers do not make a file that this machine can map.
func (h header) layout() (layout, error) {
	if h.dim < 1 || h.dim > MaxDim || h.rows < 1 || h.rows > maxRows || h.payload < 0 {
		return layout{}, fmt.Errorf("%d rows of %d elements and %d bytes of payloads: %w",
			h.rows, h.dim, h.payload, index.ErrCorrupt)
	}
	n, row := int64(h.rows), RowSizes(h.dim)
	l := layout{size: [sections]int64{
		secHeader: headerSize, secIDs: n * int64(row.ID), secEnds: n * int64(row.End),
		secCodes: n * int64(row.Code), secScales: n * int64(row.Scale), secResiduals: n * int64(row.Residual),
		secVectors: n * int64(row.Vector), secPayloads: int64(h.payload),
	}}
	// The sum of all sections but the payloads is below 2^50.
	if int64(h.payload) > math.MaxInt/2 {
		return layout{}, fmt.Errorf("%d bytes of payloads: %w", h.payload, index.ErrCorrupt)
	}
	at := int64(0)
	for i, size := range l.size {
		l.start[i] = at
		at += (size + BlockSize - 1) / BlockSize * BlockSize
	}
	l.sums, l.blocks = at, at/BlockSize
	l.total = at + SumSize*l.blocks + SumSize
	if l.total > math.MaxInt {
		return layout{}, fmt.Errorf("a segment of %d bytes does not fit this machine's address space", l.total)
	}
	return l, nil
}

// append encodes the header.
func (h header) append(b []byte) []byte {
	start := len(b)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, Version)
	b = binary.LittleEndian.AppendUint32(b, uint32(h.dim))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.rows))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.payload))
	b = append(b, make([]byte, headerSize-4-(len(b)-start))...)
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
}

// parseHeader reads the header at the start of b.
func parseHeader(b []byte) (header, error) {
	if len(b) < headerSize || string(b[:len(magic)]) != magic {
		return header{}, fmt.Errorf("it does not begin as a segment does: %w", index.ErrCorrupt)
	}
	b = b[:headerSize]
	if checksum(b[:headerSize-4]) != binary.LittleEndian.Uint32(b[headerSize-4:]) {
		return header{}, fmt.Errorf("its header does not match its checksum: %w", index.ErrCorrupt)
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v < 1 || v > Version {
		return header{}, versionError(int(v))
	}
	rows, payload := binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
	if rows > maxRows || payload > math.MaxInt/2 {
		return header{}, fmt.Errorf("%d rows and %d bytes of payloads: %w", rows, payload, index.ErrCorrupt)
	}
	return header{dim: int(binary.LittleEndian.Uint32(b[12:])), rows: int(rows), payload: int(payload)}, nil
}

func versionError(v int) error {
	return fmt.Errorf("it has format %d, this program reads formats 1 to %d", v, Version)
}
