package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"engram/data/internal/numeric"
	"engram/data/vfs"
)

// Tensor is one array in C order.
type Tensor struct {
	Shape []int // empty for a scalar
	// Data is a slice of as many elements as Shape says: []bool, []int8 to
	// []int64, []uint8 to []uint64, []float32 or []float64. F16 and BF16
	// arrive as []float32.
	Data any
}

// Reader reads tensors from an open file. It is safe for concurrent use until
// Close.
type Reader struct {
	metadata map[string]string
	entries  map[string]entry
	name     string // of the file in messages, with a colon
	r        io.ReaderAt
	data     int64
	close    func() error
}

// Open opens the file at path and checks its header against its size.
func Open(path string) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	reader, err := openFile(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("safetensors: %s: %w", path, err), f.Close())
	}
	reader.name, reader.close = path+": ", f.Close
	return reader, nil
}

func openFile(f *os.File) (*Reader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("wanted a file, found %s", info.Mode().Type())
	}
	return newReader(f, info.Size())
}

// NewReader reads tensors from size bytes of r, such as a file embedded in the
// program. Close does nothing.
func NewReader(r io.ReaderAt, size int64) (*Reader, error) {
	reader, err := newReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	return reader, nil
}

func newReader(r io.ReaderAt, size int64) (*Reader, error) {
	h, err := readHeader(r, size)
	if err != nil {
		return nil, err
	}
	reader := &Reader{metadata: h.metadata, entries: map[string]entry{}, r: r, data: h.data,
		close: func() error { return nil }}
	for _, e := range h.entries {
		reader.entries[e.name] = e
	}
	return reader, nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.close() }

// Metadata returns the free text that the file carries, which may be nil.
func (r *Reader) Metadata() map[string]string { return maps.Clone(r.metadata) }

// Names returns the names of all tensors, sorted.
func (r *Reader) Names() []string { return slices.Sorted(maps.Keys(r.entries)) }

// Shape returns the shape of a tensor, and whether there is one of this name.
func (r *Reader) Shape(name string) ([]int, bool) {
	e, ok := r.entries[name]
	return slices.Clone(e.shape), ok
}

// Tensor reads one tensor.
func (r *Reader) Tensor(name string) (Tensor, error) {
	e, ok := r.entries[name]
	if !ok {
		return Tensor{}, fmt.Errorf("safetensors: %sthere is no tensor %q among %d", r.name, name, len(r.entries))
	}
	section := io.NewSectionReader(r.r, r.data+e.begin, e.end-e.begin)
	data, err := e.dtype.read(section, e.count)
	if err != nil {
		return Tensor{}, fmt.Errorf("safetensors: %stensor %q: %w", r.name, name, err)
	}
	return Tensor{Shape: slices.Clone(e.shape), Data: data}, nil
}

// ReadFile reads all tensors and the metadata of the file at path.
func ReadFile(path string) (tensors map[string]Tensor, metadata map[string]string, err error) {
	r, err := Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	tensors = make(map[string]Tensor, len(r.entries))
	for name := range r.entries {
		if tensors[name], err = r.Tensor(name); err != nil {
			return nil, nil, err
		}
	}
	return tensors, r.metadata, nil
}

// WriteFile writes tensors and metadata, which may be nil, replacing the file
// at path atomically. The same tensors and metadata make the same
// bytes: tensors are ordered as by the reference implementation, widest elements
// first and then by name.
func WriteFile(fsys vfs.FS, path string, tensors map[string]Tensor, metadata map[string]string) error {
	text, parts, err := layOut(tensors, metadata)
	if err != nil {
		return fmt.Errorf("safetensors: %s: %w", path, err)
	}
	err = vfs.WriteFileFS(fsys, path, func(w io.Writer) error {
		if err := binary.Write(w, binary.LittleEndian, uint64(len(text))); err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
		for _, p := range parts {
			if err := p.write(w); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("safetensors: %s: %w", path, err)
	}
	return nil
}

// part is one tensor on its way into a file.
type part struct {
	encoder
	name  string
	shape []int
}

// layOut returns the header's JSON, padded to a multiple of 8 bytes, and the
// tensors in the order of their bytes.
func layOut(tensors map[string]Tensor, metadata map[string]string) ([]byte, []part, error) {
	parts := make([]part, 0, len(tensors))
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		p, err := newPart(name, tensors[name])
		if err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		parts = append(parts, p)
	}
	slices.SortStableFunc(parts, func(a, b part) int { return a.rank - b.rank })

	fields := make([]string, 0, len(parts)+1)
	if metadata != nil {
		fields = append(fields, quote(metadataKey)+":"+quote(metadata))
	}
	at := int64(0)
	for _, p := range parts {
		end := at + int64(p.count)*int64(p.dtype.size)
		fields = append(fields, fmt.Sprintf(`%s:{"dtype":"%s","shape":%s,"data_offsets":[%d,%d]}`,
			quote(p.name), p.dtype.name, quote(p.shape), at, end))
		at = end
	}
	text := "{" + strings.Join(fields, ",") + "}"
	if len(text) > maxHeader-8 {
		return nil, nil, fmt.Errorf("the header would take %d bytes, at most %d are read", len(text), maxHeader-8)
	}
	for len(text)%8 != 0 {
		text += " "
	}
	return []byte(text), parts, nil
}

// newPart checks a tensor.
func newPart(name string, t Tensor) (part, error) {
	if name == metadataKey || !utf8.ValidString(name) {
		return part{}, errors.New("the name is kept for the metadata or is not UTF-8")
	}
	enc, err := newEncoder(t.Data)
	if err != nil {
		return part{}, err
	}
	count, err := numeric.Count(t.Shape)
	if err != nil {
		return part{}, err
	}
	if count != enc.count {
		return part{}, fmt.Errorf("shape %s does not fit %d elements", numeric.ShapeString(t.Shape), enc.count)
	}
	return part{enc, name, append([]int{}, t.Shape...)}, nil
}

// quote returns a string, a map of strings or a shape as JSON.
func quote(v any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic("safetensors: strings and integers always make JSON: " + err.Error())
	}
	return strings.TrimSuffix(b.String(), "\n")
}
