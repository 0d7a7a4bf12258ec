package nifti

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"engram/data/internal/numeric"
)

const (
	size1 = 348 // bytes of a NIfTI-1 header
	size2 = 540 // bytes of a NIfTI-2 header
	// maxElements leaves room for the largest voxel type in an int64 of bytes.
	maxElements = math.MaxInt / 16
)

// The magic strings of the two versions: data in the same file, or in the
// .img file beside the header.
var (
	magicSingle1 = []byte("n+1\x00")
	magicPair1   = []byte("ni1\x00")
	magicSingle2 = []byte("n+2\x00\r\n\x1a\n")
	magicPair2   = []byte("ni2\x00\r\n\x1a\n")
)

// header is what the package needs of either version's header.
type header struct {
	order     binary.ByteOrder
	shape     []int // 1 to 7 axes
	volume    [3]int
	voxels    int // of one volume
	volumes   int
	voxelType voxelType
	slope     float64 // 0: the values are not scaled
	inter     float64
	offset    int64 // of the first voxel in the file that holds it
	pair      bool  // the voxels are in the .img file
	geometry  Geometry
}

// bytes returns the size of all voxels in the file.
func (h *header) bytes() int64 {
	return int64(h.voxels) * int64(h.volumes) * int64(h.voxelType.size)
}

// String describes the image as in "40×20×1×1452 int16 = 2323200 bytes".
func (h *header) String() string {
	return fmt.Sprintf("%s %s = %d bytes", numeric.ShapeString(h.shape), h.voxelType.name, h.bytes())
}

// readHeader reads the header at the front of r and says how many bytes it
// took from r.
func readHeader(r io.Reader) (h *header, taken int64, err error) {
	raw := make([]byte, size1, size2)
	if n, err := io.ReadFull(r, raw); err != nil {
		return nil, 0, short(err, "a NIfTI header takes %d bytes, there are %d", size1, n)
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch order.Uint32(raw) {
		case size1:
			h, err = parse1(raw, order)
			return h, size1, err
		case size2:
			raw = raw[:size2]
			if n, err := io.ReadFull(r, raw[size1:]); err != nil {
				return nil, 0, short(err, "a NIfTI-2 header takes %d bytes, there are %d", size2, size1+n)
			}
			h, err = parse2(raw, order)
			return h, size2, err
		}
	}
	return nil, 0, fmt.Errorf("wanted a NIfTI header, which begins with its length %d or %d, found %q", size1, size2, raw[:4])
}

// short words an early end of the input; other errors pass through.
func short(err error, format string, args ...any) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf(format, args...)
	}
	return err
}

// parse1 reads the fields of a NIfTI-1 header; offsets as in nifti1.h.
func parse1(raw []byte, order binary.ByteOrder) (*header, error) {
	h := &header{order: order, geometry: fields1(raw, order).geometry()}
	switch magic := raw[344:348]; {
	case bytes.Equal(magic, magicSingle1):
	case bytes.Equal(magic, magicPair1):
		h.pair = true
	default:
		return nil, fmt.Errorf("wanted the magic %q or %q of NIfTI-1, found %q", magicSingle1, magicPair1, magic)
	}
	float := func(at int) float64 { return float64(math.Float32frombits(order.Uint32(raw[at:]))) }
	var dim [8]int64
	for i := range dim {
		dim[i] = int64(int16(order.Uint16(raw[40+2*i:])))
	}
	if err := h.setShape(dim); err != nil {
		return nil, err
	}
	if err := h.setType(order.Uint16(raw[70:])); err != nil {
		return nil, err
	}
	if err := h.setScaling(float(112), float(116)); err != nil {
		return nil, err
	}
	offset := float(108)
	if offset != math.Trunc(offset) || math.Abs(offset) > 1<<53 {
		return nil, fmt.Errorf("vox_offset is %g, wanted a whole number of bytes", offset)
	}
	return h, h.setOffset(int64(offset), size1+4)
}

// parse2 reads the fields of a NIfTI-2 header; offsets as in nifti2.h.
func parse2(raw []byte, order binary.ByteOrder) (*header, error) {
	h := &header{order: order, geometry: fields2(raw, order).geometry()}
	switch magic := raw[4:12]; {
	case bytes.Equal(magic, magicSingle2):
	case bytes.Equal(magic, magicPair2):
		h.pair = true
	default:
		return nil, fmt.Errorf("wanted the magic %q or %q of NIfTI-2, found %q", magicSingle2, magicPair2, magic)
	}
	float := func(at int) float64 { return math.Float64frombits(order.Uint64(raw[at:])) }
	var dim [8]int64
	for i := range dim {
		dim[i] = int64(order.Uint64(raw[16+8*i:]))
	}
	if err := h.setShape(dim); err != nil {
		return nil, err
	}
	if err := h.setType(order.Uint16(raw[12:])); err != nil {
		return nil, err
	}
	if err := h.setScaling(float(176), float(184)); err != nil {
		return nil, err
	}
	return h, h.setOffset(int64(order.Uint64(raw[168:])), size2+4)
}

// setShape takes the field dim: the number of axes, then their lengths.
func (h *header) setShape(dim [8]int64) error {
	rank := dim[0]
	if rank < 1 || rank > 7 {
		return fmt.Errorf("header has %d axes, wanted 1 to 7", rank)
	}
	h.volume, h.volumes = [3]int{1, 1, 1}, 1
	total := int64(1)
	for i, n := range dim[1 : rank+1] {
		if n < 1 {
			return fmt.Errorf("axis %d has length %d, wanted at least 1", i+1, n)
		}
		if total > maxElements/n {
			return fmt.Errorf("axes %v are larger than any memory", dim[1:rank+1])
		}
		total *= n
		h.shape = append(h.shape, int(n))
		if i < 3 {
			h.volume[i] = int(n)
		} else {
			h.volumes *= int(n)
		}
	}
	h.voxels = h.volume[0] * h.volume[1] * h.volume[2]
	return nil
}

// setScaling takes the fields scl_slope and scl_inter. A slope of zero means
// that values are not scaled; nibabel takes a slope that is not finite so too.
func (h *header) setScaling(slope, inter float64) error {
	if slope == 0 || math.IsNaN(slope) || math.IsInf(slope, 0) {
		return nil
	}
	if math.IsNaN(inter) || math.IsInf(inter, 0) {
		return fmt.Errorf("scl_slope is %g and scl_inter %g, wanted a finite number", slope, inter)
	}
	h.slope, h.inter = slope, inter
	return nil
}

// setOffset takes the field vox_offset. In a single file the voxels come after
// the header and its extension flag, first bytes; 0 means directly after.
func (h *header) setOffset(offset, first int64) error {
	if h.pair {
		first = 0
	} else if offset == 0 {
		offset = first
	}
	if offset < first || offset > math.MaxInt64-h.bytes() {
		return fmt.Errorf("vox_offset is %d, wanted at least %d", offset, first)
	}
	h.offset = offset
	return nil
}
