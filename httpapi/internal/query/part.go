package query

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"engram/data/npy"
	"engram/embed"
	"engram/httpapi/internal/problem"
	"engram/index"
)

// What a part of a query can be; the same words in addresses, form fields and
// answers.
const (
	KindText   = "text"
	KindImage  = "image"
	KindVector = "vector"
	KindScan   = "scan"
	KindItem   = "item"
	KindTrial  = "trial"
	// KindParts is a query of several parts, in answers.
	KindParts = "parts"
)

const (
	// maxParts bounds the parts of a query, each of which may take a run of a model.
	maxParts = 16
	// MaxRepeats bounds the rows of one scan. Studies show an image three to twelve times.
	// An array with more rows usually holds scans of several images, and their mean would
	// mean nothing.
	MaxRepeats = 32
)

// Part is one part of a query; kind says which of the fields it has.
type Part struct {
	Kind    string
	Weight  float64 // negative: less of it
	Text    string
	Image   []byte
	Vector  []float32
	Repeats [][]float32 // of a scan
	// Flat says that the one row of Repeats may be several, one behind the other: its numbers came
	// without a shape.
	Flat   bool
	Volume []byte // of a scan in place of Repeats: a NIfTI file, whose voxels a mask finds
	Item   index.ID
	Trial  string
}

// Plain tells whether a query is this part alone.
func (q *Query) Plain() bool { return len(q.Parts) == 1 && !q.listed }

// add adds a part of weight 1 to the query.
func (q *Query) add(p Part) error {
	if len(q.Parts) == maxParts {
		return fmt.Errorf("the query has more than %d parts: %w", maxParts, problem.ErrQuery)
	}
	p.Weight = 1
	q.Parts = append(q.Parts, p)
	return nil
}

// Items returns the items of the query, which are left out of the hits.
func (q *Query) Items() (ids []index.ID) {
	for _, p := range q.Parts {
		if p.Kind == KindItem {
			ids = append(ids, p.Item)
		}
	}
	return ids
}

// reader returns the function that reads the file of a part of the given kind, or nil.
func reader(kind string) func([]byte) (Part, error) {
	switch kind {
	case KindImage:
		return readImage
	case KindScan:
		return readScan
	case KindVector:
		return readVector
	}
	return nil
}

// readField reads a part from a form, where everything is bytes. A file of the type
// application/octet-stream may be the numbers of a scan or a vector alone.
func readField(name, contentType string, raw []byte) (Part, error) {
	if read := reader(name); read != nil {
		if contentType == "application/octet-stream" {
			read = rawReader(name, read)
		}
		return read(raw)
	}
	switch name {
	case KindText:
		return textPart(string(raw))
	case KindItem:
		id, err := ParseID(string(raw))
		return Part{Kind: KindItem, Item: id}, err
	}
	return Part{Kind: KindTrial, Trial: string(raw)}, nil
}

func textPart(text string) (Part, error) {
	return Part{Kind: KindText, Text: text}, embed.CheckText(text)
}

func readImage(raw []byte) (Part, error) {
	if len(raw) == 0 {
		return Part{}, fmt.Errorf("the image has no bytes: %w", problem.ErrBody)
	}
	return Part{Kind: KindImage, Image: raw}, nil
}

// readScan reads an npy array of shape [voxels] or [repeats, voxels], or keeps a NIfTI file
// for whoever has the mask.
func readScan(raw []byte) (Part, error) {
	if looksLikeNIfTI(raw) {
		return Part{Kind: KindScan, Volume: raw}, nil
	}
	shape, values, err := readNpy(raw)
	if err != nil {
		return Part{}, err
	}
	rows := 1
	switch len(shape) {
	case 1:
	case 2:
		rows = shape[0]
	default:
		return Part{}, fmt.Errorf("the scan has shape %v, wanted [voxels] or [repeats, voxels]: %w", shape, problem.ErrVoxels)
	}
	if rows < 1 || rows > MaxRepeats {
		return Part{}, fmt.Errorf("the scan has shape %v: its rows are repeats of one image, 1 to %d of them; send one trial: %w",
			shape, MaxRepeats, problem.ErrVoxels)
	}
	voxels := len(values) / rows
	p := Part{Kind: KindScan, Repeats: make([][]float32, rows)}
	for i := range p.Repeats {
		p.Repeats[i] = values[i*voxels : (i+1)*voxels]
	}
	return p, nil
}

