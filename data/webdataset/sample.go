package webdataset

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"engram/data/images"
	"engram/data/text"
)

// Sample is what a tar has under one key. It belongs to whoever gets it.
type Sample struct {
	Key   string // as in the tar, with folders: it may be absolute or have .. in it
	Index int    // position in the tar, from 0, bad samples included
	Files []File // in the order of the tar
}

// File is one file of a sample.
type File struct {
	Ext  string // what follows the first dot, in lower case: "jpg", "seg.png"
	Data []byte
}

// File returns the content of the file with an extension.
func (s *Sample) File(ext string) (data []byte, found bool) {
	for i := range s.Files {
		if s.Files[i].Ext == ext {
			return s.Files[i].Data, true
		}
	}
	return nil, false
}

// Image returns the encoded image and its extension. The sample's first file with
// one of exts is taken, in the order of exts. Without exts it is jpg, jpeg, png,
// webp or any other image that a folder may have, then a file whose last part is
// one of these, such as left.jpg, then a file that begins as an image does. Masks
// such as seg.png come after all others. The error is ErrNoImage.
func (s *Sample) Image(exts ...string) (ext string, data []byte, err error) {
	wanted := exts
	if len(exts) == 0 {
		wanted = append(slices.Clip(preferred()), images.Extensions()...)
	}
	for _, ext := range wanted {
		if data, found := s.File(ext); found {
			return ext, data, nil
		}
	}
	if len(exts) > 0 {
		return "", nil, fmt.Errorf("webdataset: %w", s.fault(ErrNoImage, "wanted "+strings.Join(exts, ", ")))
	}
	for _, suits := range []func(File) bool{
		func(f File) bool { return isImageExt(lastPart(f.Ext)) && !isMask(f.Ext) },
		func(f File) bool { return !isMask(f.Ext) && images.Sniff(f.Data).Decodes() },
		func(f File) bool { return isImageExt(lastPart(f.Ext)) },
	} {
		if i := slices.IndexFunc(s.Files, suits); i >= 0 {
			return s.Files[i].Ext, s.Files[i].Data, nil
		}
	}
	return "", nil, fmt.Errorf("webdataset: %w", s.fault(ErrNoImage, fmt.Sprintf("found %q", s.exts())))
}

// preferred are the images that come first where a sample has several.
func preferred() []string { return []string{"jpg", "jpeg", "png", "webp"} }

func isImageExt(ext string) bool { return images.IsImage("x." + ext) }

// lastPart returns what follows the last dot: jpg of left.jpg.
func lastPart(ext string) string { return ext[strings.LastIndexByte(ext, '.')+1:] }

// isMask tells files that belong to a photo and are none, by their usual names.
func isMask(ext string) bool {
	first, _, several := strings.Cut(ext, ".")
	return several && slices.Contains([]string{"seg", "mask", "masks", "depth", "label", "labels", "instance", "instances", "panoptic", "normal", "flow"}, first)
}

func (s *Sample) exts() []string {
	exts := make([]string, len(s.Files))
	for i := range s.Files {
		exts[i] = s.Files[i].Ext
	}
	return exts
}

// Caption returns the text of the txt, caption or text file without the white space
// around it, whatever it is encoded in. found is false where the sample
// has no such file; img2dataset writes an empty one where it has no caption.
func (s *Sample) Caption() (caption string, found bool) {
	for _, ext := range captionExts() {
		if data, found := s.File(ext); found {
			plain, err := text.Decode(data)
			if err != nil {
				plain = strings.ToValidUTF8(string(data), "\ufffd")
			}
			return strings.TrimSpace(plain), true
		}
	}
	return "", false
}

func captionExts() []string { return []string{"txt", "caption", "text"} }

// maxText bounds a text file that becomes a value.
const maxText = 64 << 10

// Parts returns the files of the sample beside image, caption and json: the texts
// as values by their extensions, such as cls, and the extensions of the others,
// which have no counterpart in an index. A whole number is an int64. image is the
// extension that Image returned.
func (s *Sample) Parts(image string) (values map[string]any, others []string) {
	caption := slices.IndexFunc(captionExts(), func(ext string) bool { _, found := s.File(ext); return found })
	values = map[string]any{}
	for _, f := range s.Files {
		switch {
		case f.Ext == image, f.Ext == "json", caption >= 0 && f.Ext == captionExts()[caption]:
		case len(f.Data) > maxText || !utf8.Valid(f.Data) || bytes.IndexByte(f.Data, 0) >= 0:
			others = append(others, f.Ext)
		default:
			text := strings.TrimSpace(string(f.Data))
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				values[f.Ext] = n
			} else {
				values[f.Ext] = text
			}
		}
	}
	return values, others
}
