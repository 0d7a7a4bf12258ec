package thumbnail

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"io"

	"engram/embed/pixels"

	"golang.org/x/image/draw"
)

// quality of JPEG: at 80 a picture of 256 pixels takes about 12 kB.
const quality = 80

// Make returns an image file as a JPEG of the same proportions whose longer side has side
// pixels at most. The error is of pixels.Decode.
func Make(ctx context.Context, r io.Reader, limits pixels.Limits, side int) ([]byte, error) {
	var file bytes.Buffer
	err := pixels.Use(ctx, r, limits, func(img *pixels.Image) error {
		w, h := fit(img.W, img.H, side)
		small := image.NewRGBA(image.Rect(0, 0, w, h))
		from := reduce(img, max(1, max(img.W, img.H)/(4*side)))
		draw.CatmullRom.Scale(small, small.Bounds(), from, from.Bounds(), draw.Src, nil)
		return jpeg.Encode(&file, small, &jpeg.Options{Quality: quality})
	})
	return file.Bytes(), err
}

// reduce returns the means of squares of by × by pixels. It takes little memory beside a
// large image, and leaves enough pixels for a good filter. Pixels at the right and lower
// edge that fill no square are left out.
func reduce(img *pixels.Image, by int) *image.RGBA {
	by = min(by, img.W, img.H)
	out := image.NewRGBA(image.Rect(0, 0, img.W/by, img.H/by))
	area := uint64(by * by)
	for y := range img.H / by {
		for x := range img.W / by {
			var sum [3]uint64
			for row := y * by; row < (y+1)*by; row++ {
				line := img.Pix[3*(row*img.W+x*by):][:3*by]
				for i := 0; i < len(line); i += 3 {
					sum[0] += uint64(line[i])
					sum[1] += uint64(line[i+1])
					sum[2] += uint64(line[i+2])
				}
			}
			at := out.PixOffset(x, y)
			for c := range sum {
				out.Pix[at+c] = uint8((sum[c] + area/2) / area)
			}
			out.Pix[at+3] = 0xff
		}
	}
	return out
}

// fit returns the size of a picture whose longer side has side pixels at most.
func fit(w, h, side int) (int, int) {
	longer := max(w, h)
	if longer <= side {
		return w, h
	}
	return max(1, (w*side+longer/2)/longer), max(1, (h*side+longer/2)/longer)
}
