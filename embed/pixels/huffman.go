package pixels

import "encoding/binary"

// lookBits is the number of bits that the tables of huffman look ahead: 5 % of the
// coefficients of photos do not fit into 10, and tables for 12 crowd the cache.
const lookBits = 11

// huffman is a Huffman table of a JPEG (ITU-T T.81, annex C and F.2.2).
type huffman struct {
	valid bool
	// short[next bits] is length<<8 | symbol of codes up to lookBits long, or 0.
	short [1 << lookBits]uint16
	// whole[next bits] holds a code and the number behind it where both fit:
	// number<<16 | step<<8 | length of both, or 0. The step is the run of zeros and the
	// number itself, or endOfBlock. For AC tables.
	whole   [1 << lookBits]int32
	symbols [256]byte
	// Of codes of n bits: the largest one, left-aligned in 16 bits, plus one
	// step, and what turns a code into an index of symbols.
	limit  [18]uint32
	offset [17]int32
}

// build fills the table from the counts of codes of each length and the
// symbols in order of code. It reports false for counts that are no code.
func (t *huffman) build(counts, symbols []byte) bool {
	*t = huffman{}
	copy(t.symbols[:], symbols)
	code, index := uint32(0), int32(0)
	for n := 1; n <= 16; n++ {
		t.offset[n] = index - int32(code)
		for range counts[n-1] {
			if code>>n != 0 {
				return false
			}
			if n <= lookBits {
				first := code << (lookBits - n)
				for i := range uint32(1) << (lookBits - n) {
					t.short[first+i] = uint16(n)<<8 | uint16(t.symbols[index])
				}
			}
			code++
			index++
		}
		t.limit[n] = code << (16 - n)
		if code > 1<<n {
			return false
		}
		code <<= 1
	}
	t.limit[17] = 1 << 31
	for i := range t.whole {
		length, symbol := int(t.short[i]>>8), int(t.short[i]&255)
		run, size := symbol>>4, symbol&15
		switch {
		case length == 0 || length+size > lookBits:
		case symbol == 0:
			t.whole[i] = endOfBlock<<8 | int32(length)
		case size > 0:
			number := i >> (lookBits - length - size) & (1<<size - 1)
			t.whole[i] = extend(int32(number), size)<<16 | int32(run+1)<<8 | int32(length+size)
		}
	}
	t.valid = true
	return true
}

// extend turns size bits into the signed number that they stand for (F.2.2.1).
func extend(bits int32, size int) int32 {
	if bits < 1<<size>>1 {
		bits += -1<<size + 1
	}
	return bits
}

// zigzag maps the order of coefficients in a file to rows of 8 (figure A.6).
var zigzag = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10,
	17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34,
	27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36,
	29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46,
	53, 60, 61, 54, 47, 55, 62, 63,
}

// bitReader reads the bits of an entropy-coded segment. Where the segment ends
// it goes on with zeros; where n is below pad, some were used.
type bitReader struct {
	data []byte
	pos  int
	acc  uint64 // the next bits, from the top
	n    int    // how many of acc count
	pad  int    // how many of those are beyond the segment
}

// plain returns the next eight bytes, where there are so many and none is 0xff: that
// is, where the complement has no zero byte.
func plain(data []byte, pos int) (next uint64, ok bool) {
	if pos+8 > len(data) {
		return 0, false
	}
	next = binary.BigEndian.Uint64(data[pos:])
	c := ^next
	return next, (c-0x0101010101010101)&^c&0x8080808080808080 == 0
}

// refill makes n at least 48.
func (r *bitReader) refill() {
	if next, ok := plain(r.data, r.pos); ok {
		r.acc |= next >> r.n
		r.pos += (63 - r.n) >> 3
		r.n |= 56
		return
	}
	// The plain refill may have left bits below the first n.
	r.acc &= ^uint64(0) << (64 - r.n)
	for r.n <= 48 {
		var b byte
		switch {
		case r.pos < len(r.data) && r.data[r.pos] != 0xff:
			b = r.data[r.pos]
			r.pos++
		case r.pos+1 < len(r.data) && r.data[r.pos+1] == 0:
			b = 0xff
			r.pos += 2
		default:
			r.pad += 8
		}
		r.acc |= uint64(b) << (56 - r.n)
		r.n += 8
	}
}

