package pixels

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"strings"

	"github.com/bep/imagemeta"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// format is one of the file formats that Decode reads.
type format struct {
	name   string
	magics []string // what a file starts with; '?' stands for any byte
	config func(io.Reader) (image.Config, error)
	decode func(data []byte) (image.Image, error)
	exif   imagemeta.ImageFormat // ImageFormatAuto: the format has no EXIF
	// least is a lower bound of the bytes of a file of w×h pixels, so that a
	// header which claims more than the file can hold is refused before memory
	// is taken.
	least func(w, h int64) int64
}

// formats returns what Decode reads.
func formats() []format {
	return []format{
		{"jpeg", []string{"\xff\xd8\xff"}, jpeg.DecodeConfig, decodeJPEG, imagemeta.JPEG, leastJPEG},
		{"png", []string{"\x89PNG\r\n\x1a\n"}, png.DecodeConfig, from(png.Decode), imagemeta.PNG, leastDeflate},
		{"gif", []string{"GIF87a", "GIF89a"}, gif.DecodeConfig, decodeGIF, imagemeta.ImageFormatAuto, leastGIF},
		{"webp", []string{"RIFF????WEBP"}, webp.DecodeConfig, from(webp.Decode), imagemeta.WebP, leastWebP},
		{"bmp", []string{"BM"}, bmp.DecodeConfig, from(bmp.Decode), imagemeta.ImageFormatAuto, leastBMP},
		{"tiff", []string{"II*\x00", "MM\x00*"}, tiff.DecodeConfig, decodeTIFF, imagemeta.TIFF, leastTIFF},
	}
}

// leastJPEG: a block of 8×8 pixels takes a bit.
func leastJPEG(w, h int64) int64 { return w / 8 * (h / 8) / 8 }

// leastDeflate: a byte becomes at most 1032, of eight pixels each.
func leastDeflate(w, h int64) int64 { return w * h / (8 * 1032) }

// leastGIF: an LZW code of 12 bits stands for fewer than 4096 pixels.
func leastGIF(w, h int64) int64 { return w * h / 4096 }

// leastWebP: lossless WebP codes an image of one colour in no bits at all.
func leastWebP(_, _ int64) int64 { return 0 }

// leastBMP: a byte is at most eight pixels.
func leastBMP(w, h int64) int64 { return w * h / 8 }

// leastTIFF: of the compressions, fax codes a row in at least one bit.
func leastTIFF(w, h int64) int64 { return min(leastDeflate(w, h), h/8) }

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
// progressive), PNG, WebP (lossy and lossless, one frame), GIF (the first
// frame), BMP or TIFF (the first page). The format is told by the content,
// never by a name.
//
// The image is turned upright by its EXIF orientation, transparent pixels are
// put on white, grey is repeated in the three channels, of 16 bits the upper 8
// are kept, and colour profiles are not applied.
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
	f, err := sniff(data)
	if err != nil {
		return fmt.Errorf("pixels: %w", err)
	}
	img, held, err := f.open(ctx, data, limits)
	if err != nil {
		return fmt.Errorf("pixels: %s: %w", f.name, err)
	}
	defer held.keep(0)
	return use(img)
}

// from lets a decoder of streams decode a file in memory.
func from(decode func(io.Reader) (image.Image, error)) func([]byte) (image.Image, error) {
	return func(data []byte) (image.Image, error) { return decode(bytes.NewReader(data)) }
}

// sniff tells the format by the first bytes.
func sniff(data []byte) (format, error) {
	for _, f := range formats() {
		for _, magic := range f.magics {
			if matches(data, magic) {
				return f, nil
			}
		}
	}
	if len(data) == 0 {
		return format{}, fmt.Errorf("file is empty, wanted JPEG, PNG, WebP, GIF, BMP or TIFF: %w", ErrFormat)
	}
	return format{}, fmt.Errorf("file starts with %q, wanted JPEG, PNG, WebP, GIF, BMP or TIFF: %w", data[:min(len(data), 12)], ErrFormat)
}

func matches(data []byte, magic string) bool {
	if len(data) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && magic[i] != data[i] {
			return false
		}
	}
	return true
}