// readVector reads an npy array of shape [D] or [1, D].
func readVector(raw []byte) (Part, error) {
	shape, values, err := readNpy(raw)
	if err != nil {
		return Part{}, err
	}
	if len(shape) != 1 && (len(shape) != 2 || shape[0] != 1) {
		return Part{}, fmt.Errorf("the vector has shape %v, wanted [D] or [1, D]: %w", shape, index.ErrDimension)
	}
	return Part{Kind: KindVector, Vector: values}, nil
}

// rawReader returns a reader of a scan or a vector that also takes the numbers alone,
// float32 in little-endian order. file reads files of the kind.
func rawReader(kind string, file func([]byte) (Part, error)) func([]byte) (Part, error) {
	return func(raw []byte) (Part, error) {
		if kind == KindImage || bytes.HasPrefix(raw, []byte(npy.Magic)) || looksLikeNIfTI(raw) && !plausible(raw) {
			return file(raw)
		}
		if len(raw)%4 != 0 {
			return Part{}, fmt.Errorf("the body has %d bytes: wanted an npy file, or float32 numbers of 4 bytes each: %w", len(raw), problem.ErrBody)
		}
		row := floatsOf(raw)
		if kind == KindVector {
			return Part{Kind: KindVector, Vector: row}, nil
		}
		return Part{Kind: KindScan, Repeats: [][]float32{row}, Flat: true}, nil
	}
}

// floatsOf returns numbers of four bytes each, float32 in little-endian order.
func floatsOf(raw []byte) []float32 {
	row := make([]float32, len(raw)/4)
	for i := range row {
		row[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return row
}

// readNpy reads the array of an npy file as float32.
func readNpy(raw []byte) (shape []int, values []float32, err error) {
	if looksLikeNIfTI(raw) {
		return nil, nil, fmt.Errorf("this is a NIfTI or gzip file, wanted the numbers of a vector as npy: %w", problem.ErrMediaType)
	}
	array, err := npy.Read(bytes.NewReader(raw), int64(len(raw)))
	if errors.Is(err, npy.ErrTooLarge) { // for what there is of it
		return nil, nil, fmt.Errorf("the npy file is cut off: it has %d bytes, and its header says more: %w", len(raw), problem.ErrBody)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", err, problem.ErrBody)
	}
	return array.Shape, array.Float32s(), nil
}

// looksLikeNIfTI tells by the first bytes: gzip's magic, or the header size of NIfTI-1
// (348) or NIfTI-2 (540) in either byte order.
func looksLikeNIfTI(raw []byte) bool {
	for _, magic := range []string{gzipMagic, "\x5c\x01\x00\x00", "\x00\x00\x01\x5c", "\x1c\x02\x00\x00", "\x00\x00\x02\x1c"} {
		if bytes.HasPrefix(raw, []byte(magic)) {
			return true
		}
	}
	return false
}

// gzipMagic is followed by 8, the only method, and flags below 32 (RFC 1952, section 2.3).
const gzipMagic = "\x1f\x8b"

// plausible reports whether a body whose first bytes are a NIfTI file's may be numbers
// all the same: gzip's magic are two bytes of a float32, and any number may have them. The
// other first bytes, and gzip's four, are of no voxel: below 1e-19 or above 1e17.
func plausible(raw []byte) bool {
	return bytes.HasPrefix(raw, []byte(gzipMagic)) && len(raw) > 3 && (raw[2] != 8 || raw[3] >= 32)
}
