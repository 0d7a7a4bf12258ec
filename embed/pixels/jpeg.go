package pixels

import (
	"encoding/binary"
	"fmt"

	"engram/embed/pixels/internal/simd"
)

// Markers of ITU-T T.81, table B.1.
const (
	markerTEM   = 0x01
	markerSOF0  = 0xc0
	markerSOF1  = 0xc1
	markerSOF2  = 0xc2
	markerDHT   = 0xc4
	markerJPG   = 0xc8
	markerDAC   = 0xcc
	markerSOF15 = 0xcf
	markerRST0  = 0xd0
	markerRST7  = 0xd7
	markerSOI   = 0xd8
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerDQT   = 0xdb
	markerDRI   = 0xdd
	markerAPP0  = 0xe0
	markerAPP1  = 0xe1
	markerAPP14 = 0xee
)

// jpegComponent is a channel: luma, one of chroma, or an ink.
type jpegComponent struct {
	id, h, v int
	quant    *[64]int32
	latched  *[64]int32 // quant as it was when the channel was first scanned
	table    int        // number of quant
	dc, ac   *huffman
	last     int32 // DC of the block before

	blocksX, blocksY int // blocks that have pixels of the image
	padX, padY       int // blocks of whole MCUs
	decoded          int // blocks that were there
	dct              int // samples that a block becomes, across and down: 8, or fewer where the image is shrunk
	plane            []byte
	stride           int
	coefficients     []int16 // of a progressive file: 64 a block, in zig-zag order
}

// jpegDecoder reads one file: baseline, extended sequential or progressive, with
// Huffman codes and 8 bits, in one scan or several. With its inverse DCT, which is
// libjpeg's, and this package's upsampling and colour conversion the pixels equal
// libjpeg's to the bit.
//
// Like libjpeg it passes over what does not belong into a file, takes the standard
// tables where there are none, and goes on behind damage at the next restart marker.
type jpegDecoder struct {
	data []byte
	pos  int

	w, h        int
	progressive bool
	comps       []jpegComponent
	hmax, vmax  int
	quant       [4][64]int32 // in zig-zag order
	hasQuant    [4]bool
	huff        [2][4]huffman
	restart     int    // MCUs between restart markers, 0 for none
	mcuX, mcuY  int    // MCUs across and down
	scanBody    []byte // header of the scan that comes next
	isRGB       bool   // the file does not have to say so
	jfif        bool
	adobe       int // colour transform in an Adobe marker, or -1
	meta        metadata
	bits        bitReader
	scratch     [64]int16 // the block that is being decoded, in rows of 8
}

// readJPEG reads a file up to its first scan.
func readJPEG(data []byte) (*picture, error) {
	d := &jpegDecoder{data: data}
	if err := d.header(); err != nil {
		return nil, err
	}
	return &picture{
		w: d.w, h: d.h, meta: d.meta, scales: true,
		least:  int64(d.w) / 8 * (int64(d.h) / 8) / 8, // a block of 8×8 pixels takes a bit
		memory: d.memory, decode: d.decode,
	}, nil
}

// header reads the segments up to the first scan.
func (d *jpegDecoder) header() error {
	d.pos, d.adobe = 2, -1
	found, err := d.segments()
	switch {
	case err != nil:
		return err
	case !found:
		return fmt.Errorf("file ends within the header: %w", ErrCorrupt)
	case len(d.comps) == 0:
		return fmt.Errorf("pixels before the header of the frame: %w", ErrCorrupt)
	}
	return nil
}

// nextMarker goes behind the next marker, over whatever stands before it.
func (d *jpegDecoder) nextMarker() (marker byte, ok bool) {
	for ; d.pos+1 < len(d.data); d.pos++ {
		if d.data[d.pos] != 0xff {
			continue
		}
		if m := d.data[d.pos+1]; m != 0 && m != 0xff {
			d.pos += 2
			return m, true
		}
	}
	return 0, false
}

