package pixels

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zlib"
)

// metadata is where an image file says how to turn it.
type metadata struct {
	exif [][]byte // blocks laid out as TIFF files
	xmp  [][]byte // packets
}

// orientation returns the EXIF orientation, 1 to 8. EXIF goes before XMP, as in
// Pillow's exif_transpose. Without a valid one, or where the metadata is damaged,
// it returns 1: the image is still good.
func (m metadata) orientation() int {
	for _, block := range m.exif {
		if v := exifOrientation(block); v != 0 {
			return v
		}
	}
	for _, packet := range m.xmp {
		if v := xmpOrientation(packet); v != 0 {
			return v
		}
	}
	return 1
}

// addEXIF notes a block, which may begin with the name that JPEG gives it.
func (m *metadata) addEXIF(block []byte) {
	if bytes.HasPrefix(block, []byte("Exif\x00")) && len(block) > 6 {
		block = block[6:]
	}
	m.exif = append(m.exif, block)
}

// Tags of TIFF 6.0 and Exif 2.3 that say how an image lies.
const (
	tagOrientation = 0x0112
	tagXMP         = 0x02bc
	tagExifIFD     = 0x8769
)

// exifOrientation returns the orientation in a block of EXIF, or 0. The tag may
// have any type of number (phones write LONG), may be text, and may stand in the
// directory of EXIF instead of the first one.
func exifOrientation(block []byte) int {
	t, ok := openTIFF(block)
	if !ok {
		return 0
	}
	for at, depth := t.first, 0; at > 0 && depth < 2; depth++ {
		directory := t.directory(at)
		if v := t.number(directory[tagOrientation]); 1 <= v && v <= 8 {
			return int(v)
		}
		at = int(t.number(directory[tagExifIFD]))
	}
	return 0
}

// tiffFile is a block laid out as a TIFF file (TIFF 6.0, section 2).
type tiffFile struct {
	data  []byte
	order binary.ByteOrder
	first int // place of the first directory
}

// tiffEntry is an entry of a directory.
type tiffEntry struct {
	kind  uint16
	count uint32
	value []byte // the four bytes of the value, or of its place
}

// openTIFF reads the header. Some writers have another number than 42 in it.
func openTIFF(data []byte) (tiffFile, bool) {
	if len(data) < 8 {
		return tiffFile{}, false
	}
	t := tiffFile{data: data, order: binary.LittleEndian}
	switch string(data[:2]) {
	case "II":
	case "MM":
		t.order = binary.BigEndian
	default:
		return t, false
	}
	t.first = int(t.order.Uint32(data[4:]))
	return t, true
}

// directory reads the directory at a place, as far as the file goes. Of entries
// of one tag the first counts.
func (t tiffFile) directory(at int) map[uint16]tiffEntry {
	entries := map[uint16]tiffEntry{}
	const size = 12
	if at < 0 || at+2 > len(t.data) {
		return entries
	}
	n := int(t.order.Uint16(t.data[at:]))
	for e := t.data[at+2:]; n > 0 && len(e) >= size; n, e = n-1, e[size:] {
		tag := t.order.Uint16(e)
		if _, found := entries[tag]; !found {
			entries[tag] = tiffEntry{t.order.Uint16(e[2:]), t.order.Uint32(e[4:]), e[8:size]}
		}
	}
	return entries
}

// tiffSizes are the bytes of a value of each type.
var tiffSizes = [13]int{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8}

// bytes returns the values of an entry, as far as they are in the file.
func (t tiffFile) bytes(e tiffEntry) []byte {
	if e.value == nil || int(e.kind) >= len(tiffSizes) {
		return nil
	}
	n := int64(e.count) * int64(tiffSizes[e.kind])
	if n <= 4 {
		return e.value[:n]
	}
	at := int64(t.order.Uint32(e.value))
	if at+n > int64(len(t.data)) {
		return nil
	}
	return t.data[at:][:n]
}

// number returns the first value of an entry as a whole number, or 0.
func (t tiffFile) number(e tiffEntry) int64 {
	v := t.numbers(e)
	if len(v) == 0 {
		return 0
	}
	return v[0]
}

// numbers returns the values of an entry as whole numbers.
func (t tiffFile) numbers(e tiffEntry) []int64 {
	const ascii, rational, signedRational, float, double = 2, 5, 10, 11, 12
	b := t.bytes(e)
	if e.kind == ascii {
		v, _ := strconv.ParseInt(strings.Trim(string(b), " \x00"), 10, 32)
		return []int64{v}
	}
	if int(e.kind) >= len(tiffSizes) || tiffSizes[e.kind] == 0 {
		return nil
	}
	size := tiffSizes[e.kind]
	values := make([]int64, 0, len(b)/size)
	for ; len(b) >= size; b = b[size:] {
		var v int64
		switch {
		case e.kind == float:
			v = int64(math.Float32frombits(t.order.Uint32(b)))
		case e.kind == double:
			v = int64(math.Float64frombits(t.order.Uint64(b)))
		case size == 1:
			v = int64(b[0])
		case size == 2:
			v = int64(t.order.Uint16(b))
		case size == 4:
			v = int64(t.order.Uint32(b))
		case e.kind == rational || e.kind == signedRational:
			if d := t.order.Uint32(b[4:]); d != 0 {
				v = int64(t.order.Uint32(b) / d)
			}
		}
		values = append(values, v)
	}
	return values
}

