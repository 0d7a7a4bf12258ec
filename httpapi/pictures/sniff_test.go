package pictures

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"
)

func TestSniffImageKnowsTIFFAndEmptyFiles(t *testing.T) {
	for head, want := range map[string]string{
		"II*\x00rest": "image/tiff", "MM\x00*rest": "image/tiff", "\xff\xd8\xff\xe0": "image/jpeg",
		"GIF89a": "image/gif", "BMxxxx": "image/bmp", "RIFF\x00\x00\x00\x00WEBPVP8 ": "image/webp",
	} {
		r := strings.NewReader(head)
		if got, err := sniffImage(r); err != nil || got != want || r.Len() != len(head) {
			t.Errorf("%q is %q, %v with %d bytes left, want %q and all %d", head, got, err, r.Len(), want, len(head))
		}
	}
	if _, err := sniffImage(strings.NewReader("")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty file: %v, want fs.ErrNotExist", err)
	}
}

// The type of an image is told by its first bytes.
func TestTypesOfImages(t *testing.T) {
	for want, head := range map[string]string{
		"image/jpeg": "\xff\xd8\xff\xe0", "image/png": "\x89PNG\r\n\x1a\n", "image/gif": "GIF89a", "image/webp": "RIFF\x00\x00\x00\x00WEBPVP8 ",
		"image/tiff": "MM\x00*\x00\x00\x00\x08", "image/avif": "\x00\x00\x00\x1cftypavif\x00\x00\x00\x00mif1miaf", "image/heic": "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
		"image/jxl": "\xff\x0a\x00\x00", "": "<svg xmlns='http://www.w3.org/2000/svg'/>", "none": "root:x:0:0", "none ": "%PDF-1.7",
	} {
		got, err := sniffImage(bytes.NewReader([]byte(head)))
		if strings.HasPrefix(want, "image/") && (got != want || err != nil) || !strings.HasPrefix(want, "image/") && err == nil {
			t.Errorf("%q: %q, error %v, want %q", head, got, err, want)
		}
	}
}