// open checks the size that the header claims, decodes, and turns upright.
func (f format) open(ctx context.Context, data []byte, limits Limits) (*Image, *lease, error) {
	config, err := f.config(bytes.NewReader(data))
	if err != nil {
		return nil, nil, f.corrupt("header", err)
	}
	w, h := int64(config.Width), int64(config.Height)
	switch {
	case w < 1 || h < 1:
		return nil, nil, fmt.Errorf("header says %d×%d pixels: %w", w, h, ErrCorrupt)
	case w > limits.Pixels/h:
		return nil, nil, fmt.Errorf("header says %d×%d pixels, the limit is %d: %w", w, h, limits.Pixels, ErrTooLarge)
	case w > maxSide || h > maxSide:
		return nil, nil, fmt.Errorf("header says %d×%d pixels, the limit is %d per side: %w", w, h, maxSide, ErrTooLarge)
	case f.least(w, h) > int64(len(data)):
		return nil, nil, fmt.Errorf("header says %d×%d pixels, which take at least %d bytes, the file has %d: %w",
			w, h, f.least(w, h), len(data), ErrCorrupt)
	}
	const perPixel = 10 // a decoder's 4 bytes, 3 of the result, 3 to turn it
	held, err := limits.Budget.take(ctx, perPixel*w*h, limits.Patience)
	if err != nil {
		return nil, nil, err
	}
	img, err := f.pixels(data, image.Pt(int(w), int(h)))
	if err != nil {
		held.keep(0)
		return nil, nil, err
	}
	held.keep(int64(len(img.Pix)))
	return img, held, nil
}

// pixels decodes a file whose header promises a size, and turns it upright.
func (f format) pixels(data []byte, size image.Point) (*Image, error) {
	img, err := f.decode(data)
	if err != nil {
		return nil, f.corrupt("pixels", err)
	}
	if b := img.Bounds(); b.Size() != size {
		return nil, fmt.Errorf("header says %d×%d pixels, the file has %d×%d: %w", size.X, size.Y, b.Dx(), b.Dy(), ErrCorrupt)
	}
	rgb, err := toRGB(img, f.name == "webp")
	if err != nil {
		return nil, err
	}
	if f.exif == imagemeta.ImageFormatAuto {
		return rgb, nil
	}
	return rgb.turn(orientation(data, f.exif)), nil
}

// corrupt turns a decoder's error into a sentence of this package.
func (f format) corrupt(part string, err error) error {
	sentinel := ErrCorrupt
	if isUnsupported(err) {
		sentinel = ErrFormat
	}
	if isEOF(err) {
		return fmt.Errorf("file ends within the %s: %w", part, sentinel)
	}
	return fmt.Errorf("the %s cannot be read (%s): %w", part, strings.TrimPrefix(err.Error(), f.name+": "), sentinel)
}

// decodeGIF returns the first frame at its place in the logical screen, which is
// transparent elsewhere.
func decodeGIF(data []byte) (image.Image, error) {
	config, err := gif.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	frame, err := gif.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	screen := image.Rect(0, 0, config.Width, config.Height)
	if frame.Bounds() == screen {
		return frame, nil
	}
	canvas := image.NewNRGBA(screen)
	bounds := frame.Bounds().Intersect(screen)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			canvas.Set(x, y, frame.At(x, y))
		}
	}
	return canvas, nil
}

// decodeTIFF decodes the first page. The decoder shows the white of a fax as
// white even where the file says that 0 is black, which by the specification
// (TIFF 6.0, PhotometricInterpretation) and in libtiff reverses the image.
func decodeTIFF(data []byte) (image.Image, error) {
	img, err := tiff.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	const group3, group4, blackIsZero = 3, 4, 1
	grey, ok := img.(*image.Gray)
	if !ok || exifTag(data, imagemeta.TIFF, "PhotometricInterpretation") != blackIsZero {
		return img, nil
	}
	if c := exifTag(data, imagemeta.TIFF, "Compression"); c == group3 || c == group4 {
		for i, v := range grey.Pix {
			grey.Pix[i] = 255 - v
		}
	}
	return img, nil
}
