package webdataset

import (
	"fmt"
	"strings"
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
// one of exts is taken, in the order of exts; the default is jpg, jpeg, png and
// webp. The error is ErrNoImage.
func (s *Sample) Image(exts ...string) (ext string, data []byte, err error) {
	if len(exts) == 0 {
		exts = []string{"jpg", "jpeg", "png", "webp"}
	}
	for _, ext := range exts {
		if data, found := s.File(ext); found {
			return ext, data, nil
		}
	}
	return "", nil, fmt.Errorf("webdataset: %w", s.fault(ErrNoImage, "wanted "+strings.Join(exts, ", ")))
}

// Caption returns the text of the txt file without the white space around it.
// Bytes that are no UTF-8 become U+FFFD. found is false where the sample has
// no such file; img2dataset writes an empty one where it has no caption.
func (s *Sample) Caption() (text string, found bool) {
	data, found := s.File("txt")
	return strings.TrimSpace(strings.ToValidUTF8(string(data), "�")), found
}
