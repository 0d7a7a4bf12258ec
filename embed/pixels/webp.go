package pixels

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"

	"golang.org/x/image/webp"
)

// webpFile is a WebP file, or the first frame of an animated one (WebP container
// specification). The pixels are golang.org/x/image/webp's.
type webpFile struct {
	canvas image.Point
	frame  image.Rectangle // in the canvas
	bits   []byte          // chunk VP8 or VP8L
	lossy  bool
	alpha  []byte // chunk ALPH, or nil
}

// readWebP reads the chunks of a file. What its size says is not trusted.
func readWebP(data []byte) (*picture, error) {
	const fileHeader = 12
	f, pic := &webpFile{}, &picture{}
	f.chunks(data[fileHeader:], pic)
	if f.bits == nil {
		return nil, fmt.Errorf("file ends within the header, or has no frame: %w", ErrCorrupt)
	}
	config, err := webp.DecodeConfig(bytes.NewReader(f.file()))
	if err != nil {
		return nil, external("header", err)
	}
	size := image.Pt(config.Width, config.Height)
	f.frame.Max = f.frame.Min.Add(size)
	f.canvas = image.Pt(max(f.canvas.X, f.frame.Max.X), max(f.canvas.Y, f.frame.Max.Y))
	pic.w, pic.h = f.canvas.X, f.canvas.Y
	// Lossless WebP codes an image of one colour in no bits at all.
	pic.memory = func(int) int64 { return imageBytes(pic.w, pic.h, 1) + 4*int64(size.X)*int64(size.Y) }
	pic.decode = f.decode
	return pic, nil
}

// chunks notes what is in a sequence of chunks, as far as the file goes.
func (f *webpFile) chunks(b []byte, pic *picture) {
	const header, frameHeader = 8, 16
	for len(b) >= header {
		kind, size := string(b[:4]), int64(binary.LittleEndian.Uint32(b[4:]))
		body := b[header:][:min(size, int64(len(b)-header))]
		b = b[min(header+len(body)+len(body)%2, len(b)):]
		switch {
		case kind == "EXIF":
			pic.meta.addEXIF(body)
		case kind == "XMP ":
			pic.meta.xmp = append(pic.meta.xmp, body)
		case f.bits != nil:
		case kind == "VP8X" && len(body) >= 10:
			f.canvas = image.Pt(1+int(number24(body[4:])), 1+int(number24(body[7:])))
		case kind == "ALPH":
			f.alpha = body
		case kind == "VP8 " || kind == "VP8L":
			f.bits, f.lossy = body, kind == "VP8 "
		case kind == "ANMF" && len(body) > frameHeader:
			f.frame.Min = image.Pt(2*int(number24(body)), 2*int(number24(body[3:])))
			f.chunks(body[frameHeader:], pic)
		}
	}
}

// number24 reads a little-endian number of 24 bits.
func number24(b []byte) uint32 { return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 }

// file returns the frame as a file of its own.
func (f *webpFile) file() []byte {
	out := []byte("RIFF\x00\x00\x00\x00WEBP")
	chunk := func(kind string, body []byte) {
		out = binary.LittleEndian.AppendUint32(append(out, kind...), uint32(len(body)))
		out = append(append(out, body...), make([]byte, len(body)%2)...)
	}
	switch {
	case f.lossy && f.alpha != nil && len(f.bits) >= 10:
		// The size stands behind the start code of a key frame (RFC 6386, 9.1).
		w, h := binary.LittleEndian.Uint16(f.bits[6:])&0x3fff, binary.LittleEndian.Uint16(f.bits[8:])&0x3fff
		const hasAlpha = 0x10
		chunk("VP8X", []byte{hasAlpha, 0, 0, 0, byte(w - 1), byte((w - 1) >> 8), 0, byte(h - 1), byte((h - 1) >> 8), 0})
		chunk("ALPH", f.alpha)
		chunk("VP8 ", f.bits)
	case f.lossy:
		chunk("VP8 ", f.bits)
	default:
		chunk("VP8L", f.bits)
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}

// decode puts the frame on a white canvas.
func (f *webpFile) decode(int) (*Image, error) {
	img, err := webp.Decode(bytes.NewReader(f.file()))
	if err != nil {
		return nil, external("pixels", err)
	}
	if img.Bounds().Size() != f.frame.Size() {
		return nil, fmt.Errorf("header says %v pixels, the file has %v: %w", f.frame.Size(), img.Bounds().Size(), ErrCorrupt)
	}
	frame, err := toRGB(img)
	if err != nil || f.frame == image.Rectangle(image.Rect(0, 0, f.canvas.X, f.canvas.Y)) {
		return frame, err
	}
	out := newImage(f.canvas.X, f.canvas.Y)
	fill(out.Pix, 255)
	for y := range frame.H {
		copy(out.row(f.frame.Min.Y + y)[3*f.frame.Min.X:], frame.row(y))
	}
	return out, nil
}
