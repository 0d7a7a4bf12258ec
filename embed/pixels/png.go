package pixels

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zlib"
)

// pngFile is a PNG (PNG specification, third edition). It is read as libpng and
// browsers read it: the checksums of chunks that one can do without are not
// looked at, nor is what stands behind the pixels, and no end is asked for.
type pngFile struct {
	w, h       int
	depth      int // bits per channel, or per index
	colour     int // colour type
	interlaced bool
	palette    [][3]byte
	key        []byte // tRNS: opacities of the palette, or the transparent colour
	data       [][]byte
	table      [256][3]byte // colour of each index on white
}

// Colour types of PNG (section 11.2.1).
const (
	pngGrey      = 0
	pngRGB       = 2
	pngIndexed   = 3
	pngGreyAlpha = 4
	pngRGBA      = 6
)

// readPNG reads a file up to its pixels.
func readPNG(data []byte) (*picture, error) {
	p, pic := &pngFile{}, &picture{}
	for at := len("\x89PNG\r\n\x1a\n"); ; {
		if at+8 > len(data) {
			break
		}
		size, kind := int64(binary.BigEndian.Uint32(data[at:])), string(data[at+4:at+8])
		rest := data[at+8:]
		whole := size+4 <= int64(len(rest))
		body := rest[:min(size, int64(len(rest)))]
		at += 12 + len(body)
		critical := kind == "IHDR" || kind == "PLTE"
		if critical && (!whole || binary.BigEndian.Uint32(rest[size:]) != crc32.ChecksumIEEE(data[at-8-len(body):at-4])) {
			return nil, fmt.Errorf("chunk %s ends early or has a wrong checksum: %w", kind, ErrCorrupt)
		}
		if err := p.chunk(kind, body, pic); err != nil {
			return nil, err
		}
		if kind == "IEND" || !whole {
			break
		}
	}
	if p.w == 0 {
		return nil, fmt.Errorf("file ends within the header: %w", ErrCorrupt)
	}
	if p.colour == pngIndexed && p.palette == nil {
		return nil, fmt.Errorf("no palette: %w", ErrCorrupt)
	}
	pic.w, pic.h = p.w, p.h
	// A byte of deflate becomes at most 1032, of eight pixels each.
	pic.least = int64(p.w) * int64(p.h) / (8 * 1032)
	pic.scales = !p.interlaced
	pic.memory = func(shrink int) int64 { return imageBytes(p.w, p.h, shrink) + int64(16*p.w) }
	pic.decode = p.decode
	return pic, nil
}

// chunk takes one chunk.
func (p *pngFile) chunk(kind string, body []byte, pic *picture) error {
	if kind == "CgBI" {
		return fmt.Errorf("the variant of PNG in Apple's apps: %w", ErrFormat)
	}
	if p.w == 0 && kind != "IHDR" {
		return fmt.Errorf("file begins with chunk %q, wanted IHDR: %w", kind, ErrCorrupt)
	}
	switch kind {
	case "IHDR":
		return p.header(body)
	case "PLTE":
		for ; len(body) >= 3 && len(p.palette) < 256; body = body[3:] {
			p.palette = append(p.palette, [3]byte(body))
		}
	case "tRNS":
		p.key = body
	case "IDAT":
		p.data = append(p.data, body)
	default:
		pic.meta.addPNG(kind, body)
	}
	return nil
}

// header reads IHDR.
func (p *pngFile) header(b []byte) error {
	if p.w != 0 || len(b) != 13 {
		return fmt.Errorf("two headers, or one of %d bytes, wanted one of 13: %w", len(b), ErrCorrupt)
	}
	w, h := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if w == 0 || h == 0 || w > 1<<31-1 || h > 1<<31-1 {
		return fmt.Errorf("header says %d×%d pixels: %w", w, h, ErrCorrupt)
	}
	p.w, p.h, p.depth, p.colour, p.interlaced = int(w), int(h), int(b[8]), int(b[9]), b[12] == 1
	depths := map[int][]byte{pngGrey: {1, 2, 4, 8, 16}, pngRGB: {8, 16}, pngIndexed: {1, 2, 4, 8}, pngGreyAlpha: {8, 16}, pngRGBA: {8, 16}}
	if !bytes.Contains(depths[p.colour], b[8:9]) || b[10] != 0 || b[11] != 0 || b[12] > 1 {
		return fmt.Errorf("%d bits of colour type %d, compression %d, filter %d, interlace %d: %w", b[8], b[9], b[10], b[11], b[12], ErrFormat)
	}
	return nil
}

