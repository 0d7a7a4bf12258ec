package pixels

import "engram/embed/pixels/internal/simd"

// rgb converts the planes to RGB.
func (d *jpegDecoder) rgb(shrink int) *Image {
	out := newImage(divideUp(d.w, shrink), divideUp(d.h, shrink))
	lines := make([][]byte, len(d.comps))
	ups := make([]*upsampler, len(d.comps))
	for i := range d.comps {
		c := &d.comps[i]
		up := &upsampler{
			hs: d.hmax * 8 / shrink / (c.h * c.dct), vs: d.vmax * 8 / shrink / (c.v * c.dct),
			cw: divideUp(d.w*c.h*c.dct, d.hmax*8), ch: divideUp(d.h*c.v*c.dct, d.vmax*8),
			stride: c.stride, plain: shrink == 8,
		}
		up.sums = make([]uint16, up.cw+2)
		ups[i], lines[i] = up, make([]byte, up.hs*up.cw)
	}
	convert := d.conversion()
	for y := range out.H {
		for i := range d.comps {
			if up := ups[i]; up.hs == 1 && up.vs == 1 {
				lines[i] = d.comps[i].plane[y*up.stride:][:out.W]
			} else {
				up.row(lines[i], d.comps[i].plane, y)
			}
		}
		convert(out.row(y), lines)
	}
	return out
}

// conversion returns what turns lines of channels into RGB. Which colours three or
// four channels are is guessed as libjpeg does (jdapimin.c).
func (d *jpegDecoder) conversion() func(out []byte, lines [][]byte) {
	switch len(d.comps) {
	case 1:
		return func(out []byte, lines [][]byte) {
			for x, v := range lines[0][:len(out)/3] {
				out[3*x], out[3*x+1], out[3*x+2] = v, v, v
			}
		}
	case 3:
		rgb := d.comps[0].id == 'R' && d.comps[1].id == 'G' && d.comps[2].id == 'B'
		if d.adobe >= 0 {
			rgb = d.adobe == 0
		}
		if d.isRGB || rgb && !d.jfif {
			return func(out []byte, lines [][]byte) {
				for x := range len(out) / 3 {
					out[3*x], out[3*x+1], out[3*x+2] = lines[0][x], lines[1][x], lines[2][x]
				}
			}
		}
		return func(out []byte, lines [][]byte) { simd.Best().ToRGB(out, lines[0][:len(out)/3], lines[1], lines[2]) }
	}
	const ycck = 2
	return func(out []byte, lines [][]byte) {
		if d.adobe == ycck {
			simd.Best().ToRGB(out, lines[0][:len(out)/3], lines[1], lines[2])
			for x := range len(out) / 3 {
				p := out[3*x:][:3]
				fromCMYK(p, 255-p[0], 255-p[1], 255-p[2], lines[3][x])
			}
			return
		}
		for x := range len(out) / 3 {
			fromCMYK(out[3*x:][:3], lines[0][x], lines[1][x], lines[2][x], lines[3][x])
		}
	}
}
