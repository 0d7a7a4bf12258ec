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

	"engram/embed"
	"engram/index"
)

const defaultK = 10

// query is a search as the client sent it: options, and one part or several.
type query struct {
	parts  []part
	listed bool // the client sent a list of parts, or several
	k      int
	filter index.Filter // nil: every item
	safe   bool         // only items that index.Safe chooses
	exact  bool         // see index.Query
	recall float64      // see index.Query

	explanation *index.Explanation // see index.Query; nil: it is not asked for

	candidates int  // of a scan, which all of the prediction ranks
	firstStage bool // a scan is searched for by its vector alone

	wanted // of the ranking
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
		read = q.fromFile(readImage)
	case binary:
		kind := values.Get("kind")
		if kind == "" {
			kind = kindScan
		}
		file := reader(kind)
		if file == nil {
			return q, fmt.Errorf("kind is %q, wanted image, scan or vector: %w", kind, errQuery)
		}
		if mediaType == "application/octet-stream" {
			file = rawReader(kind, file)
		}
		read = q.fromFile(file)
	default:
		return q, fmt.Errorf("a search is JSON, an image (image/jpeg, …), a scan or vector as npy "+
			"(application/x-npy) or float32 (application/octet-stream), or a form with one of these as a file, not %q: %w", mediaType, errMediaType)
	}
	raw, err := readAll(body)
	if err != nil {
		return q, err
	}
	return q, read(raw)
}

// fromFile returns what makes a file the query.
func (q *query) fromFile(read func([]byte) (part, error)) func([]byte) error {
	return func(raw []byte) error {
		p, err := read(raw)
		if err != nil {
			return err
		}
		return q.add(p)
	}
}

// optionNames returns the options of a search in the address or in a form.
func optionNames() []string {
	return append([]string{"k", "filter", "safe", "exact", "recall", "explain", "candidates", "first_stage"}, wantedNames()...)
}

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
	case "explain":
		var asked bool
		asked, err = parseBool(name, text)
		q.explain(asked)
	case "candidates":
		var whole bool
		if q.candidates, whole = wholeNumber(text); !whole {
			return fmt.Errorf("candidates is not a whole number: %w", errQuery)
		}
	case "first_stage":
		q.firstStage, err = parseBool(name, text)
	case "recall":
		if q.recall, err = strconv.ParseFloat(text, 64); err != nil {
			return fmt.Errorf("recall is %.20q, wanted a number: %w", text, errQuery)
		}
	default:
		err = q.wanted.set(name, text)
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

// partNames returns the fields of a form that are parts of the query.
func partNames() []string {
	return []string{kindText, kindImage, kindScan, kindVector, kindItem, kindTrial}
}

// weightName is the member and the field with the weight of a part.
const weightName = "weight"

// readForm reads a form with parts of the query, each of which a weight may
// follow, and perhaps options.
func (q *query) readForm(form *multipart.Reader) error {
	given := map[string]bool{}
	weighted := false // the last part has a weight
	for {
		field, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return bodyError("form", err)
		}
		raw, err := readAll(field)
		if err != nil {
			return err
		}
		name := field.FormName()
		switch {
		case slices.Contains(optionNames(), name):
			if given[name] {
				return fmt.Errorf("form field %s comes twice: %w", name, errQuery)
			}
			given[name] = true
			err = q.set(name, string(raw))
		case name == weightName && (len(q.parts) == 0 || weighted):
			return fmt.Errorf("form field weight has to follow the part that it is about: %w", errQuery)
		case name == weightName:
			weighted, q.listed = true, true
			err = q.parts[len(q.parts)-1].setWeight(string(raw))
		case slices.Contains(partNames(), name):
			weighted = false
			var p part
			if p, err = readField(name, raw); err == nil {
				err = q.add(p)
			}
		default:
			return fmt.Errorf("form field %q is not one of %s, weight, %s: %w", name, strings.Join(partNames(), ", "), strings.Join(optionNames(), ", "), errQuery)
		}
		if err != nil {
			return err
		}
	}
	if len(q.parts) == 0 {
		return fmt.Errorf("the form has nothing to search for, wanted a field named %s: %w", strings.Join(partNames(), ", "), errQuery)
	}
	q.listed = q.listed || len(q.parts) > 1
	return nil
}

// setWeight takes the weight of a part from text.
func (p *part) setWeight(text string) (err error) {
	if p.weight, err = strconv.ParseFloat(text, 64); err != nil {
		return fmt.Errorf("weight is %.20q, wanted a number: %w", text, errQuery)
	}
	return embed.CheckWeight(p.weight)
}

// sized is a body whose length the client states.
type sized struct {
	io.Reader
	size int64
}

// bodyOf returns the body of a request.
func bodyOf(r *http.Request) io.Reader {
	return sized{r.Body, max(0, r.ContentLength)}
}

// maxTrusted bounds the memory that is set aside for what a client says.
const maxTrusted = 1 << 20

// readAll reads a body whose length http.MaxBytesReader bounds.
func readAll(r io.Reader) ([]byte, error) {
	var raw bytes.Buffer
	if body, ok := r.(sized); ok {
		raw.Grow(int(min(body.size, maxTrusted)) + bytes.MinRead) // which ReadFrom wants at the end
	}
	if _, err := raw.ReadFrom(r); err != nil {
		return nil, bodyError("body", err)
	}
	return raw.Bytes(), nil
}

// bodyError keeps the cause in the chain, because a body over the limit and a
// damaged body are different problems.
func bodyError(what string, err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	return fmt.Errorf("%s: %w: %w", what, err, errBody)
}

// explain says whether the answer is to say how it was found.
func (q *query) explain(asked bool) {
	if q.explanation = nil; asked {
		q.explanation = new(index.Explanation)
	}
}

// explained returns how the store found the hits, nil where it is not asked for or the
// store found none, as all items are ranked by their tokens.
func (q *query) explained() *index.Explanation {
	if q.explanation == nil || q.explanation.Path == "" {
		return nil
	}
	return q.explanation
}
