package pixels

import (
	"image"

	"engram/embed/pixels/internal/simd"
)

// fromYCbCr converts an image of WebP to RGB. Chroma is brought to full resolution
// by the triangle filter that libwebp and libjpeg use, so that colours at edges are
// the same as in other software.
func fromYCbCr(out *Image, src *image.YCbCr) {
	up := newUpsampler(src)
	cb, cr := make([]byte, up.hs*up.cw), make([]byte, up.hs*up.cw)
	for y := range out.H {
		up.row(cb, src.Cb, y)
		up.row(cr, src.Cr, y)
		studioRange(out.row(y), src.Y[y*src.YStride:][:out.W], cb, cr)
	}
}

// upsampler brings rows of chroma to the width of the image, as jdsample.c of
// libjpeg-turbo does ("fancy upsampling").
type upsampler struct {
	hs, vs int      // luma samples per chroma sample, across and down
	cw, ch int      // samples per row and rows of a chroma plane
	stride int      // of the plane
	sums   []uint16 // cw+2: a row between two rows, times 4, and its neighbours beyond the ends
	plain  bool     // samples are repeated, as libjpeg does where it shrinks by 8
}

func newUpsampler(src *image.YCbCr) *upsampler {
	up := &upsampler{hs: 1, vs: 1, stride: src.CStride}
	switch src.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		up.hs = 2
	case image.YCbCrSubsampleRatio420:
		up.hs, up.vs = 2, 2
	}
	up.cw = (src.Rect.Dx() + up.hs - 1) / up.hs
	up.ch = (src.Rect.Dy() + up.vs - 1) / up.vs
	up.sums = make([]uint16, up.cw+2)
	return up
}

// row writes chroma for row y of the image to out, which has hs·cw bytes.
func (up *upsampler) row(out, plane []byte, y int) {
	i := y / up.vs
	near := plane[i*up.stride:][:up.cw]
	// The chroma row on the other side of y, which weighs a third of the near one.
	far := near
	if up.vs == 2 && !up.plain {
		if j := i - 1 + 2*(y&1); 0 <= j && j < up.ch {
			far = plane[j*up.stride:][:up.cw]
		}
	}
	switch {
	case up.hs == 1 && up.vs == 1:
		copy(out, near)
	case up.hs == 1 && !up.plain:
		bias := 1 + y&1
		for x, v := range near {
			out[x] = byte((3*int(v) + int(far[x]) + bias) >> 2)
		}
	case up.hs == 2 && up.cw > 2 && up.vs == 1 && !up.plain:
		up.double(out, near, near, 4, 8)
	case up.hs == 2 && up.cw > 2 && up.vs == 2 && !up.plain:
		up.double(out, near, far, 8, 7)
	default:
		// libjpeg repeats samples in the other cases.
		for x, v := range near {
			for k := range up.hs {
				out[up.hs*x+k] = v
			}
		}
	}
}

// double doubles a row: each sample becomes two, three quarters of itself
// and a quarter of its left or right neighbour. left and right are the rounding
// terms of libjpeg, which alternate so that the mean does not drift.
func (up *upsampler) double(out, near, far []byte, left, right uint16) {
	n := len(near)
	simd.Best().Mix(up.sums[1:n+1], near, far)
	up.sums[0], up.sums[n+1] = up.sums[1], up.sums[n] // the edge is repeated
	simd.Best().Double(out, up.sums, left, right)
}

// studioRange converts by ITU-R BT.601 with luma from 16 to 235, as WebP
// prescribes (RFC 6386, section 9.2), in the fixed point of libwebp's yuv.h.
func studioRange(out, luma, cb, cr []byte) {
	high := func(v byte, factor int32) int32 { return int32(v) * factor >> 8 }
	for x, v := range luma {
		y := high(v, 19077)
		pixel := out[3*x:][:3]
		pixel[0] = clamp8((y + high(cr[x], 26149) - 14234) >> 6)
		pixel[1] = clamp8((y - high(cb[x], 6419) - high(cr[x], 13320) + 8708) >> 6)
		pixel[2] = clamp8((y + high(cb[x], 33050) - 17685) >> 6)
	}
}

// clamp8 returns v within 0 to 255.
func clamp8(v int32) byte {
	if uint32(v) > 255 {
		return byte(^(v >> 31)) // 0 for negative v, else 255
	}
	return byte(v)
}