// segments reads up to the header of a scan. Without another scan it returns false.
func (d *jpegDecoder) segments() (found bool, err error) {
	for {
		marker, ok := d.nextMarker()
		switch {
		case !ok || marker == markerEOI:
			return false, nil
		case markerRST0 <= marker && marker <= markerSOI || marker == markerTEM:
			continue // these stand alone
		}
		if d.pos+2 > len(d.data) {
			return false, nil
		}
		size := int(binary.BigEndian.Uint16(d.data[d.pos:]))
		if size < 2 {
			return false, fmt.Errorf("a segment of %d bytes: %w", size, ErrCorrupt)
		}
		if d.pos+size > len(d.data) {
			return false, nil
		}
		body := d.data[d.pos+2 : d.pos+size]
		d.pos += size
		if marker == markerSOS {
			d.scanBody = body
			return true, nil
		}
		if err := d.segment(marker, body); err != nil {
			return false, err
		}
	}
}

// segment reads one segment.
func (d *jpegDecoder) segment(marker byte, body []byte) error {
	ok := true
	switch {
	case marker == markerDHT:
		ok = d.huffmanTables(body)
	case marker == markerDQT:
		ok = d.quantTables(body)
	case marker == markerDRI:
		if ok = len(body) >= 2; ok {
			d.restart = int(binary.BigEndian.Uint16(body))
		}
	case marker == markerSOF0 || marker == markerSOF1 || marker == markerSOF2:
		d.progressive = marker == markerSOF2
		return d.frame(body)
	case markerSOF0 <= marker && marker <= markerSOF15 && marker != markerJPG && marker != markerDAC:
		kind := "lossless or hierarchical coding"
		if marker&0xf == 9 || marker&0xf == 10 {
			kind = "arithmetic coding"
		}
		return fmt.Errorf("%s: %w", kind, ErrFormat)
	case marker == markerAPP0:
		d.jfif = d.jfif || len(body) >= 5 && string(body[:5]) == "JFIF\x00"
	case marker == markerAPP1:
		d.meta.addJPEG(body)
	case marker == markerAPP14 && len(body) >= 12 && string(body[:5]) == "Adobe":
		d.adobe = int(body[11])
	}
	if !ok {
		return fmt.Errorf("segment %#x of %d bytes makes no sense: %w", marker, len(body), ErrCorrupt)
	}
	return nil
}

// frame reads a frame header (T.81, B.2.2).
func (d *jpegDecoder) frame(b []byte) error {
	if len(d.comps) > 0 || len(b) < 6 || len(b) < 6+3*int(b[5]) {
		return fmt.Errorf("two headers of frames, or one of %d bytes: %w", len(b), ErrCorrupt)
	}
	d.h, d.w = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	switch n := b[5]; {
	case b[0] != 8:
		return fmt.Errorf("samples of %d bits: %w", b[0], ErrFormat)
	case n != 1 && n != 3 && n != 4:
		return fmt.Errorf("%d channels: %w", n, ErrFormat)
	case d.h == 0 && d.w > 0:
		return fmt.Errorf("height behind the pixels: %w", ErrFormat)
	}
	for c := b[6:][:3*int(b[5])]; len(c) > 0; c = c[3:] {
		h, v := int(c[1]>>4), int(c[1]&15)
		if c[2] > 3 || h < 1 || h > 4 || v < 1 || v > 4 {
			return fmt.Errorf("channel with sampling %d×%d and table %d: %w", h, v, c[2], ErrCorrupt)
		}
		d.comps = append(d.comps, jpegComponent{id: int(c[0]), h: h, v: v, table: int(c[2]), quant: &d.quant[c[2]]})
		d.hmax, d.vmax = max(d.hmax, h), max(d.vmax, v)
	}
	if len(d.comps) == 1 {
		// A channel alone is never interleaved (T.81, A.2.2).
		d.comps[0].h, d.comps[0].v, d.hmax, d.vmax = 1, 1, 1, 1
	}
	d.mcuX, d.mcuY = divideUp(d.w, 8*d.hmax), divideUp(d.h, 8*d.vmax)
	for i := range d.comps {
		c := &d.comps[i]
		if d.hmax%c.h != 0 || d.vmax%c.v != 0 {
			return fmt.Errorf("a channel at %d/%d by %d/%d of the resolution: %w", c.h, d.hmax, c.v, d.vmax, ErrFormat)
		}
		c.blocksX, c.blocksY = divideUp(divideUp(d.w*c.h, d.hmax), 8), divideUp(divideUp(d.h*c.v, d.vmax), 8)
		c.padX, c.padY = d.mcuX*c.h, d.mcuY*c.v
	}
	return nil
}

