package pixels

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
)

// decodeJPEG decodes a JPEG by fastJPEG, or by the standard library where the
// file is not of the common kind or not in order; what the standard library
// says then is the answer.
func decodeJPEG(data []byte) (image.Image, error) {
	if img := fastJPEG(data); img != nil {
		return img, nil
	}
	return jpeg.Decode(bytes.NewReader(data))
}

// fastJPEG decodes the JPEG files that cameras and COCO are made of: baseline
// or extended sequential with Huffman codes and 8 bits, grey or YCbCr with
// chroma at full, half or quarter resolution, in one scan. It returns nil for
// every other file, and for one with any irregularity.
//
// It exists because decoding is most of the time from file to tensor: it takes
// about half the time of image/jpeg. Its inverse DCT is libjpeg's, so that
// together with this package's upsampling and colour conversion the pixels equal
// libjpeg's to the bit.
func fastJPEG(data []byte) image.Image {
	d := &jpegDecoder{data: data, pos: 2}
	if !d.header() || !d.regular() {
		return nil
	}
	d.allocate()
	if !d.scan() {
		return nil
	}
	return d.image()
}

// Markers of ITU-T T.81, table B.1.
const (
	markerSOF0  = 0xc0
	markerSOF1  = 0xc1
	markerDHT   = 0xc4
	markerRST0  = 0xd0
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerDQT   = 0xdb
	markerDRI   = 0xdd
	markerAPP0  = 0xe0
	markerAPP14 = 0xee
	markerAPP15 = 0xef
	markerCOM   = 0xfe
)

// jpegComponent is a channel: luma, or one of chroma.
type jpegComponent struct {
	id, h, v int
	quant    *[64]int32
	dc, ac   *huffman
	plane    []byte
	stride   int
	last     int32 // DC of the block before
}

// jpegDecoder reads one file.
type jpegDecoder struct {
	data []byte
	pos  int

	w, h     int
	comps    []jpegComponent
	quant    [4][64]int32 // in zig-zag order
	huff     [2][4]huffman
	restart  int // MCUs between restart markers, 0 for none
	mcuX     int // MCUs across and down
	mcuY     int
	notYCbCr bool // the file says so in an Adobe marker

	bits bitReader
}

// header reads the segments up to the scan.
func (d *jpegDecoder) header() bool {
	for d.pos+4 <= len(d.data) {
		if d.data[d.pos] != 0xff {
			return false
		}
		marker := d.data[d.pos+1]
		size := int(binary.BigEndian.Uint16(d.data[d.pos+2:]))
		if size < 2 || d.pos+2+size > len(d.data) {
			return false
		}
		body := d.data[d.pos+4 : d.pos+2+size]
		d.pos += 2 + size
		ok := true
		switch {
		case marker == markerSOF0 || marker == markerSOF1:
			ok = d.frame(body)
		case marker == markerDHT:
			ok = d.huffmanTables(body)
		case marker == markerDQT:
			ok = d.quantTables(body)
		case marker == markerDRI:
			if ok = len(body) == 2; ok {
				d.restart = int(binary.BigEndian.Uint16(body))
			}
		case marker == markerSOS:
			return d.scanHeader(body)
		case marker == markerAPP14:
			d.notYCbCr = d.notYCbCr || len(body) >= 12 && string(body[:5]) == "Adobe" && body[11] != 1
		case markerAPP0 <= marker && marker <= markerAPP15 || marker == markerCOM:
		default:
			ok = false
		}
		if !ok {
			return false
		}
	}
	return false
}

// frame reads a frame header (T.81, B.2.2).
func (d *jpegDecoder) frame(b []byte) bool {
	if len(d.comps) > 0 || len(b) < 6 || b[0] != 8 || (b[5] != 1 && b[5] != 3) || len(b) != 6+3*int(b[5]) {
		return false
	}
	d.h, d.w = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	for c := b[6:]; len(c) > 0; c = c[3:] {
		if c[2] > 3 {
			return false
		}
		d.comps = append(d.comps, jpegComponent{id: int(c[0]), h: int(c[1] >> 4), v: int(c[1] & 15), quant: &d.quant[c[2]]})
	}
	return d.w > 0 && d.h > 0
}

// regular reports whether the channels are of a kind that this decoder knows.
func (d *jpegDecoder) regular() bool {
	if len(d.comps) == 1 {
		// A channel alone is never interleaved (T.81, A.2.2).
		d.comps[0].h, d.comps[0].v = 1, 1
		return true
	}
	y, cb, cr := d.comps[0], d.comps[1], d.comps[2]
	rgb := d.notYCbCr || y.id == 'R' && cb.id == 'G' && cr.id == 'B'
	return !rgb && 1 <= y.h && y.h <= 2 && 1 <= y.v && y.v <= 2 && cb.h == 1 && cb.v == 1 && cr.h == 1 && cr.v == 1
}

