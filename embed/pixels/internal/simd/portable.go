package simd

import "unsafe"

// portable is the reference that every other implementation is tested against.
var portable = Kernels{
	Name: "portable", inverseDCT: inverseDCTPortable, toRGB: toRGBPortable, mix: mixPortable, double: doublePortable,
	across: acrossPortable, down: nil, pixels: 1, samples: 1, bytes: 1,
}

func toRGBPortable(first, luma, cb, cr *byte, n int) {
	const round = 1 << 15
	out, blue, red := unsafe.Slice(first, 3*n), unsafe.Slice(cb, n), unsafe.Slice(cr, n)
	for x, v := range unsafe.Slice(luma, n) {
		y, b, r := int32(v), int32(blue[x])-128, int32(red[x])-128
		pixel := out[3*x:][:3]
		pixel[0] = clamp(y + (91881*r+round)>>16)
		pixel[1] = clamp(y + (-22554*b-46802*r+round)>>16)
		pixel[2] = clamp(y + (116130*b+round)>>16)
	}
}

func mixPortable(first *uint16, near, far *byte, n int) {
	sums, others := unsafe.Slice(first, n), unsafe.Slice(far, n)
	for x, v := range unsafe.Slice(near, n) {
		sums[x] = 3*uint16(v) + uint16(others[x])
	}
}

func doublePortable(first *byte, all *uint16, n int, left, right uint16) {
	out, sums := unsafe.Slice(first, 2*n), unsafe.Slice(all, n+2)
	before, this := sums[0], sums[1]
	for x, next := range sums[2:] {
		pair := out[2*x:][:2]
		pair[0] = byte((3*this + before + left) >> 4)
		pair[1] = byte((3*this + next + right) >> 4)
		before, this = this, next
	}
}

// half is one half in fixed point.
const half = 1 << (Precision - 1)

// acrossPortable takes two pixels at a time, so that bounds are checked once for six
// bytes.
func acrossPortable(first, pixels *byte, from *int, rows *[]int32, n int) {
	out, starts := unsafe.Slice(first, 3*n), unsafe.Slice(from, n)
	for i, weights := range unsafe.Slice(rows, n) {
		in := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(pixels), 3*starts[i])), 3*len(weights))
		r, g, b := int32(half), int32(half), int32(half)
		for ; len(weights) >= 2; in, weights = in[6:], weights[2:] {
			p, v, w := (*[6]byte)(in), weights[0], weights[1]
			r += int32(p[0])*v + int32(p[3])*w
			g += int32(p[1])*v + int32(p[4])*w
			b += int32(p[2])*v + int32(p[5])*w
		}
		if len(weights) == 1 {
			p, v := (*[3]byte)(in), weights[0]
			r += int32(p[0]) * v
			g += int32(p[1]) * v
			b += int32(p[2]) * v
		}
		pixel := out[3*i:][:3]
		pixel[0], pixel[1], pixel[2] = clamp(r>>Precision), clamp(g>>Precision), clamp(b>>Precision)
	}
}

// downPortable adds rows up from byte first on, 256 bytes at a time and four rows at a
// time, so that the sums stay in the cache and are seldom stored.
func downPortable(out []byte, rows [][]byte, weights []int32, first int) {
	var space [256]int32
	for ; first < len(out); first += len(space) {
		part := out[first:min(first+len(space), len(out))]
		sums := space[:len(part)]
		for i := range sums {
			sums[i] = half
		}
		rows, weights := rows, weights
		for ; len(weights) >= 4; rows, weights = rows[4:], weights[4:] {
			a, b, c, d := rows[0][first:][:len(sums)], rows[1][first:][:len(sums)], rows[2][first:][:len(sums)], rows[3][first:][:len(sums)]
			wa, wb, wc, wd := weights[0], weights[1], weights[2], weights[3]
			for i := range sums {
				sums[i] += int32(a[i])*wa + int32(b[i])*wb + int32(c[i])*wc + int32(d[i])*wd
			}
		}
		for j, w := range weights {
			for i, v := range rows[j][first:][:len(sums)] {
				sums[i] += int32(v) * w
			}
		}
		for i, v := range sums {
			part[i] = clamp(v >> Precision)
		}
	}
}

// clamp returns v within 0 to 255.
func clamp(v int32) byte {
	if uint32(v) > 255 {
		return byte(^(v >> 31)) // 0 for negative v, else 255
	}
	return byte(v)
}
