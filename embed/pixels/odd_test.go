package pixels

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// Files that are out of the ordinary, made by scripts/golden_pictures.py, are what
// Pillow reads, to the bit but for two decoders' own arithmetic. Shrunk JPEG files
// are what libjpeg's scaled DCT gives.
func TestOddFilesEqualPillow(t *testing.T) {
	var golden struct {
		Cases []struct {
			Name                    string
			W, H, Tolerance, Shrink int
		}
	}
	data := goldens(t, "odd", &golden)
	for _, c := range golden.Cases {
		want := readRGB(t, data, c.W, c.H)
		t.Run(c.Name, func(t *testing.T) {
			file, err := os.ReadFile(filepath.Join("testdata", "odd", c.Name))
			if err != nil {
				t.Fatal(err)
			}
			limits := Limits{}
			if c.Shrink > 1 {
				limits.whole = int64(c.W * c.H)
			}
			got, err := Decode(t.Context(), bytes.NewReader(file), limits)
			if err != nil {
				t.Fatal(err)
			}
			if got.Incomplete {
				t.Error("it is called incomplete")
			}
			if got.W != c.W || got.H != c.H {
				t.Fatalf("%d×%d pixels, want %d×%d", got.W, got.H, c.W, c.H)
			}
			if worst, at := worstByte(got.Pix, want.Pix); worst > c.Tolerance {
				t.Errorf("channel %d of the pixel at %d, %d is %d, Pillow reads %d", at%3, at/3%got.W, at/3/got.W, got.Pix[at], want.Pix[at])
			}
		})
	}
	if len(golden.Cases) < 100 {
		t.Fatalf("%d cases", len(golden.Cases))
	}
}

// worstByte returns the largest difference and its place.
func worstByte(got, want []byte) (worst, at int) {
	for i, v := range got {
		if off := max(int(v)-int(want[i]), int(want[i])-int(v)); off > worst {
			worst, at = off, i
		}
	}
	return worst, at
}

// Of a file that ends early what is there is shown, and the rest is grey, where at
// least half is there.
func TestFilesThatEndEarlyAreShownFromHalfOn(t *testing.T) {
	for _, name := range []string{
		"decode/rgb420.jpg", "decode/restart.jpg", "decode/rgb.png", "odd/interlaced_rgb.png", "decode/palette.gif",
		"odd/interlaced.gif", "decode/rgb.bmp", "odd/rle8.bmp", "decode/raw.tiff",
	} {
		data, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		whole, err := Decode(t.Context(), bytes.NewReader(data), Limits{})
		if err != nil || whole.Incomplete {
			t.Fatal(name, err)
		}
		shown, refused := 0, 0
		for end := len(data) / 8; end < len(data); end += len(data)/60 + 1 {
			img, err := Decode(t.Context(), bytes.NewReader(data[:end]), Limits{})
			if err != nil {
				if !errors.Is(err, ErrCorrupt) || shown > 0 {
					t.Errorf("%s: %d bytes say %v after fewer were shown", name, end, err)
				}
				refused++
				continue
			}
			shown++
			if !img.Incomplete && !bytes.Equal(img.Pix, whole.Pix) {
				t.Errorf("%s: an image of %d of %d bytes is not called incomplete", name, end, len(data))
			}
			same := 0
			for i := range img.W * img.H {
				if bytes.Equal(img.Pix[3*i:3*i+3], whole.Pix[3*i:3*i+3]) {
					same++
				} else if p := img.Pix[3*i : 3*i+3]; path.Ext(name) != ".jpg" && !bytes.Equal(p, []byte{128, 128, 128}) {
					t.Fatalf("%s: %d bytes give a pixel of %v, wanted the right one or grey", name, end, p)
				}
			}
			// At a cut within chroma of half resolution a row or so is blurred.
			if 100*same < 35*img.W*img.H {
				t.Errorf("%s: %d of %d bytes give %d of %d pixels", name, end, len(data), same, img.W*img.H)
			}
		}
		if shown == 0 || refused == 0 {
			t.Errorf("%s: %d cuts shown, %d refused", name, shown, refused)
		}
	}
}