// quantTables reads quantisation tables (B.2.4.1).
func (d *jpegDecoder) quantTables(b []byte) bool {
	for len(b) > 0 {
		wide, table := int(b[0]>>4), b[0]&15
		n := 64 << wide
		if wide > 1 || table > 3 || len(b) < 1+n {
			return false
		}
		for i := range 64 {
			if wide == 1 {
				d.quant[table][i] = int32(binary.BigEndian.Uint16(b[1+2*i:]))
			} else {
				d.quant[table][i] = int32(b[1+i])
			}
		}
		b = b[1+n:]
	}
	return true
}

// huffmanTables reads Huffman tables (B.2.4.2).
func (d *jpegDecoder) huffmanTables(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 17 || b[0]>>4 > 1 || b[0]&15 > 3 {
			return false
		}
		n := 0
		for _, count := range b[1:17] {
			n += int(count)
		}
		if n > 256 || len(b) < 17+n || !d.huff[b[0]>>4][b[0]&15].build(b[1:17], b[17:17+n]) {
			return false
		}
		b = b[17+n:]
	}
	return true
}

// scanHeader reads the header of a scan of all channels (B.2.3).
func (d *jpegDecoder) scanHeader(b []byte) bool {
	n := len(d.comps)
	if n == 0 || len(b) != 4+2*n || int(b[0]) != n {
		return false
	}
	for i := range d.comps {
		tables := b[2+2*i]
		if int(b[1+2*i]) != d.comps[i].id || tables>>4 > 3 || tables&15 > 3 {
			return false
		}
		d.comps[i].dc, d.comps[i].ac = &d.huff[0][tables>>4], &d.huff[1][tables&15]
		if !d.comps[i].dc.valid || !d.comps[i].ac.valid {
			return false
		}
	}
	return b[1+2*n] == 0 && b[2+2*n] == 63 && b[3+2*n] == 0
}

// allocate makes the planes, of whole MCUs.
func (d *jpegDecoder) allocate() {
	h, v := d.comps[0].h, d.comps[0].v
	d.mcuX, d.mcuY = (d.w+8*h-1)/(8*h), (d.h+8*v-1)/(8*v)
	for i := range d.comps {
		c := &d.comps[i]
		c.stride = 8 * d.mcuX * c.h
		c.plane = make([]byte, c.stride*8*d.mcuY*c.v)
	}
}

// scan decodes the entropy-coded segments up to the end of the image.
func (d *jpegDecoder) scan() bool {
	d.bits = bitReader{data: d.data, pos: d.pos}
	left, marker := d.restart, byte(markerRST0)
	for y := range d.mcuY {
		for x := range d.mcuX {
			if d.restart > 0 && left == 0 {
				if !d.bits.marker(marker) {
					return false
				}
				for i := range d.comps {
					d.comps[i].last = 0
				}
				left, marker = d.restart, markerRST0+(marker-markerRST0+1)%8
			}
			left--
			if !d.mcu(x, y) {
				return false
			}
		}
	}
	return d.bits.marker(markerEOI)
}

// mcu decodes the blocks of all channels at one place.
func (d *jpegDecoder) mcu(x, y int) bool {
	var block [64]int32
	for i := range d.comps {
		c := &d.comps[i]
		for v := range c.v {
			for h := range c.h {
				last, ok := d.bits.block(&block, c)
				if !ok {
					return false
				}
				at := 8 * ((y*c.v+v)*c.stride + x*c.h + h)
				inverseDCT(c.plane[at:], c.stride, &block, last)
			}
		}
	}
	return true
}

// image wraps the planes.
func (d *jpegDecoder) image() image.Image {
	bounds, y := image.Rect(0, 0, d.w, d.h), &d.comps[0]
	if len(d.comps) == 1 {
		return &image.Gray{Pix: y.plane, Stride: y.stride, Rect: bounds}
	}
	ratio := map[[2]int]image.YCbCrSubsampleRatio{
		{1, 1}: image.YCbCrSubsampleRatio444,
		{2, 1}: image.YCbCrSubsampleRatio422,
		{1, 2}: image.YCbCrSubsampleRatio440,
		{2, 2}: image.YCbCrSubsampleRatio420,
	}[[2]int{y.h, y.v}]
	return &image.YCbCr{
		Y: y.plane, Cb: d.comps[1].plane, Cr: d.comps[2].plane,
		YStride: y.stride, CStride: d.comps[1].stride,
		SubsampleRatio: ratio, Rect: bounds,
	}
}
