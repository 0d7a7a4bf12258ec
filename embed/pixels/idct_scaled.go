package pixels

// The constants of libjpeg's jidctred.c: cosines with 13 bits of fraction.
const (
	fix0211 = 1730  // 0.211164243
	fix0509 = 4176  // 0.509795579
	fix0601 = 4926  // 0.601344887
	fix0720 = 5906  // 0.720959822
	fix0765 = 6270  // 0.765366865
	fix0850 = 6967  // 0.850430095
	fix0899 = 7373  // 0.899976223
	fix1061 = 8697  // 1.061594337
	fix1272 = 10426 // 1.272758580
	fix1451 = 11893 // 1.451774981
	fix1847 = 15137 // 1.847759065
	fix2172 = 17799 // 2.172734803
	fix2562 = 20995 // 2.562915447
	fix3624 = 29692 // 3.624509785
)

// wide returns coefficients with room for what is computed from them.
func wide(block *[64]int16) (b [64]int32) {
	for i, v := range block {
		b[i] = int32(v)
	}
	return b
}

// fourSamples is one dimension of an inverse DCT to four samples, with 14 more bits: the
// samples are a+b, c+d, c-d, a-b.
func fourSamples(v0, v1, v2, v3, v5, v6, v7 int32) (a, b, c, d int32) {
	even := v2*fix1847 - v6*fix0765
	low := v7*-fix0211 + v5*fix1451 - v3*fix2172 + v1*fix1061
	high := v7*-fix0509 - v5*fix0601 + v3*fix0899 + v1*fix2562
	return v0<<14 + even, high, v0<<14 - even, low
}

// inverseDCT4 writes 4×4 samples of a block, the image at half of its size. It is
// jpeg_idct_4x4 of libjpeg's jidctred.c to the bit.
func inverseDCT4(out []byte, stride int, block *[64]int16) {
	const columnShift, rowShift = 13 - 2 + 1, 13 + 2 + 3 + 1
	b := wide(block)
	for x := range 8 {
		if x == 4 {
			continue // this column is not looked at
		}
		if b[x+8]|b[x+16]|b[x+24]|b[x+40]|b[x+48]|b[x+56] == 0 {
			v := b[x] << 2
			b[x], b[x+8], b[x+16], b[x+24] = v, v, v, v
			continue
		}
		e0, o0, e1, o1 := fourSamples(b[x], b[x+8], b[x+16], b[x+24], b[x+40], b[x+48], b[x+56])
		const round = 1 << (columnShift - 1)
		b[x], b[x+24] = (e0+o0+round)>>columnShift, (e0-o0+round)>>columnShift
		b[x+8], b[x+16] = (e1+o1+round)>>columnShift, (e1-o1+round)>>columnShift
	}
	for y := range 4 {
		in := b[8*y:][:8]
		row := out[y*stride:][:4]
		e0, o0, e1, o1 := fourSamples(in[0], in[1], in[2], in[3], in[5], in[6], in[7])
		const round = 1<<(rowShift-1) + 128<<rowShift
		row[0], row[3] = clamp8((e0+o0+round)>>rowShift), clamp8((e0-o0+round)>>rowShift)
		row[1], row[2] = clamp8((e1+o1+round)>>rowShift), clamp8((e1-o1+round)>>rowShift)
	}
}

// inverseDCT2 writes 2×2 samples of a block, the image at a quarter of its size. It
// is jpeg_idct_2x2 of libjpeg's jidctred.c to the bit.
func inverseDCT2(out []byte, stride int, block *[64]int16) {
	const columnShift, rowShift = 13 - 2 + 2, 13 + 2 + 3 + 2
	b := wide(block)
	odd := func(v1, v3, v5, v7 int32) int32 {
		return v7*-fix0720 + v5*fix0850 - v3*fix1272 + v1*fix3624
	}
	for _, x := range [5]int{0, 1, 3, 5, 7} {
		if b[x+8]|b[x+24]|b[x+40]|b[x+56] == 0 {
			b[x], b[x+8] = b[x]<<2, b[x]<<2
			continue
		}
		e, o := b[x]<<15, odd(b[x+8], b[x+24], b[x+40], b[x+56])
		const round = 1 << (columnShift - 1)
		b[x], b[x+8] = (e+o+round)>>columnShift, (e-o+round)>>columnShift
	}
	for y := range 2 {
		in := b[8*y:][:8]
		e, o := in[0]<<15, odd(in[1], in[3], in[5], in[7])
		const round = 1<<(rowShift-1) + 128<<rowShift
		out[y*stride], out[y*stride+1] = clamp8((e+o+round)>>rowShift), clamp8((e-o+round)>>rowShift)
	}
}
