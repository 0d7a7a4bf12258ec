package pixels

import (
	"errors"
	"fmt"
	"time"
)

// ErrFormat reports bytes that are not an image of a known format, or use a
// feature of the format that is not supported.
var ErrFormat = errors.New("not a supported image")

// ErrTooLarge reports an image above the limits.
var ErrTooLarge = errors.New("image too large")

// ErrCorrupt reports an image that is damaged or ends too early.
var ErrCorrupt = errors.New("damaged image")

// Image is an 8-bit RGB image in the sRGB encoding of its file.
type Image struct {
	W, H int
	Pix  []byte // 3*W*H: row-major, R, G and B of each pixel side by side
	// Incomplete: the file ended early or was damaged, and what was missing is grey.
	Incomplete bool
}

// newImage returns a black image.
func newImage(w, h int) *Image { return &Image{W: w, H: h, Pix: make([]byte, 3*w*h)} }

// check reports an image whose fields contradict each other.
func (m *Image) check() error {
	if m == nil || m.W < 1 || m.H < 1 || len(m.Pix)%3 != 0 || len(m.Pix)/3/m.W != m.H || len(m.Pix)/3%m.W != 0 {
		return fmt.Errorf("pixels: image is not 3×width×height bytes: %w", ErrCorrupt)
	}
	return nil
}

// maxSide is the longest side that Decode accepts, which is the longest that a
// JPEG has. It bounds the weights of a resize.
const maxSide = 1<<16 - 1

// Limits bound what Decode accepts, beside 65,535 pixels per side. The zero
// value is the default.
type Limits struct {
	Pixels int64   // width times height; 0 means DefaultPixels
	Bytes  int64   // of the file; 0 means 128 MiB
	Budget *Budget // of memory, shared with other decodes; nil means no bound
	// Patience is how long a decode waits for memory of the Budget before it fails
	// with ErrBusy; 0 means as long as its context allows.
	Patience time.Duration

	whole int64 // pixels of the largest image that is not shrunk; 0 means 64 Mi
}

// DefaultPixels lets the photos of phones of 200 megapixels pass. Pillow refuses
// from 179 million on, where its caller does not change that.
const DefaultPixels = 250_000_000

func (l Limits) withDefaults() Limits {
	if l.Pixels <= 0 {
		l.Pixels = DefaultPixels
	}
	if l.Bytes <= 0 {
		l.Bytes = 128 << 20
	}
	if l.whole <= 0 {
		l.whole = 64 << 20
	}
	return l
}
