package simd

import "unsafe"

// The constants of libjpeg's jidctint.c: cosines with 13 bits of fraction.
const (
	fix0298 = 2446  // 0.298631336
	fix0390 = 3196  // 0.390180644
	fix0541 = 4433  // 0.541196100
	fix0765 = 6270  // 0.765366865
	fix0899 = 7373  // 0.899976223
	fix1175 = 9633  // 1.175875602
	fix1501 = 12299 // 1.501321110
	fix1847 = 15137 // 1.847759065
	fix1961 = 16069 // 1.961570560
	fix2053 = 16819 // 2.053119869
	fix2562 = 20995 // 2.562915447
	fix3072 = 25172 // 3.072711026
)

func inverseDCTPortable(first *byte, stride int, block *[64]int16) {
	const (
		columnShift = 13 - 2
		rowShift    = 13 + 2 + 3
	)
	out := unsafe.Slice(first, 7*stride+8)
	var b [64]int32
	for x := range 8 {
		c0, c1, c2, c3 := int32(block[x]), int32(block[x+8]), int32(block[x+16]), int32(block[x+24])
		c4, c5, c6, c7 := int32(block[x+32]), int32(block[x+40]), int32(block[x+48]), int32(block[x+56])
		if c1|c2|c3|c4|c5|c6|c7 == 0 {
			v := c0 << 2
			b[x], b[x+8], b[x+16], b[x+24], b[x+32], b[x+40], b[x+48], b[x+56] = v, v, v, v, v, v, v, v
			continue
		}
		e0, e1, e2, e3 := evenPart(c0, c2, c4, c6)
		o0, o1, o2, o3 := oddPart(c1, c3, c5, c7)
		const round = 1 << (columnShift - 1)
		b[x], b[x+56] = (e0+o0+round)>>columnShift, (e0-o0+round)>>columnShift
		b[x+8], b[x+48] = (e1+o1+round)>>columnShift, (e1-o1+round)>>columnShift
		b[x+16], b[x+40] = (e2+o2+round)>>columnShift, (e2-o2+round)>>columnShift
		b[x+24], b[x+32] = (e3+o3+round)>>columnShift, (e3-o3+round)>>columnShift
	}
	for y := range 8 {
		in := b[8*y:][:8]
		row := out[y*stride:][:8]
		e0, e1, e2, e3 := evenPart(in[0], in[2], in[4], in[6])
		o0, o1, o2, o3 := oddPart(in[1], in[3], in[5], in[7])
		const round = 1<<(rowShift-1) + 128<<rowShift
		row[0], row[7] = clamp((e0+o0+round)>>rowShift), clamp((e0-o0+round)>>rowShift)
		row[1], row[6] = clamp((e1+o1+round)>>rowShift), clamp((e1-o1+round)>>rowShift)
		row[2], row[5] = clamp((e2+o2+round)>>rowShift), clamp((e2-o2+round)>>rowShift)
		row[3], row[4] = clamp((e3+o3+round)>>rowShift), clamp((e3-o3+round)>>rowShift)
	}
}

// evenPart and oddPart are the halves of a one-dimensional inverse DCT: sample
// i is e[i]+o[i], sample 7-i is e[i]-o[i], with 13 more bits.
func evenPart(c0, c2, c4, c6 int32) (e0, e1, e2, e3 int32) {
	z := (c2 + c6) * fix0541
	t2, t3 := z-c6*fix1847, z+c2*fix0765
	t0, t1 := (c0+c4)<<13, (c0-c4)<<13
	return t0 + t3, t1 + t2, t1 - t2, t0 - t3
}

func oddPart(c1, c3, c5, c7 int32) (o0, o1, o2, o3 int32) {
	z5 := (c7 + c3 + c5 + c1) * fix1175
	z1, z2 := -(c7+c1)*fix0899, -(c5+c3)*fix2562
	z3, z4 := z5-(c7+c3)*fix1961, z5-(c5+c1)*fix0390
	return c1*fix1501 + z1 + z4, c3*fix3072 + z2 + z3, c5*fix2053 + z2 + z4, c7*fix0298 + z1 + z3
}
