package pixels

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"engram/data/realtest"
)

// sample reads a file of testdata/decode.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "decode", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// pngHeader is the start of a PNG of w×h pixels of 8-bit RGBA.
func pngHeader(w, h uint32) []byte {
	chunk := []byte("IHDR")
	chunk = binary.BigEndian.AppendUint32(chunk, w)
	chunk = binary.BigEndian.AppendUint32(chunk, h)
	chunk = append(chunk, 8, 6, 0, 0, 0)
	file := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	file = append(file, chunk...)
	file = binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(chunk))
	return append(file, 0, 0, 0x10, 0, 'I', 'D', 'A', 'T', 0x78, 0x9c)
}

// jpegHeader is the start of a JPEG of w×h pixels.
func jpegHeader(w, h uint16) []byte {
	file := []byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xc0\x00\x11\x08")
	file = binary.BigEndian.AppendUint16(file, h)
	file = binary.BigEndian.AppendUint16(file, w)
	return append(file, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0, 0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0)
}

// gifHeader is the start of a GIF of w×h pixels.
func gifHeader(w, h uint16) []byte {
	file := binary.LittleEndian.AppendUint16([]byte("GIF89a"), w)
	file = binary.LittleEndian.AppendUint16(file, h)
	file = append(file, 0x80, 0, 0, 0, 0, 0, 255, 255, 255, ',', 0, 0, 0, 0)
	file = binary.LittleEndian.AppendUint16(file, w)
	file = binary.LittleEndian.AppendUint16(file, h)
	return append(file, 0, 2, 1)
}

// webpHeader is the start of an extended WebP of w×h pixels.
func webpHeader(w, h uint32) []byte {
	file := []byte("RIFF\x20\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00")
	file = append(file, byte(w-1), byte((w-1)>>8), byte((w-1)>>16))
	return append(file, byte(h-1), byte((h-1)>>8), byte((h-1)>>16))
}

// bmpHeader is the start of a BMP of w×h pixels of 24 bits.
func bmpHeader(w, h uint32) []byte {
	file := append([]byte("BM"), make([]byte, 8)...)
	for _, v := range []uint32{54, 40, w, h, 1 | 24<<16, 0, 0, 0, 0, 0, 0} {
		file = binary.LittleEndian.AppendUint32(file, v)
	}
	return file
}

// tiffHeader is a TIFF of w×h pixels of 8-bit grey without pixels.
func tiffHeader(w, h uint32) []byte {
	file := append([]byte("II*\x00"), 8, 0, 0, 0, 8, 0)
	for _, tag := range [][2]uint32{{256, w}, {257, h}, {258, 8}, {259, 1}, {262, 1}, {273, 8}, {278, h}, {279, 1}} {
		file = binary.LittleEndian.AppendUint16(file, uint16(tag[0]))
		file = append(file, 4, 0, 1, 0, 0, 0)
		file = binary.LittleEndian.AppendUint32(file, tag[1])
	}
	return append(file, 0, 0, 0, 0)
}

func TestWhatIsNoImageIsRefusedBeforeItCostsMemory(t *testing.T) {
	for _, test := range []struct {
		name string
		data []byte
		want string
		is   error
	}{
		{"nothing", nil, "file is empty, wanted JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF", ErrFormat},
		{"text", []byte("hello, world and more"), `file starts with "hello, world", wanted JPEG`, ErrFormat},
		{"a PNG of 60000×60000", pngHeader(60000, 60000), "PNG: header says 60000×60000 pixels, the limit is 250000000", ErrTooLarge},
		{"a JPEG of 60000×60000", jpegHeader(60000, 60000), "JPEG: header says 60000×60000", ErrTooLarge},
		{"a GIF of 60000×60000", gifHeader(60000, 60000), "GIF: header says 60000×60000", ErrTooLarge},
		{"a WebP of 60000×60000", webpHeader(60000, 60000), "WebP: ", nil},
		{"a WebP of 30000×30000", webpHeader(30000, 30000), "WebP: file ends within the header, or has no frame", ErrCorrupt},
		{"a BMP of 60000×60000", bmpHeader(60000, 60000), "BMP: header says 60000×60000", ErrTooLarge},
		{"a TIFF of 60000×60000", tiffHeader(60000, 60000), "TIFF: ", nil},
		{"a TIFF of 30000×30000", tiffHeader(30000, 30000), "TIFF: header says 30000×30000", ErrTooLarge},
		{"a PNG of one long row", pngHeader(70000, 1), "PNG: header says 70000×1 pixels, the limit is 65535 per side", ErrTooLarge},
		{"a PNG that is all header", pngHeader(9000, 9000), "PNG: header says 9000×9000 pixels, which take at least 9811 bytes, the file has 43", ErrCorrupt},
		{"a JPEG that is all header", jpegHeader(9000, 9000), "JPEG: header says 9000×9000 pixels, which take at least", ErrCorrupt},
		{"a GIF that is all header", gifHeader(9000, 9000), "GIF: header says 9000×9000 pixels, which take at least", ErrCorrupt},
		{"a BMP that is all header", bmpHeader(9000, 9000), "BMP: header says 9000×9000 pixels, which take at least", ErrCorrupt},
		{"a TIFF that is all header", tiffHeader(9000, 9000), "TIFF: header says 9000×9000 pixels, which take at least", ErrCorrupt},
		{"a PNG of no width", pngHeader(0, 5), "PNG: ", ErrCorrupt},
		{"a third of a PNG", sample(t, "rgb.png")[:900], "PNG: file ends or is damaged after 8 of 29 rows", ErrCorrupt},
		{"a fifth of a JPEG", sample(t, "rgb420.jpg")[:800], "JPEG: file ends or is damaged after 6 of 32 blocks", ErrCorrupt},
		{"the header of a progressive JPEG", sample(t, "progressive.jpg")[:200], "JPEG: file ends within the header", ErrCorrupt},
		{"a third of a GIF", sample(t, "palette.gif")[:300], "GIF: ", ErrCorrupt},
		{"half a WebP", sample(t, "lossless.webp")[:900], "WebP: ", ErrCorrupt},
		{"a quarter of a BMP", sample(t, "rgb.bmp")[:900], "BMP: header says 37×29 pixels, which take at least 3219 bytes", ErrCorrupt},
		{"half a TIFF", sample(t, "tiff_lzw.tiff")[:900], "TIFF: ", ErrCorrupt},
		{"the start of a PNG", sample(t, "rgb.png")[:12], "PNG: file ends within the header", ErrCorrupt},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Decode(t.Context(), bytes.NewReader(test.data), Limits{})
			runtime.ReadMemStats(&after)
			if err == nil || !strings.HasPrefix(err.Error(), "pixels: "+test.want) {
				t.Errorf("Decode says %v, want pixels: %s ...", err, test.want)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%v is not %v", err, test.is)
			}
			if cost := after.TotalAlloc - before.TotalAlloc; cost > 1<<20 {
				t.Errorf("it cost %d bytes of memory", cost)
			}
		})
	}
}

