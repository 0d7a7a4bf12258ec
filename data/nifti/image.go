package nifti

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"strings"

	"engram/data/gzipstream"
)

// ErrTooLarge reports an image of more bytes than the caller of Read accepts.
var ErrTooLarge = errors.New("too large")

// maxDeflate is the most bytes that one byte of a gzip file can stand for
// (https://zlib.net/zlib_tech.html, "Maximum Compression Factor").
const maxDeflate = 1032

// Image is an open image: its header, and its volumes one at a time.
type Image struct {
	// Shape has the length of each axis as in the header: X, Y, Z, time and
	// up to three more.
	Shape []int
	// Type is the type of the voxels in the file, such as "int16".
	Type string
	// Geometry says where the voxels lie.
	Geometry Geometry

	name     string // of the file in messages, with a colon; "" for a stream
	h        *header
	voxels   func() (file, error) // a stream that begins at the first voxel
	most     int64                // bytes that may follow the last voxel
	trailing int64                // bytes that do
}

// maxTrailing bounds the bytes after the last voxel of a stream.
const maxTrailing = 1 << 16

// newImage returns the image of header h.
func newImage(name string, h *header, most int64, voxels func() (file, error)) *Image {
	return &Image{Shape: h.shape, Type: h.voxelType.name, Geometry: h.geometry, name: name, h: h, most: most, voxels: voxels}
}

// NumVolumes returns the number of volumes: the product of the axes after Z.
func (img *Image) NumVolumes() int { return img.h.volumes }

// Trailing returns how many bytes follow the last voxel, in the image or after the
// end of its gzip stream. They are no part of the image, as for nibabel. The number
// is known once Volumes has come to its end.
func (img *Image) Trailing() int64 { return img.trailing }

// Open reads the header of the image at path: .nii, .nii.gz, or either half of
// a pair .hdr and .img. Each may be gzipped, with .gz at the end of its name. No
// file stays open.
func Open(path string) (*Image, error) {
	img, err := openImage(path)
	if err != nil {
		return nil, fmt.Errorf("nifti: %s: %w", path, err)
	}
	return img, nil
}

func openImage(path string) (*Image, error) {
	headerPath, dataPath := halves(path)
	f, err := openFile(headerPath)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h, _, err := readHeader(f)
	if err != nil {
		return nil, err
	}
	if !h.pair {
		dataPath = headerPath
	} else if dataPath == headerPath {
		return nil, errors.New("the header says that the voxels are in an .img file, wanted a name that ends in .hdr or .img")
	}
	if err := checkSize(dataPath, h); err != nil {
		if h.pair {
			err = fmt.Errorf("the voxels of a pair of files: %w", err)
		}
		return nil, err
	}
	return newImage(path+": ", h, math.MaxInt64, func() (file, error) {
		f, err := openFile(dataPath)
		if err != nil {
			return file{}, err
		}
		if err := skip(f, h.offset); err != nil {
			return file{}, errors.Join(err, f.Close())
		}
		return f, nil
	}), nil
}

// halves returns the header's and the voxels' file of a pair; of a single file
// both are path itself.
func halves(path string) (headerPath, dataPath string) {
	base, gz := strings.CutSuffix(path, ".gz")
	suffix := ""
	if gz {
		suffix = ".gz"
	}
	for _, ending := range []string{".hdr", ".img"} {
		if stem, ok := strings.CutSuffix(base, ending); ok {
			return stem + ".hdr" + suffix, stem + ".img" + suffix
		}
	}
	return path, path
}

// file is an open file, unpacked where it is gzipped.
type file struct {
	io.Reader
	io.Closer
	packed *gzipstream.Reader // nil where it is not gzipped
}

// openFile opens a file for reading through gzip where it begins like one.
func openFile(path string) (file, error) {
	f, err := os.Open(path)
	if err != nil {
		return file{}, err
	}
	out, err := unpacked(f, f)
	if err != nil {
		return file{}, errors.Join(err, f.Close())
	}
	return out, nil
}

// unpacked returns r, decompressed where it begins with the magic number of gzip.
func unpacked(r io.Reader, c io.Closer) (file, error) {
	buffered := bufio.NewReaderSize(r, 1<<16)
	// Fewer than two bytes are reported when the header is read.
	front, err := buffered.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return file{}, err
	}
	if !gzipstream.Is(front) {
		return file{Reader: buffered, Closer: c}, nil
	}
	packed, err := gzipstream.NewReader(buffered)
	return file{packed, c, packed}, err
}

