package pixels

import (
	"encoding/binary"
	"fmt"
)

// gifFile is the first frame of a GIF (GIF89a specification). It is read as
// giflib and browsers read it: the frame may be larger than the screen, which
// then grows; the data may go on behind the last pixel; and what ends a block or
// the file may be missing.
type gifFile struct {
	w, h        int // of the screen
	x, y        int // of the frame
	fw, fh      int
	interlaced  bool
	palette     []byte // 3 bytes each; nil: indices are grey, as in Pillow
	transparent int    // index, or -1
	codeSize    int    // bits of an index
	data        []byte // from the first block of the frame's codes on
}

// readGIF reads a file up to the pixels of its first frame.
func readGIF(data []byte) (*picture, error) {
	early := fmt.Errorf("file ends within the header: %w", ErrCorrupt)
	if len(data) < 13 {
		return nil, early
	}
	g := &gifFile{w: int(binary.LittleEndian.Uint16(data[6:])), h: int(binary.LittleEndian.Uint16(data[8:])), transparent: -1}
	rest := data[13:]
	takePalette := func(flags byte) {
		if n := 3 << (flags&7 + 1); flags&0x80 != 0 {
			n = min(n, len(rest))
			g.palette, rest = rest[:n], rest[n:]
		}
	}
	takePalette(data[10])
	for len(rest) > 0 && rest[0] != ',' {
		kind := rest[0]
		rest = rest[1:]
		if kind == ';' {
			return nil, fmt.Errorf("no frame: %w", ErrCorrupt)
		}
		if kind != '!' || len(rest) == 0 {
			continue // a stray byte between blocks
		}
		const control = 0xf9
		if rest[0] == control && len(rest) >= 6 && rest[2]&1 != 0 {
			g.transparent = int(rest[5])
		}
		rest = skipBlocks(rest[1:])
	}
	if len(rest) < 11 {
		return nil, early
	}
	frame := rest[1:]
	g.x, g.y = int(binary.LittleEndian.Uint16(frame)), int(binary.LittleEndian.Uint16(frame[2:]))
	g.fw, g.fh = int(binary.LittleEndian.Uint16(frame[4:])), int(binary.LittleEndian.Uint16(frame[6:]))
	g.interlaced = frame[8]&0x40 != 0
	rest = frame[9:]
	takePalette(frame[8])
	if len(rest) == 0 {
		return nil, early
	}
	if g.codeSize = int(rest[0]); g.codeSize < 1 || g.codeSize > 11 {
		return nil, fmt.Errorf("indices of %d bits, wanted 1 to 11: %w", g.codeSize, ErrCorrupt)
	}
	g.data = rest[1:]
	g.w, g.h = max(g.w, g.x+g.fw), max(g.h, g.y+g.fh)
	return &picture{
		w: g.w, h: g.h,
		least: int64(g.fw) * int64(g.fh) / 4096, // a code of 12 bits stands for fewer than 4096 pixels
		memory: func(int) int64 {
			return imageBytes(g.w, g.h, 1) + int64(g.fw)*int64(g.fh)
		},
		decode: g.decode,
	}, nil
}

// skipBlocks skips blocks up to the empty one that ends them.
func skipBlocks(b []byte) []byte {
	for len(b) > 0 {
		n := int(b[0])
		b = b[min(1+n, len(b)):]
		if n == 0 {
			break
		}
	}
	return b
}

// decode puts the frame on a white screen.
func (g *gifFile) decode(int) (*Image, error) {
	indices := g.indices()
	if err := enough(len(indices), g.fw*g.fh, "pixels"); err != nil {
		return nil, err
	}
	var table [256][3]byte
	for i := range table {
		switch {
		case i == g.transparent:
			table[i] = [3]byte{255, 255, 255}
		case g.palette == nil:
			table[i] = [3]byte{byte(i), byte(i), byte(i)}
		case 3*i+3 <= len(g.palette):
			table[i] = [3]byte(g.palette[3*i:])
		}
	}
	out := newImage(g.w, g.h)
	fill(out.Pix, 255)
	out.Incomplete = len(indices) < g.fw*g.fh
	for _, y := range g.order() {
		line := out.row(g.y + y)[3*g.x:][:3*g.fw]
		n := min(g.fw, len(indices))
		for x, v := range indices[:n] {
			copy(line[3*x:3*x+3], table[v][:])
		}
		fill(line[3*n:], missing)
		indices = indices[n:]
	}
	return out, nil
}

// order returns the rows of the frame in the order of the file. An interlaced one
// has every eighth row from 0, then from 4, every fourth from 2, every second from
// 1 (appendix E).
func (g *gifFile) order() []int {
	order := make([]int, 0, g.fh)
	passes := [][2]int{{0, 1}}
	if g.interlaced {
		passes = [][2]int{{0, 8}, {4, 8}, {2, 4}, {1, 2}}
	}
	for _, pass := range passes {
		for y := pass[0]; y < g.fh; y += pass[1] {
			order = append(order, y)
		}
	}
	return order
}

// indices decodes LZW (appendix F) until the frame is full or the data end or make
// no sense.
func (g *gifFile) indices() []byte {
	const most = 1 << 12
	var prefix [most]int16
	var suffix, stack [most + 1]byte
	clearCode := 1 << g.codeSize
	next, width, last := clearCode+2, g.codeSize+1, -1
	first := byte(0)
	for i := range clearCode {
		suffix[i] = byte(i)
	}
	want := g.fw * g.fh
	out := make([]byte, 0, want)
	codes := lzwCodes{blocks: g.data}
	for len(out) < want {
		code, ok := codes.next(width)
		switch {
		case !ok || code == clearCode+1:
			return out
		case code == clearCode:
			next, width, last = clearCode+2, g.codeSize+1, -1
			continue
		case code > next || code == next && last < 0 || last < 0 && code > clearCode:
			return out
		}
		n, at := 0, code
		if code == next { // the sequence that is under way and its own first index
			stack[0], n, at = first, 1, last
		}
		for ; at >= clearCode && n < most; n++ {
			stack[n] = suffix[at]
			at = int(prefix[at])
		}
		first = suffix[at]
		stack[n] = first
		for ; n >= 0 && len(out) < want; n-- {
			out = append(out, stack[n])
		}
		if last >= 0 && next < most {
			prefix[next], suffix[next] = int16(last), first
			if next++; next == 1<<width && width < 12 {
				width++
			}
		}
		last = code
	}
	return out
}

// lzwCodes reads codes from blocks.
type lzwCodes struct {
	blocks []byte
	block  []byte // what is left of the one being read
	acc    uint32
	n      int // bits in acc
}

func (c *lzwCodes) next(width int) (code int, ok bool) {
	for c.n < width {
		if len(c.block) == 0 {
			if len(c.blocks) == 0 || c.blocks[0] == 0 {
				return 0, false
			}
			n := min(1+int(c.blocks[0]), len(c.blocks))
			c.block, c.blocks = c.blocks[1:n], c.blocks[n:]
			continue
		}
		c.acc |= uint32(c.block[0]) << c.n
		c.block = c.block[1:]
		c.n += 8
	}
	code = int(c.acc & (1<<width - 1))
	c.acc >>= width
	c.n -= width
	return code, true
}