// channels returns how many numbers a pixel has.
func (p *pngFile) channels() int {
	return map[int]int{pngGrey: 1, pngRGB: 3, pngIndexed: 1, pngGreyAlpha: 2, pngRGBA: 4}[p.colour]
}

// decode inflates, unfilters and converts row by row.
func (p *pngFile) decode(shrink int) (*Image, error) {
	for i, c := range p.palette {
		opacity := byte(255)
		if i < len(p.key) {
			opacity = p.key[i]
		}
		p.table[i] = [3]byte{overWhite(c[0], opacity), overWhite(c[1], opacity), overWhite(c[2], opacity)}
	}
	readers := make([]io.Reader, len(p.data))
	for i, d := range p.data {
		readers[i] = bytes.NewReader(d)
	}
	z, err := zlib.NewReader(io.MultiReader(readers...))
	if err != nil {
		return nil, fmt.Errorf("the pixels cannot be read (%w): %w", err, ErrCorrupt)
	}
	defer z.Close()
	if p.interlaced {
		return p.passes(z)
	}
	sink := newRows(p.w, p.h, shrink)
	var buf []byte
	f := p.newFilter(p.w)
	for y := range p.h {
		row, ok := f.next(z)
		if !ok {
			break
		}
		line := sink.line(y, &buf)
		p.convert(line, row)
		sink.put(y, line)
	}
	return sink.image()
}

// passes reads the seven images of an interlaced file (section 8.2).
func (p *pngFile) passes(z io.Reader) (*Image, error) {
	out := newImage(p.w, p.h)
	fill(out.Pix, missing)
	have := 0
	for _, pass := range [7]struct{ x, y, dx, dy int }{
		{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2},
	} {
		w, h := divideUp(p.w-pass.x, pass.dx), divideUp(p.h-pass.y, pass.dy)
		if w <= 0 || h <= 0 {
			continue
		}
		f := p.newFilter(w)
		line := make([]byte, 3*w)
		for i := range h {
			row, ok := f.next(z)
			if !ok {
				out.Incomplete = true
				return out, enough(have, p.w*p.h, "pixels")
			}
			p.convert(line, row)
			to := out.row(pass.y + i*pass.dy)
			for x := range w {
				copy(to[3*(pass.x+x*pass.dx):], line[3*x:3*x+3])
			}
			have += w
		}
	}
	return out, nil
}

// filter undoes the filters of rows (section 9).
type filter struct {
	row, above []byte // each with its filter type in front
	pixel      int    // bytes from a byte to the one of the pixel before
}

func (p *pngFile) newFilter(w int) *filter {
	bits := p.depth * p.channels()
	n := 1 + (w*bits+7)/8
	return &filter{row: make([]byte, n), above: make([]byte, n), pixel: max(1, bits/8)}
}

// next returns the next row, or false where the data end or make no sense.
func (f *filter) next(z io.Reader) ([]byte, bool) {
	f.row, f.above = f.above, f.row
	if _, err := io.ReadFull(z, f.row); err != nil {
		return nil, false
	}
	row, above, n := f.row[1:], f.above[1:], f.pixel
	switch f.row[0] {
	case 0:
	case 1:
		for i := n; i < len(row); i++ {
			row[i] += row[i-n]
		}
	case 2:
		for i, v := range above {
			row[i] += v
		}
	case 3:
		for i := range min(n, len(row)) {
			row[i] += above[i] / 2
		}
		for i := n; i < len(row); i++ {
			row[i] += byte((int(row[i-n]) + int(above[i])) / 2)
		}
	case 4:
		paeth(row, above, n)
	default:
		return nil, false
	}
	return row, true
}