func TestLimitsAreTheCallers(t *testing.T) {
	data := sample(t, "rgb.png")
	if _, err := Decode(t.Context(), bytes.NewReader(data), Limits{Pixels: 37 * 29}); err != nil {
		t.Errorf("an image of exactly the limit: %v", err)
	}
	if _, err := Decode(t.Context(), bytes.NewReader(data), Limits{Pixels: 37*29 - 1}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("an image of one pixel more says %v, want %v", err, ErrTooLarge)
	}
	if _, err := Decode(t.Context(), bytes.NewReader(data), Limits{Bytes: int64(len(data))}); err != nil {
		t.Errorf("a file of exactly the limit: %v", err)
	}
	if _, err := Decode(t.Context(), bytes.NewReader(data), Limits{Bytes: int64(len(data) - 1)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a file of one byte more says %v, want %v", err, ErrTooLarge)
	}
	broken := errors.New("broken pipe")
	if _, err := Decode(t.Context(), iotest.ErrReader(broken), Limits{}); !errors.Is(err, broken) {
		t.Errorf("a broken reader says %v, want %v", err, broken)
	}
}

// This package's decoder and the standard library's may differ by the rounding of
// the inverse DCT alone, before any colour conversion.
func TestJPEGAgreesWithTheStandardLibrary(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(realtest.Path(t, "photos"), "*", "*.JPEG"))
	if err != nil || len(names) < 40 {
		t.Fatalf("%d photos (%v)", len(names), err)
	}
	for _, name := range names[:40] {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(name, err)
		}
		d := &jpegDecoder{data: data}
		if err := d.header(); err != nil {
			t.Fatal(name, err)
		}
		if _, err := d.decode(1); err != nil {
			t.Fatal(name, err)
		}
		luma := &d.comps[0]
		worst := 0
		switch want := want.(type) {
		case *image.YCbCr:
			w, h := want.Rect.Dx(), want.Rect.Dy()
			cb, cr := &d.comps[1], &d.comps[2]
			worst = max(worstPlane(luma.plane, luma.stride, want.Y, want.YStride, w, h),
				worstPlane(cb.plane, cb.stride, want.Cb, want.CStride, (w+1)/2, (h+1)/2),
				worstPlane(cr.plane, cr.stride, want.Cr, want.CStride, (w+1)/2, (h+1)/2))
		case *image.Gray:
			worst = worstPlane(luma.plane, luma.stride, want.Pix, want.Stride, want.Rect.Dx(), want.Rect.Dy())
		}
		if worst > 2 {
			t.Errorf("%s: a sample differs by %d, want at most 2", name, worst)
		}
	}
}

// worstPlane returns the largest difference of two planes of w×h samples.
func worstPlane(a []byte, strideA int, b []byte, strideB, w, h int) int {
	worst := 0
	for y := range h {
		for x := range w {
			v := int(a[y*strideA+x]) - int(b[y*strideB+x])
			worst = max(worst, v, -v)
		}
	}
	return worst
}

func FuzzDecode(f *testing.F) {
	names, err := filepath.Glob(filepath.Join("testdata", "*", "*.*"))
	if err != nil || len(names) == 0 {
		f.Fatalf("no seeds (%v)", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	transform, err := NewTransform(clipOptions)
	if err != nil {
		f.Fatal(err)
	}
	limits := Limits{Pixels: 1 << 16, Bytes: 1 << 16}
	f.Fuzz(func(t *testing.T, data []byte) {
		img, err := Decode(t.Context(), bytes.NewReader(data), limits)
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrTooLarge) {
				t.Errorf("%v is none of the package's errors", err)
			}
			return
		}
		if int64(img.W)*int64(img.H) > limits.Pixels {
			t.Errorf("%d×%d pixels are above the limit", img.W, img.H)
		}
		if err := transform.Apply(make([]float32, transform.Len()), img); err != nil {
			t.Error(err)
		}
	})
}
