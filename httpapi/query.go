package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"engram/data/npy"
	"engram/index"
)

// What a query can be made of; the same words in addresses, form fields and
// answers.
const (
	kindImage  = "image"
	kindVector = "vector"
	kindScan   = "scan"
	kindItem   = "item"
	kindTrial  = "trial"
)

const (
	defaultK = 10
	// maxRepeats bounds the rows of one scan. Studies show an image three to
	// a dozen times. An array with more rows holds trials of several images, whose
	// mean says nothing.
	maxRepeats = 32
)

// query is a search as the client sent it: options, and one source, which kind
// names.
type query struct {
	kind    string
	k       int
	filter  index.Filter // nil: every item
	safe    bool         // only items that index.Safe chooses
	exact   bool         // see index.Query
	recall  float64      // see index.Query
	image   []byte
	vector  []float32
	repeats [][]float32 // of a scan
	item    index.ID
	trial   string
}

// readQuery reads the body of a search in any of its forms. contentType and
// values are the request's header and the query part of its address.
func readQuery(contentType string, values url.Values, body io.Reader) (query, error) {
	q := query{k: defaultK}
	for _, name := range optionNames() {
		if values.Get(name) == "" {
			continue // it is not given: checkOptions refuses an empty one
		}
		if err := q.set(name, values.Get(name)); err != nil {
			return q, err
		}
	}
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		mediaType = contentType
	}
	read := q.fromJSON
	binary := mediaType == "application/x-npy" || mediaType == "application/octet-stream"
	if values.Has("kind") && !binary {
		return q, fmt.Errorf("kind is for a body of type application/x-npy or application/octet-stream, not %q: %w", mediaType, errQuery)
	}
	switch {
	case mediaType == "multipart/form-data":
		return q, q.readForm(multipart.NewReader(body, params["boundary"]))
	case mediaType == "application/json":
	case strings.HasPrefix(mediaType, "image/"):
		read = q.fromImage
	case binary:
		kind := values.Get("kind")
		if kind == "" {
			kind = kindScan
		}
		if read = q.reader(kind); read == nil {
			return q, fmt.Errorf("kind is %q, wanted image, scan or vector: %w", kind, errQuery)
		}
	default:
		return q, fmt.Errorf("a search is JSON, an image (image/jpeg, …), a scan or vector as npy "+
			"(application/x-npy) or a form with one of these as a file, not %q: %w", mediaType, errMediaType)
	}
	raw, err := readAll(body)
	if err != nil {
		return q, err
	}
	return q, read(raw)
}

// reader returns the method that reads a file of the given kind, or nil.
func (q *query) reader(kind string) func([]byte) error {
	switch kind {
	case kindImage:
		return q.fromImage
	case kindScan:
		return q.fromScan
	case kindVector:
		return q.fromVector
	}
	return nil
}

// optionNames returns the options of a search in the address or in a form.
func optionNames() []string { return []string{"k", "filter", "safe", "exact", "recall"} }

// set takes an option from text.
func (q *query) set(name, text string) (err error) {
	switch name {
	case "k":
		var whole bool
		if q.k, whole = wholeNumber(text); !whole {
			return fmt.Errorf("k is not a whole number: %w", errQuery)
		}
	case "filter":
		q.filter, err = index.ParseFilter(text)
	case "safe":
		q.safe, err = parseBool(name, text)
	case "exact":
		q.exact, err = parseBool(name, text)
	case "recall":
		if q.recall, err = strconv.ParseFloat(text, 64); err != nil {
			return fmt.Errorf("recall is %.20q, wanted a number: %w", text, errQuery)
		}
	}
	return err
}

// parseBool reads the word of an option that is on or off.
func parseBool(name, text string) (bool, error) {
	switch text {
	case "true", "false":
		return text == "true", nil
	}
	return false, fmt.Errorf("%s is %.20q, wanted true or false: %w", name, text, errQuery)
}

// chosen returns the filter of the items that may be found, nil for all.
func (q *query) chosen() index.Filter {
	switch {
	case !q.safe:
		return q.filter
	case q.filter == nil:
		return index.Safe()
	}
	return index.And{q.filter, index.Safe()}
}