// paeth adds to each byte the one of its neighbours that is nearest to left +
// above − the one between (section 9.4).
func paeth(row, above []byte, n int) {
	for i := range min(n, len(row)) {
		row[i] += above[i]
	}
	for i := n; i < len(row); i++ {
		a, b, c := int(row[i-n]), int(above[i]), int(above[i-n])
		pa, pb, pc := b-c, a-c, a+b-2*c
		pa, pb, pc = max(pa, -pa), max(pb, -pb), max(pc, -pc)
		switch {
		case pa <= pb && pa <= pc:
			row[i] += byte(a)
		case pb <= pc:
			row[i] += byte(b)
		default:
			row[i] += byte(c)
		}
	}
}

// convert turns a row into RGB on white. Of 16 bits the upper 8 are kept.
func (p *pngFile) convert(out, row []byte) {
	n := len(out) / 3
	switch {
	case p.depth < 8 || p.colour == pngIndexed:
		p.convertPacked(out, row)
	case p.depth == 16:
		p.convertWide(out, row)
	case p.colour == pngGrey:
		for x, v := range row[:n] {
			if len(p.key) >= 2 && p.key[1] == v && p.key[0] == 0 {
				v = 255
			}
			out[3*x], out[3*x+1], out[3*x+2] = v, v, v
		}
	case p.colour == pngGreyAlpha:
		for x := range n {
			v := overWhite(row[2*x], row[2*x+1])
			out[3*x], out[3*x+1], out[3*x+2] = v, v, v
		}
	case p.colour == pngRGB:
		copy(out, row[:3*n])
		if len(p.key) >= 6 {
			for x := range n {
				if c := out[3*x:][:3]; p.key[0]|p.key[2]|p.key[4] == 0 && c[0] == p.key[1] && c[1] == p.key[3] && c[2] == p.key[5] {
					fill(c, 255)
				}
			}
		}
	default:
		for x := range n {
			from, to := row[4*x:][:4], out[3*x:][:3]
			if from[3] == 255 {
				copy(to, from)
				continue
			}
			for c := range 3 {
				to[c] = overWhite(from[c], from[3])
			}
		}
	}
}

// convertPacked converts indices and grey of less than 8 bits.
func (p *pngFile) convertPacked(out, row []byte) {
	table := p.table
	if p.colour == pngGrey {
		most := 1<<p.depth - 1
		for v := range most + 1 {
			grey := byte(v * 255 / most)
			if len(p.key) >= 2 && int(binary.BigEndian.Uint16(p.key)) == v {
				grey = 255
			}
			table[v] = [3]byte{grey, grey, grey}
		}
	}
	for x := range len(out) / 3 {
		at := x * p.depth
		v := row[at/8] >> (8 - p.depth - at%8) & byte(1<<p.depth-1)
		copy(out[3*x:3*x+3], table[v][:])
	}
}

// convertWide converts channels of 16 bits.
func (p *pngFile) convertWide(out, row []byte) {
	channels := p.channels()
	size := 2 * channels
	colours := 3
	if p.colour == pngGrey || p.colour == pngGreyAlpha {
		colours = 1
	}
	for x := range len(out) / 3 {
		pixel := row[size*x:][:size]
		opacity := uint32(0xffff)
		if channels == 2 || channels == 4 {
			opacity = uint32(binary.BigEndian.Uint16(pixel[size-2:]))
		} else if len(p.key) >= size && bytes.Equal(p.key[:size], pixel) {
			opacity = 0
		}
		for c := range 3 {
			v := uint32(binary.BigEndian.Uint16(pixel[2*min(c, colours-1):]))
			out[3*x+c] = byte((v*opacity/0xffff + 0xffff - opacity) >> 8)
		}
	}
}
