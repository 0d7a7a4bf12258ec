package images

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"strings"
)

// Kind is what a file holds, told by its first bytes and never by its name.
type Kind string

// The kinds of images that Engram decodes.
const (
	JPEG Kind = "JPEG"
	PNG  Kind = "PNG"
	GIF  Kind = "GIF"
	WebP Kind = "WebP"
	BMP  Kind = "BMP"
	TIFF Kind = "TIFF"
	AVIF Kind = "AVIF"
)

// The kinds of images that Engram knows and does not decode.
const (
	HEIC Kind = "HEIC" // and HEIF with any codec but AV1
	JXL  Kind = "JPEG XL"
	JP2  Kind = "JPEG 2000"
	JXR  Kind = "JPEG XR"
	PSD  Kind = "Photoshop"
	SVG  Kind = "SVG"
	PNM  Kind = "PNM" // PBM, PGM, PPM, PAM
	ICO  Kind = "icon"
	QOI  Kind = "QOI"
	EXR  Kind = "OpenEXR"
	HDR  Kind = "Radiance HDR"
	RAW  Kind = "camera raw" // of makers whose files say so at the start
)

// Kinds of files that are no images.
const (
	PDF       Kind = "PDF"
	Video     Kind = "video"
	HTML      Kind = "HTML page"
	JSON      Kind = "JSON"
	Tar       Kind = "tar"
	Zip       Kind = "zip" // npz too
	Gzip      Kind = "gzip"
	Zstandard Kind = "Zstandard"
	Bzip2     Kind = "bzip2"
	XZ        Kind = "xz"
	SevenZip  Kind = "7z"
	RAR       Kind = "RAR"
	Parquet   Kind = "Parquet"
	NPY       Kind = "NumPy array"
	NIfTI     Kind = "NIfTI"
	HDF5      Kind = "HDF5"
	SQLite    Kind = "SQLite"
	Empty     Kind = "empty file"
	Unknown   Kind = "unknown"
)

// SniffLen is how many bytes from its start tell a file's kind.
const SniffLen = 512

// IsImage reports whether k is a kind of image, whether Engram decodes it or not.
func (k Kind) IsImage() bool { return k.Decodes() || k.Advice() != "" }

// Decodes reports whether Engram decodes images of kind k.
func (k Kind) Decodes() bool {
	switch k {
	case JPEG, PNG, GIF, WebP, BMP, TIFF, AVIF:
		return true
	}
	return false
}

// Advice says what to do with images of a kind that Engram does not decode, such
// as "convert with djxl IN.jxl OUT.jpg". It is empty for every other kind.
func (k Kind) Advice() string {
	switch k {
	case HEIC:
		return "convert with heif-convert IN.heic OUT.jpg"
	case JXL:
		return "convert with djxl IN.jxl OUT.jpg"
	case RAW:
		return "export as JPEG, or convert with dcraw -e"
	case SVG:
		return "convert with rsvg-convert -o OUT.png IN.svg"
	case JP2, JXR, PSD, PNM, ICO, QOI, EXR, HDR:
		return "convert with magick IN OUT.png"
	}
	return ""
}

// signature is what files of a kind begin with.
type signature struct {
	kind Kind
	at   int
	want string // '?' stands for any byte
}

// signatures returns what tells kinds apart, the more special ones first.
func signatures() []signature {
	return []signature{
		{JPEG, 0, "\xff\xd8\xff"},
		{PNG, 0, "\x89PNG\r\n\x1a\n"},
		{GIF, 0, "GIF87a"}, {GIF, 0, "GIF89a"},
		{WebP, 0, "RIFF????WEBP"},
		{RAW, 0, "II*\x00????CR\x02"}, // CR2
		{RAW, 0, "IIRO"}, {RAW, 0, "IIU\x00"}, {RAW, 0, "FUJIFILMCCD-RAW"}, {RAW, 0, "\x00MRM"},
		{TIFF, 0, "II*\x00"}, {TIFF, 0, "MM\x00*"}, {TIFF, 0, "II+\x00"}, {TIFF, 0, "MM\x00+"},
		{JXR, 0, "II\xbc"},
		{JXL, 0, "\xff\x0a"}, {JXL, 0, "\x00\x00\x00\x0cJXL \r\n\x87\n"},
		{JP2, 0, "\x00\x00\x00\x0cjP  \r\n\x87\n"}, {JP2, 0, "\xff\x4f\xff\x51"},
		{PSD, 0, "8BPS"}, {QOI, 0, "qoif"}, {EXR, 0, "\x76\x2f\x31\x01"}, {HDR, 0, "#?RADIANCE"}, {HDR, 0, "#?RGBE"},
		{ICO, 0, "\x00\x00\x01\x00?\x00"},
		{PDF, 0, "%PDF-"},
		{Video, 0, "\x1a\x45\xdf\xa3"}, {Video, 0, "RIFF????AVI "}, {Video, 4, "moov"}, {Video, 4, "mdat"},
		{Zip, 0, "PK\x03\x04"}, {Zip, 0, "PK\x05\x06"},
		{Gzip, 0, "\x1f\x8b"}, {Zstandard, 0, "\x28\xb5\x2f\xfd"}, {Bzip2, 0, "BZh"}, {XZ, 0, "\xfd7zXZ\x00"},
		{SevenZip, 0, "7z\xbc\xaf\x27\x1c"}, {RAR, 0, "Rar!\x1a\x07"},
		{Parquet, 0, "PAR1"}, {NPY, 0, "\x93NUMPY"}, {HDF5, 0, "\x89HDF\r\n\x1a\n"}, {SQLite, 0, "SQLite format 3\x00"},
		{NIfTI, 344, "n+1\x00"}, {NIfTI, 344, "ni1\x00"}, {NIfTI, 4, "n+2\x00\r\n\x1a\n"}, {NIfTI, 4, "ni2\x00\r\n\x1a\n"},
		{Tar, 257, "ustar"},
	}
}