// xmpProperty finds the property of XMP as an attribute or an element.
var xmpProperty = regexp.MustCompile(`([\w.-]+):Orientation(?:\s*=\s*["']|\s*>)\s*([1-8])\s*["'<]`)

// xmpOrientation returns tiff:Orientation of an XMP packet, or 0 (XMP
// specification part 2, section 2.6). The prefix is tiff by custom only.
func xmpOrientation(packet []byte) int {
	for _, found := range xmpProperty.FindAllSubmatch(packet, -1) {
		prefix := string(found[1])
		declared := regexp.MustCompile(`xmlns:` + regexp.QuoteMeta(prefix) + `\s*=\s*["']http://ns\.adobe\.com/tiff/1\.0/["']`)
		if prefix == "tiff" || declared.Match(packet) {
			return int(found[2][0] - '0')
		}
	}
	return 0
}

// maxText bounds what compressed metadata of a PNG may become.
const maxText = 1 << 20

// addPNG notes what a chunk of a PNG says: eXIf, XMP in iTXt, and what
// ImageMagick writes, a "Raw profile" in hexadecimal digits in any text chunk.
func (m *metadata) addPNG(kind string, body []byte) {
	if kind == "eXIf" {
		m.addEXIF(body)
		return
	}
	keyword, text, ok := pngText(kind, body)
	if !ok {
		return
	}
	switch keyword {
	case "XML:com.adobe.xmp":
		m.xmp = append(m.xmp, text)
	case "Raw profile type exif", "Raw profile type APP1":
		profile := rawProfile(text)
		if bytes.HasPrefix(profile, []byte(xmpName)) {
			m.xmp = append(m.xmp, profile[len(xmpName):])
		} else {
			m.addEXIF(profile)
		}
	case "Raw profile type xmp":
		m.xmp = append(m.xmp, rawProfile(text))
	}
}

// pngText takes a chunk of text apart (PNG, sections 11.3.3.2 to 11.3.3.4).
func pngText(kind string, body []byte) (keyword string, text []byte, ok bool) {
	name, rest, found := bytes.Cut(body, []byte{0})
	if !found {
		return "", nil, false
	}
	packed := false
	switch kind {
	case "tEXt":
	case "zTXt":
		if len(rest) < 1 {
			return "", nil, false
		}
		packed, rest = true, rest[1:]
	case "iTXt":
		if len(rest) < 2 {
			return "", nil, false
		}
		packed, rest = rest[0] == 1, rest[2:]
		for range 2 { // a language and a translated keyword
			if _, rest, found = bytes.Cut(rest, []byte{0}); !found {
				return "", nil, false
			}
		}
	default:
		return "", nil, false
	}
	if packed {
		z, err := zlib.NewReader(bytes.NewReader(rest))
		if err != nil {
			return "", nil, false
		}
		defer z.Close()
		rest, _ = io.ReadAll(io.LimitReader(z, maxText)) // what can be read may do
	}
	return string(name), rest, true
}

// rawProfile decodes what ImageMagick writes: a name, a count of bytes, and the
// bytes in hexadecimal digits, each on lines of their own.
func rawProfile(text []byte) []byte {
	fields := strings.Fields(string(text))
	if len(fields) < 3 {
		return nil
	}
	digits := strings.Join(fields[2:], "")
	out, _ := hex.DecodeString(digits) // what can be read may do
	return out
}

// xmpName begins a segment of a JPEG that has XMP (XMP specification part 3,
// section 1.1.3).
const xmpName = "http://ns.adobe.com/xap/1.0/\x00"

// addJPEG notes what an APP1 segment of a JPEG says.
func (m *metadata) addJPEG(body []byte) {
	switch {
	case bytes.HasPrefix(body, []byte("Exif\x00")):
		m.addEXIF(body)
	case bytes.HasPrefix(body, []byte(xmpName)):
		m.xmp = append(m.xmp, body[len(xmpName):])
	}
}

// addTIFF notes what a TIFF says of itself.
func (m *metadata) addTIFF(data []byte) {
	m.exif = append(m.exif, data)
	if t, ok := openTIFF(data); ok {
		m.xmp = append(m.xmp, t.bytes(t.directory(t.first)[tagXMP]))
	}
}
