package avif

import (
	"context"
	"fmt"
)

// Picture is a decoded image: 4·W·H bytes of R, G, B and opacity or, where Wide is
// set, little-endian numbers of 16 bits. The colours are premultiplied by the opacity.
type Picture struct {
	W, H int
	RGBA []byte
	Wide bool
}

// Header is what the header of a file says.
type Header struct {
	W, H        int  // before the image is turned
	Orientation int  // EXIF orientation that says how to turn it
	Wide        bool // more than 8 bits
}

// ReadHeader reads the header of a file. Of a sequence the first image counts.
func ReadHeader(ctx context.Context, data []byte) (Header, error) {
	i, err := open(ctx, data)
	if err != nil {
		return Header{}, err
	}
	defer i.close()
	return i.header(data)
}

// header asks the module for the header.
func (i *instance) header(data []byte) (Header, error) {
	out := i.alloc(outSize)
	i.decode(true, out, 0)
	found := i.numbers(out, 3)
	if i.err != nil {
		return Header{}, i.err
	}
	return Header{W: found[0], H: found[1], Orientation: readProperties(data).orientation(), Wide: found[2] > 8}, nil
}

// outSize is what the module writes beside pixels: width, height, depth and number
// of images, of 32 bits each, and a duration.
const outSize = 4*4 + 8

// decode calls the module's decoder, which writes what it found to out and the first
// image to pixels.
func (i *instance) decode(headerOnly bool, out, pixels uint64) {
	header := uint64(0)
	if headerOnly {
		header = 1
	}
	i.call("decode", i.file, i.size, header, 0, out, out+4, out+8, out+12, out+16, pixels)
}

// bytesPerPixel returns the size of a pixel of a Picture.
func (h Header) bytesPerPixel() int64 {
	if h.Wide {
		return 8
	}
	return 4
}

// Memory returns about how many bytes Decode takes. An instance grew to 21 bytes a
// pixel for a photo of 12 megapixels and 8 bits.
func (h Header) Memory() int64 { return (22 + 4*(h.bytesPerPixel()-4)) * int64(h.W) * int64(h.H) }

// Decode decodes a file whose header was read, and calls use with the image, whose
// memory ends with the call. It fails with ErrDecode where an instance has not enough
// memory, 2 GiB.
func Decode(ctx context.Context, data []byte, h Header, use func(Picture) error) error {
	if h.Memory() > maxMemory<<16 {
		return fmt.Errorf("%d×%d pixels take more memory than there is: %w", h.W, h.H, ErrDecode)
	}
	i, err := open(ctx, data)
	if err != nil {
		return err
	}
	defer i.close()
	found, err := i.header(data)
	if err != nil {
		return err
	}
	if found != h {
		return fmt.Errorf("the header says %v, then %v: %w", h, found, ErrDecode)
	}
	size := h.bytesPerPixel() * int64(h.W) * int64(h.H)
	out, pixels := i.alloc(outSize), i.alloc(uint64(size))
	// The decoder reports success of a file that it gave up too, and then leaves the
	// duration as it was.
	const durationAt, unset = 16, 1<<64 - 1
	if i.err == nil && !i.module.Memory().WriteUint64Le(uint32(out)+durationAt, unset) {
		return ErrDecode
	}
	i.decode(false, out, pixels)
	if v, ok := i.module.Memory().ReadUint64Le(uint32(out) + durationAt); i.err == nil && (!ok || v == unset) {
		return ErrDecode
	}
	p := Picture{W: h.W, H: h.H, Wide: h.Wide, RGBA: i.bytes(pixels, int(size))}
	if i.err != nil {
		return i.err
	}
	return use(p)
}