// Sniff returns the kind of a file that begins with head. The first SniffLen bytes
// tell it; a shorter file is given whole.
func Sniff(head []byte) Kind {
	if len(head) == 0 {
		return Empty
	}
	head = head[:min(len(head), SniffLen)]
	for _, s := range signatures() {
		if s.matches(head) {
			return s.kind
		}
	}
	switch {
	case len(head) >= 12 && string(head[4:8]) == "ftyp":
		return sniffBrands(head)
	case isBMP(head):
		return BMP
	case isPNM(head):
		return PNM
	case isTar(head):
		return Tar
	}
	return sniffText(head)
}

// SniffReader returns the kind of what r begins with, and a reader of all of it.
// An error of r is left for the returned reader to meet again.
func SniffReader(r io.Reader) (Kind, io.Reader) {
	head := make([]byte, SniffLen)
	n, _ := io.ReadFull(r, head)
	return Sniff(head[:n]), io.MultiReader(bytes.NewReader(head[:n]), r)
}

func (s signature) matches(head []byte) bool {
	if len(head) < s.at+len(s.want) {
		return false
	}
	for i := range len(s.want) {
		if s.want[i] != '?' && s.want[i] != head[s.at+i] {
			return false
		}
	}
	return true
}

// sniffBrands tells files of the ISO base media format apart by their brands
// (ISO/IEC 14496-12, section 4.3): the major brand first, then the compatible ones.
func sniffBrands(head []byte) Kind {
	end := min(int(min(binary.BigEndian.Uint32(head), SniffLen)), len(head))
	brands := []string{string(head[8:12])}
	for at := 16; at+4 <= end; at += 4 {
		brands = append(brands, string(head[at:at+4]))
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(brands, func(b string) bool { return slices.Contains(names, b) })
	}
	switch {
	case brands[0] == "crx ":
		return RAW
	case has("avif", "avis"):
		return AVIF
	case has("heic", "heix", "hevc", "hevx", "heim", "heis", "hevm", "hevs", "mif1", "msf1", "heif"):
		return HEIC
	}
	return Video
}

// isBMP asks for a known size of the header, since text may begin with "BM".
func isBMP(head []byte) bool {
	if len(head) < 18 || string(head[:2]) != "BM" {
		return false
	}
	switch binary.LittleEndian.Uint32(head[14:]) {
	case 12, 16, 40, 52, 56, 64, 108, 124:
		return true
	}
	return false
}

// isPNM: P1 to P7 and white space.
func isPNM(head []byte) bool {
	return len(head) > 2 && head[0] == 'P' && '1' <= head[1] && head[1] <= '7' && strings.ContainsRune(" \t\r\n", rune(head[2]))
}

// isTar knows the oldest tars, which have no magic, by the checksum of their first
// header.
func isTar(head []byte) bool {
	if len(head) < SniffLen {
		return false
	}
	const field, end = 148, 156
	sum, want := 0, 0
	for i, b := range head[:SniffLen] {
		if field <= i && i < end {
			b = ' '
		}
		sum += int(b)
	}
	for _, b := range bytes.Trim(head[field:end], " \x00") {
		if b < '0' || b > '7' {
			return false
		}
		want = want*8 + int(b-'0')
	}
	return sum == want && head[0] != 0
}

// sniffText tells kinds that are text.
func sniffText(head []byte) Kind {
	text := strings.ToLower(string(bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))))
	switch {
	case strings.HasPrefix(text, "<!doctype html") || strings.HasPrefix(text, "<html"):
		return HTML
	case strings.HasPrefix(text, "<svg") || strings.HasPrefix(text, "<?xml") && strings.Contains(text, "<svg"):
		return SVG
	case strings.HasPrefix(text, "{") || strings.HasPrefix(text, "["):
		return JSON
	}
	return Unknown
}
