package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"engram/data/internal/numeric"
)

const (
	lengthBytes = 8
	metadataKey = "__metadata__"
	// maxHeader bounds the JSON: 100,000 tensors take about 10 MB. The
	// reference implementation stops at 100 MB.
	maxHeader = 32 << 20
)

// entry is what the header says about one tensor.
type entry struct {
	name       string
	dtype      dtype
	shape      []int
	count      int   // elements
	begin, end int64 // bytes, from the end of the header
}

// header is a checked header.
type header struct {
	metadata map[string]string
	entries  []entry // in the order of their bytes
	data     int64   // where the tensors begin in the file
}

// readHeader reads and checks the header of a file of size bytes.
func readHeader(r io.ReaderAt, size int64) (*header, error) {
	var length [lengthBytes]byte
	if size < lengthBytes {
		return nil, fmt.Errorf("the header's length takes %d bytes, the file has %d", lengthBytes, size)
	}
	if _, err := r.ReadAt(length[:], 0); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader {
		return nil, fmt.Errorf("the header takes %d bytes, at most %d are accepted", n, maxHeader)
	}
	if int64(n) > size-lengthBytes {
		return nil, fmt.Errorf("the header takes %d bytes, the file has %d after its length", n, size-lengthBytes)
	}
	text := make([]byte, n)
	if _, err := r.ReadAt(text, lengthBytes); err != nil {
		return nil, err
	}
	h, err := parseHeader(text)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("the header's %d bytes of JSON end early", n)
	}
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	h.data = lengthBytes + int64(n)
	return h, h.checkOffsets(size - h.data)
}

// parseHeader reads the JSON object, refusing names that come twice.
func parseHeader(text []byte) (*header, error) {
	if !bytes.HasPrefix(text, []byte("{")) {
		return nil, fmt.Errorf("wanted a JSON object, found %q", text[:min(20, len(text))])
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	h := &header{}
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string) // keys are strings, or Token fails
		if seen[name] {
			return nil, fmt.Errorf("%q comes twice", name)
		}
		seen[name] = true
		if name == metadataKey {
			err = decoder.Decode(&h.metadata)
		} else {
			var e entry
			e, err = decodeEntry(decoder)
			e.name = name
			h.entries = append(h.entries, e)
		}
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
	}
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	if rest := bytes.TrimRight(text[decoder.InputOffset():], " "); len(rest) > 0 {
		return nil, fmt.Errorf("wanted nothing after the JSON object, found %q", rest[:min(20, len(rest))])
	}
	return h, nil
}

// decodeEntry reads the description of one tensor.
func decodeEntry(decoder *json.Decoder) (entry, error) {
	var said struct {
		Dtype   *string `json:"dtype"`
		Shape   []int64 `json:"shape"`
		Offsets []int64 `json:"data_offsets"`
	}
	if err := decoder.Decode(&said); err != nil {
		return entry{}, err
	}
	if said.Dtype == nil || said.Shape == nil || len(said.Offsets) != 2 {
		return entry{}, errors.New("wanted dtype, shape and two data_offsets")
	}
	e := entry{begin: said.Offsets[0], end: said.Offsets[1], shape: make([]int, len(said.Shape))}
	var err error
	if e.dtype, err = parseDtype(*said.Dtype); err != nil {
		return entry{}, err
	}
	for i, n := range said.Shape {
		if n > math.MaxInt {
			return entry{}, fmt.Errorf("shape %v is larger than any memory", said.Shape)
		}
		e.shape[i] = int(n)
	}
	if e.count, err = numeric.Count(e.shape); err != nil {
		return entry{}, err
	}
	if e.begin < 0 || e.end < e.begin || e.end-e.begin != int64(e.count)*int64(e.dtype.size) {
		return entry{}, fmt.Errorf("%s %s takes %d bytes, the offsets are %d to %d",
			numeric.ShapeString(e.shape), e.dtype.name, int64(e.count)*int64(e.dtype.size), e.begin, e.end)
	}
	return e, nil
}

// checkOffsets sorts the tensors by place and makes sure that they fill the
// size bytes of data without overlaps or holes.
func (h *header) checkOffsets(size int64) error {
	slices.SortFunc(h.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end), cmp.Compare(a.name, b.name))
	})
	at := int64(0)
	for _, e := range h.entries {
		if e.begin != at {
			return fmt.Errorf("header: %q begins at byte %d, the tensor before it ends at %d", e.name, e.begin, at)
		}
		at = e.end
	}
	if at != size {
		return fmt.Errorf("header says %d bytes of tensors, the file has %d", at, size)
	}
	return nil
}