// symbol reads a code, or -1 where the bits are none. At least 16 bits count.
func (r *bitReader) symbol(t *huffman) int {
	if e := t.short[r.acc>>(64-lookBits)]; e != 0 {
		r.acc <<= e >> 8
		r.n -= int(e >> 8)
		return int(e & 255)
	}
	next := uint32(r.acc >> 48)
	length := lookBits + 1
	for next >= t.limit[length] {
		length++
	}
	if length > 16 {
		return -1
	}
	index := t.offset[length] + int32(next>>(16-length))
	r.acc <<= length
	r.n -= length
	return int(t.symbols[index&255])
}

// number reads a signed number of size bits, 0 to 15.
func (r *bitReader) number(size int) int32 {
	bits := int32(r.acc >> 1 >> (63 - size))
	r.acc <<= size
	r.n -= size
	return extend(bits, size)
}

// endOfBlock stands for the step in an entry of whole that says that the rest of the
// block is zeros.
const endOfBlock = 0x80

// block reads a block of a channel (F.2.2), dequantised and in rows of 8, into one
// of zeros. last is the largest place in zig-zag order that is not zero, or larger; it
// is 0 only where that is so. A coefficient of more than 16 bits, which only damage
// makes, keeps the lower ones.
func (r *bitReader) block(block *[64]int16, c *jpegComponent) (last int, ok bool) {
	if r.n < 32 {
		r.refill()
	}
	size := r.symbol(c.dc)
	if size < 0 || size > 15 {
		return 0, false
	}
	c.last += r.number(size)
	block[0] = int16(c.last * c.quant[0])
	for ok = true; ok && last < 63; {
		var end bool
		if last, end = r.coefficients(block, c, last); end {
			return last & 63, last == 63 || last >= endOfBlock
		}
		last, end, ok = r.coefficient(block, c, last)
		if end {
			break
		}
	}
	return last, ok
}

// coefficients reads coefficients whose codes and numbers are in the table, as most
// are, behind place k. It returns the place of the last one. Where that ends the block
// it is 63 or endOfBlock plus the place; above 63 otherwise the file is damaged.
func (r *bitReader) coefficients(block *[64]int16, c *jpegComponent, k int) (last int, end bool) {
	table, quant := &c.ac.whole, c.quant
	acc, n, pos := r.acc, r.n, r.pos // in registers
	for {
		if next, ok := plain(r.data, pos); ok {
			acc |= next >> uint(n&63)
			pos += (63 - n) >> 3
			n |= 56
		} else {
			r.acc, r.n, r.pos = acc, n, pos
			r.refill()
			acc, n, pos = r.acc, r.n, r.pos
		}
		// So many fit into what a refill brings. A branch for each of them would be
		// mispredicted.
		for range 48 / lookBits {
			e := table[acc>>(64-lookBits)]
			if e == 0 {
				r.acc, r.n, r.pos = acc, n, pos
				return k, false
			}
			acc <<= uint(e & 63)
			n -= int(e & 63)
			k += int(e >> 8 & 255)
			if k >= 63 {
				r.acc, r.n, r.pos = acc, n, pos
				if k == 63 {
					block[63] = int16(e >> 16 * quant[63])
				}
				return k, true
			}
			block[zigzag[k&63]&63] = int16(e >> 16 * quant[k&63])
		}
	}
}

// coefficient reads one coefficient behind place k and returns its own.
func (r *bitReader) coefficient(block *[64]int16, c *jpegComponent, k int) (last int, end, ok bool) {
	if r.n < 32 {
		r.refill()
	}
	symbol := r.symbol(c.ac)
	if symbol < 0 {
		return 0, false, false
	}
	run, size := symbol>>4, symbol&15
	switch {
	case size > 0:
		if k += run + 1; k > 63 {
			return 0, false, false
		}
		block[zigzag[k]&63] = int16(r.number(size) * c.quant[k])
		return k, false, true
	case run == 15: // sixteen zeros
		return k + 16, false, true
	}
	return k, true, run == 0 // the rest is zeros; other runs belong to progressive files
}
