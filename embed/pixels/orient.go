package pixels

import (
	"bytes"
	"encoding/binary"

	"github.com/bep/imagemeta"
)

// orientation returns the EXIF orientation of a file, 1 to 8. Without one, or
// where the metadata is damaged, it returns 1: the image is still good.
func orientation(data []byte, format imagemeta.ImageFormat) int {
	if format == imagemeta.WebP {
		// imagemeta loses its place behind chunks of odd length, which WebP
		// pads. What the EXIF chunk holds is laid out as a TIFF file.
		data, format = webpEXIF(data), imagemeta.TIFF
	}
	if v := exifTag(data, format, "Orientation"); 1 <= v && v <= 8 {
		return int(v)
	}
	return 1
}

// exifTag returns a 16-bit number of the first image directory, or 0.
func exifTag(data []byte, format imagemeta.ImageFormat, name string) uint16 {
	var found uint16
	_, _ = imagemeta.Decode(imagemeta.Options{
		R:           bytes.NewReader(data),
		ImageFormat: format,
		Sources:     imagemeta.EXIF,
		ShouldHandleTag: func(tag imagemeta.TagInfo) bool {
			return tag.Tag == name && tag.Namespace == "IFD0"
		},
		HandleTag: func(tag imagemeta.TagInfo) error {
			found, _ = tag.Value.(uint16)
			return imagemeta.ErrStopWalking
		},
	})
	return found
}

// webpEXIF returns the content of the EXIF chunk of a WebP file, or nil.
func webpEXIF(data []byte) []byte {
	const fileHeader, chunkHeader = 12, 8
	for at := fileHeader; at+chunkHeader <= len(data); {
		size := int64(binary.LittleEndian.Uint32(data[at+4:]))
		body := data[at+chunkHeader:]
		if size > int64(len(body)) {
			break
		}
		if string(data[at:at+4]) == "EXIF" {
			return bytes.TrimPrefix(body[:size], []byte("Exif\x00\x00"))
		}
		at += chunkHeader + int(size+size&1)
	}
	return nil
}

// turn returns the image that a viewer shows for an EXIF orientation (Exif 2.3,
// section 4.6.4, tag 0x0112): m itself for 1, else a turned or mirrored copy.
func (m *Image) turn(orientation int) *Image {
	if orientation == 1 {
		return m
	}
	w, h := m.W, m.H
	// The stored pixel that is shown at column x and row y is origin + x·stepX
	// + y·stepY, counted in pixels.
	var origin, stepX, stepY int
	switch orientation {
	case 2: // mirrored left to right
		origin, stepX, stepY = w-1, -1, w
	case 3: // upside down
		origin, stepX, stepY = w*h-1, -1, -w
	case 4: // mirrored top to bottom
		origin, stepX, stepY = w*(h-1), 1, -w
	case 5: // transposed
		origin, stepX, stepY = 0, w, 1
	case 6: // to be turned right
		origin, stepX, stepY = w*(h-1), -w, 1
	case 7: // transposed on the other diagonal
		origin, stepX, stepY = w*h-1, -w, -1
	case 8: // to be turned left
		origin, stepX, stepY = w-1, w, -1
	}
	if orientation >= 5 {
		w, h = h, w
	}
	out := newImage(w, h)
	for y := range h {
		row := out.Pix[3*y*w : 3*(y+1)*w]
		for x := range w {
			from := 3 * (origin + x*stepX + y*stepY)
			copy(row[3*x:3*x+3], m.Pix[from:from+3])
		}
	}
	return out
}
