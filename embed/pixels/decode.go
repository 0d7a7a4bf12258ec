package pixels

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"engram/data/images"
)

// picture is an image file whose header has been read.
type picture struct {
	w, h  int
	least int64 // bytes that a whole file of so many pixels has at least
	meta  metadata
	// orient is the EXIF orientation that the container says; 0 leaves it to meta.
	orient int
	// memory returns the bytes that decode takes at its peak, its result included.
	memory func(shrink int) int64
	// decode returns the image, before it is turned. Where scales is set it returns
	// one that is divided by shrink along both sides, rounded up.
	decode func(shrink int) (*Image, error)
	scales bool
}

// imageBytes is what an image of w×h pixels takes that is divided by shrink.
func imageBytes(w, h, shrink int) int64 {
	return 3 * int64(divideUp(w, shrink)) * int64(divideUp(h, shrink))
}

// reader reads a file up to its pixels.
type reader func(data []byte) (*picture, error)

// readerOf returns what reads files of a kind, or nil.
func readerOf(ctx context.Context, kind images.Kind) reader {
	switch kind {
	case images.JPEG:
		return readJPEG
	case images.PNG:
		return readPNG
	case images.GIF:
		return readGIF
	case images.WebP:
		return readWebP
	case images.BMP:
		return readBMP
	case images.TIFF:
		return readTIFF
	case images.AVIF:
		return readAVIF(ctx)
	}
	return nil
}

// DecodeFile reads an image file by its path. See Decode.
func DecodeFile(ctx context.Context, path string, limits Limits) (*Image, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	img, err := Decode(ctx, file, limits)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return img, nil
}

// Decode reads an image file: JPEG (grey, colour, CMYK; baseline and
// progressive), PNG, WebP (lossy and lossless), GIF, BMP, TIFF or AVIF. Of
// several frames or pages the first counts. The format is told by the content, never by a name.
//
// The image is turned upright by its EXIF orientation, transparent pixels are
// put on white, grey is repeated in the three channels, of 16 bits the upper 8
// are kept, and colour profiles are not applied. An image of more than 64 Mi pixels
// is divided by 2, 4 or 8 along both sides while it is decoded.
//
// The error wraps ErrFormat, ErrTooLarge, ErrCorrupt or ErrBusy, or is r's own or
// the context's.
func Decode(ctx context.Context, r io.Reader, limits Limits) (*Image, error) {
	var out *Image
	err := Use(ctx, r, limits, func(img *Image) error {
		out = img
		return nil
	})
	return out, err
}

// Use decodes like Decode and calls use with the image. The image counts in
// limits.Budget until use returns, so that the images in use are bounded too.
func Use(ctx context.Context, r io.Reader, limits Limits, use func(*Image) error) error {
	limits = limits.withDefaults()
	data, err := io.ReadAll(io.LimitReader(r, limits.Bytes+1))
	if err != nil {
		return fmt.Errorf("pixels: %w", err)
	}
	if int64(len(data)) > limits.Bytes {
		return fmt.Errorf("pixels: file has more than %d bytes, the limit: %w", limits.Bytes, ErrTooLarge)
	}
	kind := images.Sniff(data[:min(len(data), images.SniffLen)])
	read := readerOf(ctx, kind)
	if read == nil {
		return fmt.Errorf("pixels: %w", notAnImage(kind, data))
	}
	img, held, err := open(ctx, data, read, limits)
	if err != nil {
		return fmt.Errorf("pixels: %s: %w", kind, err)
	}
	defer held.keep(0)
	return use(img)
}

// notAnImage says what a file is that is not decoded.
func notAnImage(kind images.Kind, data []byte) error {
	const wanted = "wanted JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF"
	switch {
	case kind == images.Empty:
		return fmt.Errorf("file is empty, %s: %w", wanted, ErrFormat)
	case kind.Advice() != "":
		return fmt.Errorf("file is %s, %s (%s): %w", kind, wanted, kind.Advice(), ErrFormat)
	case kind != images.Unknown:
		return fmt.Errorf("file is %s, %s: %w", kind, wanted, ErrFormat)
	}
	return fmt.Errorf("file starts with %q, %s: %w", data[:min(len(data), 12)], wanted, ErrFormat)
}

// open checks the size that the header claims, waits for memory, decodes, and turns
// upright.
func open(ctx context.Context, data []byte, read reader, limits Limits) (*Image, *lease, error) {
	p, err := read(data)
	if err != nil {
		return nil, nil, err
	}
	if err := p.check(len(data), limits); err != nil {
		return nil, nil, err
	}
	shrink := p.shrink(limits)
	orientation := p.orient
	if orientation == 0 {
		orientation = p.meta.orientation()
	}
	decoded := 1
	if p.scales {
		decoded = shrink
	}
	memory := p.memory(decoded)
	if orientation != 1 || decoded != shrink {
		memory += imageBytes(p.w, p.h, shrink)
	}
	held, err := limits.Budget.take(ctx, memory, limits.Patience)
	if err != nil {
		return nil, nil, err
	}
	img, err := p.decode(decoded)
	if err != nil {
		held.keep(0)
		return nil, nil, err
	}
	img = img.shrunk(shrink / decoded).turn(orientation)
	held.keep(int64(len(img.Pix)))
	return img, held, nil
}

// check refuses what is above the limits, and a header that claims more than the
// file can hold. A file that ends early is decoded where it has half of its pixels.
func (p *picture) check(size int, limits Limits) error {
	w, h := int64(p.w), int64(p.h)
	switch {
	case w < 1 || h < 1:
		return fmt.Errorf("header says %d×%d pixels: %w", w, h, ErrCorrupt)
	case w > limits.Pixels/h:
		return fmt.Errorf("header says %d×%d pixels, the limit is %d: %w", w, h, limits.Pixels, ErrTooLarge)
	case w > maxSide || h > maxSide:
		return fmt.Errorf("header says %d×%d pixels, the limit is %d per side: %w", w, h, maxSide, ErrTooLarge)
	case p.least/2 > int64(size):
		return fmt.Errorf("header says %d×%d pixels, which take at least %d bytes, the file has %d: %w", w, h, p.least, size, ErrCorrupt)
	}
	return nil
}

// shrink returns what the sides of the image are divided by: 1 up to limits.whole
// pixels, else 2, 4 or 8.
func (p *picture) shrink(limits Limits) int {
	shrink := 1
	for shrink < 8 && imageBytes(p.w, p.h, shrink) > 3*limits.whole {
		shrink *= 2
	}
	return shrink
}

// external turns an error of a decoder of another module into one of this package.
func external(part string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("file ends within the %s: %w", part, ErrCorrupt)
	}
	return fmt.Errorf("the %s cannot be read (%w): %w", part, err, ErrCorrupt)
}
