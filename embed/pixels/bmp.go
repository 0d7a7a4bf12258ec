package pixels

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// bmpFile is a Windows or OS/2 bitmap: BITMAPCOREHEADER, BITMAPINFOHEADER and what
// grew out of it, of 1 to 32 bits, packed by run lengths or not.
type bmpFile struct {
	w, h    int
	topDown bool
	depth   int // bits per pixel
	packing int
	masks   [4]uint32 // of red, green, blue and opacity
	table   [256][3]byte
	data    []byte
}

// How the pixels of a BMP are packed.
const (
	bmpPlain     = 0
	bmpRLE8      = 1
	bmpRLE4      = 2
	bmpMasks     = 3
	bmpAlphaMask = 6
)

// readBMP reads a file up to its pixels.
func readBMP(data []byte) (*picture, error) {
	const fileHeader, coreHeader, infoHeader = 14, 12, 40
	early := fmt.Errorf("file ends within the header: %w", ErrCorrupt)
	if len(data) < fileHeader+coreHeader {
		return nil, early
	}
	b := &bmpFile{}
	size := int(binary.LittleEndian.Uint32(data[fileHeader:]))
	header := data[fileHeader:]
	if size < coreHeader || size > 1<<10 || len(header) < size {
		return nil, early
	}
	entry, colours := 4, 0
	switch {
	case size == coreHeader:
		b.w, b.h = int(binary.LittleEndian.Uint16(header[4:])), int(binary.LittleEndian.Uint16(header[6:]))
		b.depth, entry = int(binary.LittleEndian.Uint16(header[10:])), 3
	case size < 16:
		return nil, early
	default:
		b.w, b.h = int(int32(binary.LittleEndian.Uint32(header[4:]))), int(int32(binary.LittleEndian.Uint32(header[8:])))
		b.depth = int(binary.LittleEndian.Uint16(header[14:]))
	}
	if size >= infoHeader {
		b.packing, colours = int(binary.LittleEndian.Uint32(header[16:])), int(binary.LittleEndian.Uint32(header[32:]))
	}
	if b.h < 0 {
		b.h, b.topDown = -b.h, true
	}
	if b.w < 1 || b.h < 1 {
		return nil, fmt.Errorf("header says %d×%d pixels: %w", b.w, b.h, ErrCorrupt)
	}
	rest := header[size:]
	if err := b.layout(header[:size], &rest); err != nil {
		return nil, err
	}
	b.data = b.palette(rest, entry, colours)
	if at := int64(binary.LittleEndian.Uint32(data[10:])); at >= fileHeader+coreHeader && at <= int64(len(data)) {
		b.data = data[at:]
	}
	least := int64(0) // a run of one colour takes no bytes to speak of
	if b.packing != bmpRLE8 && b.packing != bmpRLE4 {
		least = int64(b.w) * int64(b.h) * int64(b.depth) / 8
	}
	return &picture{
		w: b.w, h: b.h, least: least, scales: true,
		memory: func(shrink int) int64 {
			n := imageBytes(b.w, b.h, shrink)
			if b.packing == bmpRLE8 || b.packing == bmpRLE4 {
				n += int64(b.w) * int64(b.h)
			}
			return n
		},
		decode: b.decode,
	}, nil
}

// palette reads so many colours, or all that there can be where that is 0, and
// returns what follows.
func (b *bmpFile) palette(rest []byte, entry, colours int) []byte {
	if b.depth > 8 {
		return rest
	}
	if colours <= 0 || colours > 1<<b.depth {
		colours = 1 << b.depth
	}
	for i := 0; i < colours && len(rest) >= entry; i++ {
		b.table[i] = [3]byte{rest[2], rest[1], rest[0]}
		rest = rest[entry:]
	}
	return rest
}

// layout reads how a pixel is laid out, and the masks that may follow the header.
func (b *bmpFile) layout(header []byte, rest *[]byte) error {
	const infoHeader, rgbMasks = 40, 52
	switch {
	case b.packing == bmpPlain && (b.depth == 1 || b.depth == 2 || b.depth == 4 || b.depth == 8 || b.depth == 24):
	case b.packing == bmpPlain && b.depth == 16:
		b.masks = [4]uint32{0x7c00, 0x03e0, 0x001f, 0}
	case b.packing == bmpPlain && b.depth == 32:
		b.masks = [4]uint32{0xff0000, 0xff00, 0xff, 0}
	case b.packing == bmpRLE8 && b.depth == 8, b.packing == bmpRLE4 && b.depth == 4:
	case (b.packing == bmpMasks || b.packing == bmpAlphaMask) && (b.depth == 16 || b.depth == 32):
		from := header[min(infoHeader, len(header)):]
		n := 3
		if len(header) < rgbMasks { // the masks follow the header
			if b.packing == bmpAlphaMask {
				n = 4
			}
			from = *rest
			*rest = from[min(4*n, len(from)):]
		} else if len(header) > rgbMasks {
			n = 4
		}
		if len(from) < 4*n {
			return fmt.Errorf("file ends within the header: %w", ErrCorrupt)
		}
		for i := range n {
			b.masks[i] = binary.LittleEndian.Uint32(from[4*i:])
		}
	default:
		return fmt.Errorf("%d bits per pixel in packing %d: %w", b.depth, b.packing, ErrFormat)
	}
	return nil
}

