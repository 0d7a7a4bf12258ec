package pixels

import "encoding/binary"

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
		d.hasQuant[table] = true
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
