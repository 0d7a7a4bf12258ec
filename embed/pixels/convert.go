package pixels

import (
	"fmt"
	"image"
)

// toRGB converts what the decoder of WebP returned, over white.
func toRGB(src image.Image) (*Image, error) {
	bounds := src.Bounds()
	out := newImage(bounds.Dx(), bounds.Dy())
	switch src := src.(type) {
	case *image.YCbCr:
		fromYCbCr(out, src)
	case *image.NYCbCrA:
		fromYCbCr(out, &src.YCbCr)
		for y := range out.H {
			row := out.row(y)
			for x, a := range src.A[y*src.AStride:][:out.W] {
				for c := range 3 {
					row[3*x+c] = overWhite(row[3*x+c], a)
				}
			}
		}
	case *image.NRGBA:
		for y := range out.H {
			row, from := out.row(y), src.Pix[y*src.Stride:]
			for x := range out.W {
				a := from[4*x+3]
				for c := range 3 {
					row[3*x+c] = overWhite(from[4*x+c], a)
				}
			}
		}
	default:
		return nil, fmt.Errorf("colour model %T: %w", src, ErrFormat)
	}
	return out, nil
}

// row returns the 3·W bytes of row y.
func (m *Image) row(y int) []byte { return m.Pix[3*y*m.W : 3*(y+1)*m.W] }

// overWhite puts a value of opacity a on white, rounded to nearest.
func overWhite(v, a byte) byte {
	return byte((int(v)*int(a) + 255*(255-int(a)) + 127) / 255)
}

// fromCMYK converts ink that is stored inverted, as Adobe's programs store it, in
// the fixed point of Pillow's Convert.c.
func fromCMYK(out []byte, c, m, y, k byte) {
	for i, v := range [3]byte{c, m, y} {
		t := int(255-v)*int(k) + 128
		out[i] = k - byte((t>>8+t)>>8)
	}
}
