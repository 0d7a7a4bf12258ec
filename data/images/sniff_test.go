package images_test

import (
	"archive/tar"
	"bytes"
	"io"
	"strings"
	"testing"

	"engram/data/images"
)

func TestSniff(t *testing.T) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.WriteHeader(&tar.Header{Name: "a.jpg", Size: 0, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	// The oldest tars have the same header without the magic, and its checksum.
	old := bytes.Clone(archive.Bytes()[:512])
	clear(old[257:])
	sum := 8 * int(' ')
	for i, b := range old {
		if i < 148 || i >= 156 {
			sum += int(b)
		}
	}
	copy(old[148:], []byte{byte('0' + sum>>15&7), byte('0' + sum>>12&7), byte('0' + sum>>9&7), byte('0' + sum>>6&7), byte('0' + sum>>3&7), byte('0' + sum&7), 0, ' '})

	ftyp := func(brands ...string) string {
		all := "\x00\x00\x00" + string(rune(12+4*len(brands))) + "ftyp" + brands[0] + "\x00\x00\x00\x00" + strings.Join(brands[1:], "")
		return all + strings.Repeat("\x00", 40)
	}
	for _, c := range []struct {
		name, head string
		want       images.Kind
	}{
		{"nothing", "", images.Empty},
		{"JPEG", "\xff\xd8\xff\xe1", images.JPEG},
		{"JPEG without JFIF or EXIF", "\xff\xd8\xff\xdb", images.JPEG},
		{"WebP", "RIFF\x10\x00\x00\x00WEBPVP8 ", images.WebP},
		{"another RIFF", "RIFF\x10\x00\x00\x00WAVEfmt ", images.Unknown},
		{"BMP", "BM\x00\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00", images.BMP},
		{"text that begins with BM", "BM is the abbreviation of bitmap", images.Unknown},
		{"TIFF", "MM\x00*\x00\x00\x00\x08", images.TIFF},
		{"BigTIFF", "II+\x00\x08\x00\x00\x00", images.TIFF},
		{"CR2, which is a TIFF too", "II*\x00\x10\x00\x00\x00CR\x02\x00", images.RAW},
		{"HEIC of a phone", ftyp("heic", "mif1", "heic"), images.HEIC},
		{"AVIF", ftyp("avif", "mif1", "miaf"), images.AVIF},
		{"AVIF whose major brand is HEIF's", ftyp("mif1", "avif", "miaf"), images.AVIF},
		{"HEIF of an unnamed codec", ftyp("mif1", "miaf"), images.HEIC},
		{"MP4", ftyp("isom", "mp41"), images.Video},
		{"MOV of a phone", ftyp("qt  ", "qt  "), images.Video},
		{"JPEG XL in a container", "\x00\x00\x00\x0cJXL \r\n\x87\n", images.JXL},
		{"SVG with a declaration", "<?xml version=\"1.0\"?>\n<svg xmlns=", images.SVG},
		{"another XML", "<?xml version=\"1.0\"?>\n<annotation>", images.Unknown},
		{"page of an error that was saved as a photo", "\n<!DOCTYPE HTML PUBLIC>", images.HTML},
		{"PPM", "P6\n640 480\n255\n", images.PNM},
		{"PNG", "\x89PNG\r\n\x1a\n", images.PNG},
		{"text", "Photos of the journey", images.Unknown},
		{"zip", "PK\x03\x04", images.Zip},
		{"Parquet", "PAR1\x15", images.Parquet},
		{"npy", "\x93NUMPY\x01\x00", images.NPY},
		{"tar", archive.String(), images.Tar},
		{"tar of Unix 7", string(old), images.Tar},
		{"zeros", strings.Repeat("\x00", 1024), images.Unknown},
		{"NIfTI", "\x5c\x01\x00\x00" + strings.Repeat("\x00", 340) + "n+1\x00", images.NIfTI},
	} {
		if got := images.Sniff([]byte(c.head)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		kind, r := images.SniffReader(strings.NewReader(c.head))
		if all, err := io.ReadAll(r); kind != c.want || string(all) != c.head || err != nil {
			t.Errorf("%s: a reader is of kind %s with %d bytes, %v; want %s and %d", c.name, kind, len(all), err, c.want, len(c.head))
		}
	}
}

func TestImagesAreDecodedOrAdviceIsGiven(t *testing.T) {
	for kind, want := range map[images.Kind]struct{ image, decodes bool }{
		images.JPEG: {true, true}, images.HEIC: {true, false}, images.AVIF: {true, true}, images.JXL: {true, false}, images.PNM: {true, false}, images.PDF: {}, images.Unknown: {},
	} {
		if kind.IsImage() != want.image || kind.Decodes() != want.decodes || (kind.Advice() != "") != (want.image && !want.decodes) {
			t.Errorf("%s: image %t, decodes %t, advice %q", kind, kind.IsImage(), kind.Decodes(), kind.Advice())
		}
	}
}

func FuzzSniff(f *testing.F) {
	for _, head := range []string{"", "\xff\xd8\xff", "BM", "\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00avif", "P6\n", "<?xml <svg", strings.Repeat("0", 512)} {
		f.Add([]byte(head))
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		kind := images.Sniff(head)
		if kind == "" || (kind == images.Empty) != (len(head) == 0) {
			t.Errorf("kind %q of %d bytes", kind, len(head))
		}
		if n := min(len(head), images.SniffLen); len(head) > 0 && images.Sniff(head[:n]) != kind {
			t.Errorf("the first %d bytes are %s, all are %s", n, images.Sniff(head[:n]), kind)
		}
	})
}
