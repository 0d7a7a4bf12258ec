package pixels

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// isUnsupported reports an error by which a decoder says that the file is
// well-formed and beyond it.
func isUnsupported(err error) bool {
	var inJPEG jpeg.UnsupportedError
	var inPNG png.UnsupportedError
	var inTIFF tiff.UnsupportedError
	return errors.As(err, &inJPEG) || errors.As(err, &inPNG) || errors.As(err, &inTIFF) || errors.Is(err, bmp.ErrUnsupported)
}

// isEOF reports an error by which a decoder says that the file is too short.
func isEOF(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// toRGB converts what a decoder returned, over white. studio says that YCbCr
// is in the studio range of WebP instead of the full range of JPEG.
func toRGB(src image.Image, studio bool) (*Image, error) {
	bounds := src.Bounds()
	out := newImage(bounds.Dx(), bounds.Dy())
	switch src := src.(type) {
	case *image.YCbCr:
		fromYCbCr(out, src, studio)
	case *image.NYCbCrA:
		fromYCbCr(out, &src.YCbCr, studio)
		for y := range out.H {
			row := out.row(y)
			for x, a := range src.A[y*src.AStride:][:out.W] {
				for c := range 3 {
					row[3*x+c] = overWhite(row[3*x+c], a)
				}
			}
		}
	case *image.Gray:
		for y := range out.H {
			row := out.row(y)
			for x, v := range src.Pix[y*src.Stride:][:out.W] {
				row[3*x], row[3*x+1], row[3*x+2] = v, v, v
			}
		}
	case *image.Paletted:
		fromPaletted(out, src)
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
	case *image.RGBA:
		for y := range out.H {
			row, from := out.row(y), src.Pix[y*src.Stride:]
			for x := range out.W {
				white := 255 - from[4*x+3]
				for c := range 3 {
					// Premultiplied, so the sum is at most 255.
					row[3*x+c] = from[4*x+c] + white
				}
			}
		}
	case image.RGBA64Image:
		fromWide(out, src)
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

// fromPaletted looks up colours. An index outside of the palette is black, as
// in Pillow.
func fromPaletted(out *Image, src *image.Paletted) {
	var table [256][3]byte
	for i, entry := range src.Palette {
		c := color.NRGBAModel.Convert(entry).(color.NRGBA)
		table[i] = [3]byte{overWhite(c.R, c.A), overWhite(c.G, c.A), overWhite(c.B, c.A)}
	}
	for y := range out.H {
		row := out.row(y)
		for x, i := range src.Pix[y*src.Stride:][:out.W] {
			copy(row[3*x:3*x+3], table[i][:])
		}
	}
}

// fromWide converts the colour models of 16 bits, whose upper 8 bits it keeps, and
// CMYK. RGBA64At is premultiplied, so its sum with white stays in 16 bits.
func fromWide(out *Image, src image.RGBA64Image) {
	bounds := src.Bounds()
	for y := range out.H {
		row := out.row(y)
		for x := range out.W {
			c := src.RGBA64At(bounds.Min.X+x, bounds.Min.Y+y)
			white := 0xffff - c.A
			row[3*x], row[3*x+1], row[3*x+2] = byte((c.R+white)>>8), byte((c.G+white)>>8), byte((c.B+white)>>8)
		}
	}
}