// checkSize compares what the header says with the size of the file that holds
// the voxels, as far as that can be told without unpacking it.
func checkSize(path string, h *header) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	content, err := unpacked(f, f)
	if err != nil {
		return err
	}
	gzipped := content.packed != nil
	switch found, wanted := info.Size(), h.offset+h.bytes(); {
	case gzipped && wanted/maxDeflate > found:
		return fmt.Errorf("header says %s from byte %d, more than a gzip file of %d bytes can hold", h, h.offset, found)
	case !gzipped && found < wanted:
		return fmt.Errorf("header says %s from byte %d, the file ends at byte %d", h, h.offset, found)
	}
	return nil
}

// skip discards n bytes of r.
func skip(r io.Reader, n int64) error {
	skipped, err := io.CopyN(io.Discard, r, n)
	return short(err, "the voxels begin at byte %d, the file ends at byte %d", n, skipped)
}

// Read reads the header of a single-file image, plain or gzipped, from r. Its
// volumes can be read once. An image of more than maxBytes bytes, unpacked, is
// refused (ErrTooLarge), so that a small body cannot stand for a large image.
func Read(r io.Reader, maxBytes int64) (*Image, error) {
	img, err := readImage(r, maxBytes)
	if err != nil {
		return nil, fmt.Errorf("nifti: %w", err)
	}
	return img, nil
}

func readImage(r io.Reader, maxBytes int64) (*Image, error) {
	content, err := unpacked(r, io.NopCloser(nil))
	if err != nil {
		return nil, err
	}
	h, taken, err := readHeader(content)
	if err != nil {
		return nil, err
	}
	if h.pair {
		return nil, errors.New("the header says that the voxels are in an .img file, wanted header and voxels together")
	}
	if h.offset+h.bytes() > maxBytes {
		return nil, fmt.Errorf("header says %s from byte %d, at most %d are accepted: %w", h, h.offset, maxBytes, ErrTooLarge)
	}
	read := false
	return newImage("", h, maxTrailing, func() (file, error) {
		if read {
			return file{}, errors.New("the volumes of a stream can be read once")
		}
		read = true
		return content, skip(content, h.offset-taken)
	}), nil
}

// Volumes yields every volume as X·Y·Z scaled values in C order. The slice is
// overwritten by the next one. The first error ends the sequence. Bytes after the
// last volume are counted, see Trailing.
func (img *Image) Volumes() iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		if err := img.eachVolume(func(v []float32) bool { return yield(v, nil) }); err != nil {
			yield(nil, fmt.Errorf("nifti: %s%w", img.name, err))
		}
	}
}

// eachVolume calls do with every volume until it returns false.
func (img *Image) eachVolume(do func([]float32) bool) error {
	r, err := img.voxels()
	if err != nil {
		return err
	}
	defer r.Close()
	var raw []byte
	var volume []float32
	for i := range img.h.volumes {
		if raw, err = readVolume(r, raw, img.h.voxels*img.h.voxelType.size); err != nil {
			return short(err, "header says %s, the voxels end in volume %d after %d bytes of it", img.h, i, len(raw))
		}
		if volume == nil {
			volume = make([]float32, img.h.voxels)
		}
		img.h.decode(volume, raw)
		if !do(volume) {
			return nil
		}
	}
	return img.readRest(r)
}

// readRest reads on to the end, so that gzip compares its checksum, and counts the
// bytes on the way.
func (img *Image) readRest(r file) error {
	n, err := io.Copy(io.Discard, io.LimitReader(r, img.most))
	if err != nil {
		return err
	}
	if n == img.most {
		return fmt.Errorf("header says %s, there are more than %d bytes after them", img.h, n-1)
	}
	img.trailing = n
	if r.packed != nil {
		img.trailing += r.packed.Trailing()
	}
	return nil
}

// readVolume reads size bytes into raw, which grows with what arrives: a
// header alone must not cost the memory of the volume that it claims.
func readVolume(r io.Reader, raw []byte, size int) ([]byte, error) {
	const step = 1 << 20
	raw = raw[:0]
	for len(raw) < size {
		have := len(raw)
		n := min(size-have, max(step, cap(raw)-have))
		raw = append(raw, make([]byte, n)...)
		got, err := io.ReadFull(r, raw[have:])
		if err != nil {
			return raw[:have+got], err
		}
	}
	return raw, nil
}
