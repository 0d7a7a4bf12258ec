package pixels

import (
	"context"
	"errors"
	"fmt"

	"engram/embed/pixels/avif"
)

// readAVIF returns what reads AVIF. A decode that is under way goes on where ctx
// ends: looking at it in every loop takes four times the time.
func readAVIF(ctx context.Context) reader {
	return func(data []byte) (*picture, error) {
		header, err := avif.ReadHeader(ctx, data)
		if err != nil {
			return nil, avifError("header", err)
		}
		return &picture{
			w: header.W, h: header.H, orient: header.Orientation,
			memory: func(int) int64 { return imageBytes(header.W, header.H, 1) + header.Memory() },
			decode: func(int) (out *Image, err error) {
				err = avif.Decode(ctx, data, header, func(p avif.Picture) error {
					out = fromAVIF(p)
					return nil
				})
				if err != nil {
					return nil, avifError("pixels", err)
				}
				return out, nil
			},
		}, nil
	}
}

// avifError turns an error of the codec into one of this package.
func avifError(part string, err error) error {
	if errors.Is(err, avif.ErrDecode) {
		return fmt.Errorf("the %s cannot be read (%w): %w", part, err, ErrCorrupt)
	}
	return err
}

// fromAVIF converts to RGB on white. Of 16 bits the upper 8 are kept.
func fromAVIF(p avif.Picture) *Image {
	out := newImage(p.W, p.H)
	size, step, high := 4, 1, 0
	if p.Wide {
		size, step, high = 8, 2, 1
	}
	for i := range p.W * p.H {
		pixel := p.RGBA[size*i:][:size]
		white := 255 - int(pixel[3*step+high])
		for c := range 3 {
			out.Pix[3*i+c] = byte(min(255, int(pixel[c*step+high])+white))
		}
	}
	return out
}