// readForm reads a form with one file, named image, scan or vector, and
// perhaps options.
func (q *query) readForm(form *multipart.Reader) error {
	given := map[string]bool{}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return bodyError("form", err)
		}
		raw, err := readAll(part)
		if err != nil {
			return err
		}
		name := part.FormName()
		if slices.Contains(optionNames(), name) {
			if given[name] {
				return fmt.Errorf("form field %s comes twice: %w", name, errQuery)
			}
			given[name] = true
			if err := q.set(name, string(raw)); err != nil {
				return err
			}
			continue
		}
		read := q.reader(name)
		if read == nil {
			return fmt.Errorf("form field %q is not one of image, scan, vector, %s: %w", name, strings.Join(optionNames(), ", "), errQuery)
		}
		if q.kind != "" {
			return fmt.Errorf("the form has two files, %s and %s, wanted one: %w", q.kind, name, errQuery)
		}
		if err := read(raw); err != nil {
			return err
		}
	}
	if q.kind == "" {
		return fmt.Errorf("the form has no file named image, scan or vector: %w", errQuery)
	}
	return nil
}

func (q *query) fromImage(raw []byte) error {
	if len(raw) == 0 {
		return fmt.Errorf("the image has no bytes: %w", errBody)
	}
	q.kind, q.image = kindImage, raw
	return nil
}

// fromScan reads an npy array of shape [voxels] or [repeats, voxels].
func (q *query) fromScan(raw []byte) error {
	shape, values, err := readNpy(raw)
	if err != nil {
		return err
	}
	rows := 1
	switch len(shape) {
	case 1:
	case 2:
		rows = shape[0]
	default:
		return fmt.Errorf("the scan has shape %v, wanted [voxels] or [repeats, voxels]: %w", shape, errVoxels)
	}
	if rows < 1 || rows > maxRepeats {
		return fmt.Errorf("the scan has shape %v: its rows are repeats of one image, 1 to %d of them; send one trial: %w",
			shape, maxRepeats, errVoxels)
	}
	voxels := len(values) / rows
	q.kind, q.repeats = kindScan, make([][]float32, rows)
	for i := range q.repeats {
		q.repeats[i] = values[i*voxels : (i+1)*voxels]
	}
	return nil
}

// fromVector reads an npy array of shape [D] or [1, D].
func (q *query) fromVector(raw []byte) error {
	shape, values, err := readNpy(raw)
	if err != nil {
		return err
	}
	if len(shape) != 1 && (len(shape) != 2 || shape[0] != 1) {
		return fmt.Errorf("the vector has shape %v, wanted [D] or [1, D]: %w", shape, index.ErrDimension)
	}
	q.kind, q.vector = kindVector, values
	return nil
}

// readNpy reads the array of an npy file as float32.
func readNpy(raw []byte) (shape []int, values []float32, err error) {
	if looksLikeNIfTI(raw) {
		return nil, nil, fmt.Errorf("this is a NIfTI or gzip file: the decoder takes its voxels in its own order, "+
			"and without its brain mask they cannot be found in a volume; send them as npy: %w", errMediaType)
	}
	array, err := npy.Read(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", err, errBody)
	}
	return array.Shape, array.Float32s(), nil
}

// looksLikeNIfTI tells by the first bytes: gzip's magic, or the header size of
// NIfTI-1 (348) or NIfTI-2 (540) in either byte order.
func looksLikeNIfTI(raw []byte) bool {
	for _, magic := range []string{"\x1f\x8b", "\x5c\x01\x00\x00", "\x00\x00\x01\x5c", "\x1c\x02\x00\x00", "\x00\x00\x02\x1c"} {
		if bytes.HasPrefix(raw, []byte(magic)) {
			return true
		}
	}
	return false
}

// readAll reads a body whose length http.MaxBytesReader bounds.
func readAll(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, bodyError("body", err)
	}
	return raw, nil
}

// bodyError keeps the cause in the chain, because a body over the limit and a
// damaged body are different problems.
func bodyError(what string, err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	return fmt.Errorf("%s: %w: %w", what, err, errBody)
}