// Behind damage a JPEG with restart markers goes on at the next one.
func TestRestartMarkersBoundDamage(t *testing.T) {
	data := sample(t, "restart.jpg")
	whole, err := Decode(t.Context(), bytes.NewReader(data), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	second := bytes.Index(data, []byte{0xff, 0xd0}) // behind the first interval
	third := bytes.Index(data, []byte{0xff, 0xd1})
	if second < 0 || third < second {
		t.Fatal("no markers")
	}
	damaged := append(bytes.Clone(data[:second+4]), data[third:]...) // most of an interval is lost
	img, err := Decode(t.Context(), bytes.NewReader(damaged), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	last := 3 * (img.W*img.H - 1)
	if !bytes.Equal(img.Pix[:24], whole.Pix[:24]) || !bytes.Equal(img.Pix[last:], whole.Pix[last:]) {
		t.Error("what comes before or behind the damage is lost")
	}
}

// A progressive file that ends early is whole and blurred.
func TestProgressiveFilesThatEndEarlyAreBlurred(t *testing.T) {
	data := sample(t, "progressive.jpg")
	img, err := Decode(t.Context(), bytes.NewReader(data[:len(data)*3/4]), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if img.W != 37 || img.H != 29 {
		t.Errorf("%d×%d pixels", img.W, img.H)
	}
}

// What is whole and not known is "not supported", never "damaged".
func TestWhatIsNotSupportedIsNotCalledDamaged(t *testing.T) {
	frame := func(marker byte) []byte {
		data := bytes.Clone(sample(t, "rgb444.jpg"))
		data[bytes.Index(data, []byte{0xff, markerSOF0})+1] = marker
		return data
	}
	tag := func(number uint16, value byte) []byte {
		data := sample(t, "raw.tiff")
		file, _ := openTIFF(data)
		value16 := file.directory(file.first)[number].value
		value16[0] = value // directory does not copy
		return data
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"arithmetic JPEG": {frame(0xc9), "JPEG: arithmetic coding"},
		"lossless JPEG":   {frame(0xc3), "JPEG: lossless or hierarchical coding"},
		"BigTIFF":         {[]byte("II+\x00\x08\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00"), "TIFF: BigTIFF"},
		"TIFF of JBIG":    {tag(tagCompression, 9), "TIFF: compression 9"},
		"TIFF of CIELab":  {tag(tagPhotometric, 8), "TIFF: 3 samples in photometric interpretation 8"},
		"JPEG XL":         {[]byte("\x00\x00\x00\x0cJXL \r\n\x87\n"), "file is JPEG XL, wanted"},
		"HTML":            {[]byte("<!doctype html><title>404"), "file is HTML page"},
		"PNG for Apple's": {[]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x04CgBI\x50\x00\x20\x06\x00\x00\x00\x00"), "PNG: the variant of PNG in Apple's apps"},
		"BMP that is PNG": {append(bmpHeader(4, 4)[:30], 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), "BMP: 24 bits per pixel in packing 5"},
	} {
		_, err := Decode(t.Context(), bytes.NewReader(c.data), Limits{})
		if !errors.Is(err, ErrFormat) || !strings.HasPrefix(err.Error(), "pixels: "+c.want) {
			t.Errorf("%s: %v, want %s …: %v", name, err, c.want, ErrFormat)
		}
	}
}

// A shrunk image is the mean of its pixels, for the formats that have no scaled DCT.
func TestLargeImagesAreShrunk(t *testing.T) {
	for _, name := range []string{"decode/rgb.png", "odd/interlaced_rgb.png", "decode/rgb.bmp", "decode/raw.tiff", "decode/lossless.webp", "odd/top_down.bmp", "odd/frame_larger.gif"} {
		data, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		whole, err := Decode(t.Context(), bytes.NewReader(data), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		img, err := Decode(t.Context(), bytes.NewReader(data), Limits{whole: int64(whole.W*whole.H - 1)})
		if err != nil {
			t.Fatal(err)
		}
		if img.W != (whole.W+1)/2 || img.H != (whole.H+1)/2 {
			t.Fatalf("%s: %d×%d pixels of %d×%d", name, img.W, img.H, whole.W, whole.H)
		}
		for y := range img.H {
			for x := range img.W {
				for c := range 3 {
					sum, n := 0, 0
					for v := 2 * y; v < min(2*y+2, whole.H); v++ {
						for u := 2 * x; u < min(2*x+2, whole.W); u++ {
							sum += int(whole.Pix[3*(v*whole.W+u)+c])
							n++
						}
					}
					if got := int(img.Pix[3*(y*img.W+x)+c]); got != (2*sum+n)/(2*n) {
						t.Fatalf("%s: channel %d of the pixel at %d, %d is %d, the mean is %d/%d", name, c, x, y, got, sum, n)
					}
				}
			}
		}
	}
}

// Any type of number says an orientation; what says none leaves the image as it is.
func TestOrientationOfEveryType(t *testing.T) {
	block := func(kind uint16, count uint32, value ...byte) []byte {
		b := []byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01")
		b = binary.LittleEndian.AppendUint16(b, kind)
		b = binary.LittleEndian.AppendUint32(b, count)
		if len(value) > 4 {
			b = binary.LittleEndian.AppendUint32(b, 26)
			b = append(b, 0, 0, 0, 0)
		}
		return append(append(b, value...), 0, 0, 0, 0)
	}
	for name, c := range map[string]struct {
		block []byte
		want  int
	}{
		"byte":             {block(1, 1, 6, 0, 0, 0), 6},
		"text":             {block(2, 2, '6', 0, 0, 0), 6},
		"short":            {block(3, 1, 6, 0, 0, 0), 6},
		"two of them":      {block(3, 2, 6, 0, 1, 0), 6},
		"long":             {block(4, 1, 6, 0, 0, 0), 6},
		"rational":         {block(5, 1, 12, 0, 0, 0, 2, 0, 0, 0), 6},
		"rational of 0":    {block(5, 1, 12, 0, 0, 0, 0, 0, 0, 0), 0},
		"float":            {block(11, 1, 0, 0, 0xc0, 0x40), 6},
		"double":           {block(12, 1, 0, 0, 0, 0, 0, 0, 0x18, 0x40), 6},
		"out of range":     {block(3, 1, 9, 0, 0, 0), 0},
		"unknown type":     {block(99, 1, 6, 0, 0, 0), 0},
		"value beyond":     {block(4, 1000, 6, 0, 0, 0), 0},
		"directory beyond": {[]byte("II*\x00\xff\x00\x00\x00"), 0},
		"nothing":          {nil, 0},
		"another magic":    {append([]byte("IIU\x00"), block(3, 1, 6, 0, 0, 0)[4:]...), 6},
	} {
		if got := exifOrientation(c.block); got != c.want {
			t.Errorf("%s: orientation %d, want %d", name, got, c.want)
		}
	}
}
