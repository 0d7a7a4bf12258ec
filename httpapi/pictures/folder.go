package pictures

import (
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

	"engram/data/images"
	"engram/index"
)

// Image is an opened image file.
type Image struct {
	Content     io.ReadSeekCloser
	ContentType string    // image/…
	ModTime     time.Time // zero where unknown
	ETag        string    // quoted, "" where unknown
}

// Source finds the original image of an item. It must be safe for
// concurrent use.
type Source interface {
	// Names reports whether a payload names an image, which may be gone.
	Names(payload index.Payload) bool
	// Open opens the image of item; the caller closes its Content. It returns
	// fs.ErrNotExist, wrapped, where the item has no image or the file is
	// gone or is no image.
	Open(ctx context.Context, item index.Item) (Image, error)
}

// Folder is the Source of an index whose images lie below a folder. A payload
// names the file of its image under "path" or "image_path", as a path in that
// folder or an absolute path, or a sample of a tar in it under "shard" or "tar"
// and "key". Whatever the payload says, no file outside the folder is opened, not
// even through a symbolic link: such a path is fs.ErrNotExist.
type Folder struct {
	root *os.Root
	path string // absolute
	tars tarMembers
}

// Open opens the folder at path. The caller closes it.
func Open(path string) (*Folder, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("image folder: %w", err)
	}
	root, err := os.OpenRoot(absolute)
	if err != nil {
		return nil, fmt.Errorf("image folder: %w", err)
	}
	return &Folder{root: root, path: absolute, tars: tarMembers{root: root}}, nil
}

// Close releases the folder. Images already opened stay open.
func (f *Folder) Close() error { return f.root.Close() }

// Names implements Source.
func (f *Folder) Names(p index.Payload) bool {
	if _, _, inTar := tarSample(p); inTar {
		return true
	}
	_, named := imageFile(p)
	return named
}

// Open implements Source.
func (f *Folder) Open(ctx context.Context, item index.Item) (Image, error) {
	image, err := f.open(ctx, item.Payload)
	if err != nil {
		return Image{}, fmt.Errorf("item %d: %w", item.ID, err)
	}
	return image, nil
}

func (f *Folder) open(ctx context.Context, p index.Payload) (Image, error) {
	if shard, key, inTar := tarSample(p); inTar {
		name, err := f.local(shard)
		if err != nil {
			return Image{}, err
		}
		return f.tars.open(ctx, name, key, p)
	}
	file, named := imageFile(p)
	if !named {
		return Image{}, fmt.Errorf("it names no image: %w", fs.ErrNotExist)
	}
	name, err := f.local(file)
	if err != nil {
		return Image{}, err
	}
	opened, info, err := openRegular(f.root, name)
	if err != nil {
		return Image{}, err
	}
	contentType, err := sniffImage(opened)
	if err != nil {
		return Image{}, errors.Join(fmt.Errorf("%s: %w", name, err), opened.Close())
	}
	return Image{
		Content:     opened,
		ContentType: contentType,
		ModTime:     info.ModTime(),
		ETag:        fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size()),
	}, nil
}

// imageFile returns the file that a payload names as its image.
func imageFile(p index.Payload) (name string, named bool) {
	for _, key := range []string{index.KeyPath, index.KeyImagePath} {
		if name, _ := p[key].(string); name != "" && !strings.Contains(name, "://") {
			return name, true
		}
	}
	return "", false
}

// local returns a path in the folder. A path outside it is fs.ErrNotExist. Of an
// absolute path that lies elsewhere, as it was on another machine, the longest end
// that is in the folder counts.
func (f *Folder) local(name string) (string, error) {
	given := name
	name = filepath.FromSlash(name)
	if filepath.IsAbs(name) {
		relative, err := filepath.Rel(f.path, name)
		if err == nil && filepath.IsLocal(relative) {
			return relative, nil
		}
		for end := name[1:]; ; {
			if _, err := f.root.Stat(end); filepath.IsLocal(end) && err == nil {
				return end, nil
			}
			slash := strings.IndexByte(end, filepath.Separator)
			if slash < 0 {
				break
			}
			end = end[slash+1:]
		}
	}
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("%s is outside the image folder: %w", given, fs.ErrNotExist)
	}
	return name, nil
}

// Locate returns the absolute path of the file that a payload names as its image.
// It is fs.ErrNotExist where there is no such file, as for samples of tars.
func (f *Folder) Locate(p index.Payload) (string, error) {
	file, named := imageFile(p)
	if !named {
		return "", fmt.Errorf("it names no image: %w", fs.ErrNotExist)
	}
	name, err := f.local(file)
	if err != nil {
		return "", err
	}
	if info, err := f.root.Stat(name); err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not there: %w", filepath.Join(f.path, name), fs.ErrNotExist)
	}
	return filepath.Join(f.path, name), nil
}

// openRegular opens a file below root. Anything but a file is fs.ErrNotExist.
func openRegular(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	// Stat comes before Open, because opening a pipe would block.
	info, err := root.Stat(name)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", err, fs.ErrNotExist)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s is not a file: %w", name, fs.ErrNotExist)
	}
	file, err := root.Open(name)
	return file, info, err
}

// sniffImage tells the media type of an image by its first bytes, because names
// lie, and leaves r at the start. Anything but an image is fs.ErrNotExist: an index
// must not become a way to read other files.
func sniffImage(r io.ReadSeeker) (string, error) {
	head := make([]byte, images.SniffLen)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	kind := images.Sniff(head[:n])
	if mediaType := mediaTypeOf(kind); mediaType != "" {
		return mediaType, nil
	}
	if mediaType := http.DetectContentType(head[:n]); strings.HasPrefix(mediaType, "image/") { // icons, and BMP of old kinds
		return mediaType, nil
	}
	return "", fmt.Errorf("it is %s, no image: %w", kind, fs.ErrNotExist)
}

// mediaTypeOf returns the media type of images that a browser may show, "" for
// other kinds. SVG is none of them: it can hold scripts.
func mediaTypeOf(kind images.Kind) string {
	switch kind {
	case images.JPEG, images.PNG, images.GIF, images.WebP, images.BMP, images.TIFF, images.AVIF, images.HEIC:
		return "image/" + strings.ToLower(string(kind))
	case images.JXL:
		return "image/jxl"
	}
	return ""
}