// sizes sets what a block of each channel becomes where the image is divided by
// shrink. As in libjpeg (jdmaster.c), a channel of low resolution is shrunk less, so
// that it need not be brought to the resolution of the image afterwards.
func (d *jpegDecoder) sizes(shrink int) {
	least := 8 / shrink
	for i := range d.comps {
		c := &d.comps[i]
		c.dct = least
		for c.dct < 8 && d.hmax*least%(c.h*c.dct*2) == 0 && d.vmax*least%(c.v*c.dct*2) == 0 {
			c.dct *= 2
		}
	}
}

// memory returns what decode takes.
func (d *jpegDecoder) memory(shrink int) int64 {
	d.sizes(shrink)
	sum := imageBytes(d.w, d.h, shrink)
	for i := range d.comps {
		c := &d.comps[i]
		blocks := int64(c.padX) * int64(c.padY)
		sum += blocks * int64(c.dct*c.dct)
		if d.progressive {
			sum += blocks * 2 * 64
		}
	}
	return sum
}

// allocate makes the planes, of whole MCUs.
func (d *jpegDecoder) allocate(shrink int) {
	d.sizes(shrink)
	for i := range d.comps {
		c := &d.comps[i]
		c.stride = c.dct * c.padX
		c.plane = make([]byte, c.stride*c.dct*c.padY)
		if d.progressive {
			c.coefficients = make([]int16, 64*c.padX*c.padY)
		}
	}
}

// decode decodes all scans.
func (d *jpegDecoder) decode(shrink int) (*Image, error) {
	d.allocate(shrink)
	// A file of hundreds of scans is made to keep a decoder busy.
	const mostScans = 100
	for range mostScans {
		s, err := d.newScan()
		if err != nil {
			if d.share() == 0 {
				return nil, err
			}
			break // what came before is good
		}
		s.run()
		if !d.progressive && d.scanned() {
			break
		}
		if found, err := d.segments(); !found || err != nil {
			break
		}
	}
	have, want := d.share(), 0
	for i := range d.comps {
		want += d.comps[i].blocksX * d.comps[i].blocksY
	}
	if err := enough(have, want, "blocks"); err != nil {
		return nil, err
	}
	d.finish()
	out := d.rgb(shrink)
	out.Incomplete = have < want
	return out, nil
}

// share returns how many blocks of the image were there.
func (d *jpegDecoder) share() int {
	have := 0
	for i := range d.comps {
		have += min(d.comps[i].decoded, d.comps[i].blocksX*d.comps[i].blocksY)
	}
	return have
}

// scanned reports whether every channel was in a scan.
func (d *jpegDecoder) scanned() bool {
	for i := range d.comps {
		if d.comps[i].latched == nil {
			return false
		}
	}
	return true
}

// finish fills the planes of channels that had no scan, and computes the planes of
// a progressive file.
func (d *jpegDecoder) finish() {
	block := &d.scratch
	for i := range d.comps {
		c := &d.comps[i]
		if c.latched == nil {
			fill(c.plane, missing)
			continue
		}
		for b := 0; 64*b < len(c.coefficients); b++ {
			coefficients := c.coefficients[64*b:][:64]
			*block = [64]int16{}
			last := 0
			for k, v := range coefficients {
				if v != 0 {
					block[zigzag[k]&63] = v * int16(c.latched[k])
					last = k
				}
			}
			c.draw(block, last, b%c.padX, b/c.padX)
		}
	}
}

// draw writes the samples of a block. last is the largest place in zig-zag order
// that is not zero.
func (c *jpegComponent) draw(block *[64]int16, last, x, y int) {
	out := c.plane[c.dct*(y*c.stride+x):]
	switch {
	case c.dct == 8 && last == 0:
		// The block is of one colour; the eighth of its DC is rounded.
		v := 0x0101010101010101 * uint64(clamp8((int32(block[0])+4)>>3+128))
		for y := range 8 {
			binary.LittleEndian.PutUint64(out[y*c.stride:], v)
		}
	case c.dct == 8:
		simd.Best().InverseDCT(out, c.stride, block)
	case c.dct == 4:
		inverseDCT4(out, c.stride, block)
	case c.dct == 2:
		inverseDCT2(out, c.stride, block)
	default:
		out[0] = clamp8((int32(block[0])+4)>>3 + 128)
	}
}
