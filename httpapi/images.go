package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"engram/index"
)

// Image is an opened image file.
type Image struct {
	Content     io.ReadSeekCloser
	ContentType string    // image/…
	ModTime     time.Time // zero where unknown
	ETag        string    // quoted, "" where unknown
}

// ImageSource finds the original image of an item. It must be safe for
// concurrent use.
type ImageSource interface {
	// Open opens the image of item; the caller closes its Content. It returns
	// fs.ErrNotExist, wrapped, where the item has no image or the file is
	// gone or is no image.
	Open(ctx context.Context, item index.Item) (Image, error)
}

// Folder is the ImageSource of an index made from a folder: the payload's
// "path" is the file's path in that folder, or its absolute path. Whatever
// the payload says, no file outside the folder is opened, not even through a
// symbolic link: such a path is fs.ErrNotExist.
type Folder struct {
	root *os.Root
	path string // absolute
}

// OpenFolder opens the folder at path. The caller closes it.
func OpenFolder(path string) (*Folder, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("image folder: %w", err)
	}
	root, err := os.OpenRoot(absolute)
	if err != nil {
		return nil, fmt.Errorf("image folder: %w", err)
	}
	return &Folder{root: root, path: absolute}, nil
}

// Close releases the folder. Images already opened stay open.
func (f *Folder) Close() error { return f.root.Close() }

// Open implements ImageSource.
func (f *Folder) Open(_ context.Context, item index.Item) (Image, error) {
	name, ok := item.Payload[index.KeyPath].(string)
	if !ok {
		return Image{}, fmt.Errorf("item %d has no path: %w", item.ID, fs.ErrNotExist)
	}
	name = filepath.FromSlash(name)
	if filepath.IsAbs(name) {
		relative, err := filepath.Rel(f.path, name)
		if err != nil {
			return Image{}, fmt.Errorf("item %d: %w: %w", item.ID, err, fs.ErrNotExist)
		}
		name = relative
	}
	if !filepath.IsLocal(name) {
		return Image{}, fmt.Errorf("item %d: %s is outside the image folder: %w", item.ID, name, fs.ErrNotExist)
	}
	// Stat comes before Open, because opening a pipe would block.
	info, err := f.root.Stat(name)
	if err != nil {
		return Image{}, fmt.Errorf("item %d: %w: %w", item.ID, err, fs.ErrNotExist)
	}
	if !info.Mode().IsRegular() {
		return Image{}, fmt.Errorf("item %d: %s is not a file: %w", item.ID, name, fs.ErrNotExist)
	}
	file, err := f.root.Open(name)
	if err != nil {
		return Image{}, fmt.Errorf("item %d: %w", item.ID, err)
	}
	contentType, err := sniffImage(file)
	if err != nil {
		return Image{}, errors.Join(fmt.Errorf("item %d: %s: %w", item.ID, name, err), file.Close())
	}
	return Image{
		Content:     file,
		ContentType: contentType,
		ModTime:     info.ModTime(),
		ETag:        fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size()),
	}, nil
}

// sniffImage tells the type of an image by its first bytes, because names lie,
// and leaves r at the start. Anything but an image is fs.ErrNotExist: an index
// must not become a way to read other files.
func sniffImage(r io.ReadSeeker) (string, error) {
	head := make([]byte, 512)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	head = head[:n]
	if bytes.HasPrefix(head, []byte("II*\x00")) || bytes.HasPrefix(head, []byte("MM\x00*")) {
		return "image/tiff", nil
	}
	contentType := http.DetectContentType(head)
	if !strings.HasPrefix(contentType, "image/") {
		return "", fmt.Errorf("%s is not an image: %w", contentType, fs.ErrNotExist)
	}
	return contentType, nil
}