// decode converts row by row.
func (b *bmpFile) decode(shrink int) (*Image, error) {
	sink := newRows(b.w, b.h, shrink)
	var buf []byte
	convert := b.converter()
	data, stride := b.data, (b.w*b.depth+31)/32*4
	if b.packing == bmpRLE8 || b.packing == bmpRLE4 {
		data, stride = b.unpack(), b.w
	}
	need := min(stride, (b.w*b.depth+7)/8) // the padding of the last row may be missing
	for i := range b.h {
		if len(data) < need {
			break
		}
		y := b.h - 1 - i
		if b.topDown {
			y = i
		}
		line := sink.line(y, &buf)
		convert(line, data)
		sink.put(y, line)
		data = data[min(stride, len(data)):]
	}
	return sink.image()
}

// converter returns what turns a row into RGB on white.
func (b *bmpFile) converter() func(out, row []byte) {
	switch {
	case b.packing == bmpRLE4 || b.depth == 8:
		return func(out, row []byte) {
			for x := range b.w {
				copy(out[3*x:3*x+3], b.table[row[x]][:])
			}
		}
	case b.depth < 8:
		return func(out, row []byte) {
			for x := range b.w {
				at := x * b.depth
				copy(out[3*x:3*x+3], b.table[row[at/8]>>(8-b.depth-at%8)&byte(1<<b.depth-1)][:])
			}
		}
	case b.depth == 24:
		return func(out, row []byte) {
			for x := range b.w {
				out[3*x], out[3*x+1], out[3*x+2] = row[3*x+2], row[3*x+1], row[3*x]
			}
		}
	}
	size := b.depth / 8
	pixel := func(row []byte, x int) uint32 {
		if size == 2 {
			return uint32(binary.LittleEndian.Uint16(row[2*x:]))
		}
		return binary.LittleEndian.Uint32(row[4*x:])
	}
	opaque := b.masks[3] == 0 || !b.anyOpacity(pixel, size)
	return func(out, row []byte) {
		for x := range b.w {
			v := pixel(row, x)
			opacity := byte(255)
			if !opaque {
				opacity = scaleMask(v, b.masks[3])
			}
			for c := range 3 {
				out[3*x+c] = overWhite(scaleMask(v, b.masks[c]), opacity)
			}
		}
	}
}

// anyOpacity reports whether a pixel is not transparent. Where all are, the writer
// did not fill the channel, and viewers show the image as opaque.
func (b *bmpFile) anyOpacity(pixel func([]byte, int) uint32, size int) bool {
	for x := range min(b.w*b.h, len(b.data)/size) {
		if pixel(b.data, x)&b.masks[3] != 0 {
			return true
		}
	}
	return false
}

// scaleMask returns the bits of v under a mask, as 0 to 255.
func scaleMask(v, mask uint32) byte {
	if mask == 0 {
		return 0
	}
	shift := bits.TrailingZeros32(mask)
	return byte(uint64((v&mask)>>shift) * 255 / uint64(mask>>shift))
}

// unpack undoes run-length coding, one byte for each index, rows from the bottom
// as in the file. What is passed over has index 0; where the data end early, the
// rows that are full are returned.
func (b *bmpFile) unpack() []byte {
	out := make([]byte, b.w*b.h)
	d := b.data
	x, y := 0, 0
	put := func(v byte) {
		if x < b.w && y < b.h {
			out[y*b.w+x] = v
		}
		x++
	}
	index := func(v byte, i int) byte { // of the i-th pixel of a run or of a byte
		if b.packing == bmpRLE8 {
			return v
		}
		return v >> (4 - 4*(i%2)) & 15
	}
	for len(d) >= 2 && y < b.h {
		n, v := int(d[0]), d[1]
		d = d[2:]
		switch {
		case n > 0:
			for i := range n {
				put(index(v, i))
			}
		case v == 0:
			x, y = 0, y+1
		case v == 1:
			return out
		case v == 2:
			if len(d) < 2 {
				return out[:y*b.w]
			}
			x, y, d = x+int(d[0]), y+int(d[1]), d[2:]
		default:
			perByte := 1
			if b.packing == bmpRLE4 {
				perByte = 2
			}
			for i := range int(v) {
				if i/perByte < len(d) {
					put(index(d[i/perByte], i))
				}
			}
			size := divideUp(int(v), perByte)
			d = d[min(size+size%2, len(d)):]
		}
	}
	if x >= b.w {
		y++ // the mark of its end is all that is missing
	}
	return out[:min(y, b.h)*b.w]
}
