package query

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"engram/embed"
	"engram/httpapi/internal/problem"
	"engram/index"
)

// DefaultK is how many items a query finds that does not say so.
const DefaultK = 10

// maxCandidates bounds the items of one search that all of a prediction ranks.
const maxCandidates = 10000

// Query is a search as the client sent it: options, and one part or several.
type Query struct {
	Parts  []Part
	listed bool // the client sent a list of parts, or several
	K      int
	filter index.Filter // nil: every item
	safe   bool         // only items that index.Safe chooses
	Exact  bool         // see index.Query
	Recall float64      // see index.Query

	Explanation *index.Explanation // see index.Query; nil: it is not asked for

	Candidates int  // of a scan, which all of the prediction ranks
	FirstStage bool // a scan is searched for by its vector alone

	wanted // of the ranking
}

// Read reads the body of a search in any of its forms. contentType and
// values are the request's header and the query part of its address.
func Read(contentType string, values url.Values, body io.Reader) (Query, error) {
	q := Query{K: DefaultK}
	for _, name := range OptionNames() {
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
		return q, fmt.Errorf("kind is for a body of type application/x-npy or application/octet-stream, not %q: %w", mediaType, problem.ErrQuery)
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
			kind = KindScan
		}
		file := reader(kind)
		if file == nil {
			return q, fmt.Errorf("kind is %q, wanted image, scan or vector: %w", kind, problem.ErrQuery)
		}
		if mediaType == "application/octet-stream" {
			file = rawReader(kind, file)
		}
		read = q.fromFile(file)
	default:
		return q, fmt.Errorf("a search is JSON, an image (image/jpeg, …), a scan or vector as npy "+
			"(application/x-npy) or float32 (application/octet-stream), or a form with one of these as a file, not %q: %w", mediaType, problem.ErrMediaType)
	}
	raw, err := ReadAll(body)
	if err != nil {
		return q, err
	}
	return q, read(raw)
}

// Check refuses a query for more than maxK items, or for more candidates than a search
// looks at.
func (q *Query) Check(maxK int) error {
	if q.K < 1 || q.K > maxK {
		return fmt.Errorf("k is %d, wanted 1 to %d: %w", q.K, maxK, problem.ErrQuery)
	}
	if q.Candidates < 0 || q.Candidates > maxCandidates {
		return fmt.Errorf("candidates is %d, wanted 0 to %d: %w", q.Candidates, maxCandidates, problem.ErrQuery)
	}
	return nil
}

// fromFile returns what makes a file the query.
func (q *Query) fromFile(read func([]byte) (Part, error)) func([]byte) error {
	return func(raw []byte) error {
		p, err := read(raw)
		if err != nil {
			return err
		}
		return q.add(p)
	}
}

// OptionNames returns the options of a search in the address or in a form.
func OptionNames() []string {
	return append([]string{"k", "filter", "safe", "exact", "recall", "explain", "candidates", "first_stage"}, wantedNames()...)
}

// set takes an option from text.
func (q *Query) set(name, text string) (err error) {
	switch name {
	case "k":
		var whole bool
		if q.K, whole = WholeNumber(text); !whole {
			return fmt.Errorf("k is not a whole number: %w", problem.ErrQuery)
		}
	case "filter":
		q.filter, err = index.ParseFilter(text)
	case "safe":
		q.safe, err = ParseBool(name, text)
	case "exact":
		q.Exact, err = ParseBool(name, text)
	case "explain":
		var asked bool
		asked, err = ParseBool(name, text)
		q.explain(asked)
	case "candidates":
		var whole bool
		if q.Candidates, whole = WholeNumber(text); !whole {
			return fmt.Errorf("candidates is not a whole number: %w", problem.ErrQuery)
		}
	case "first_stage":
		q.FirstStage, err = ParseBool(name, text)
	case "recall":
		if q.Recall, err = strconv.ParseFloat(text, 64); err != nil {
			return fmt.Errorf("recall is %.20q, wanted a number: %w", text, problem.ErrQuery)
		}
	default:
		err = q.wanted.set(name, text)
	}
	return err
}

// ParseBool reads the word of an option that is on or off.
func ParseBool(name, text string) (bool, error) {
	switch text {
	case "true", "false":
		return text == "true", nil
	}
	return false, fmt.Errorf("%s is %.20q, wanted true or false: %w", name, text, problem.ErrQuery)
}

// Chosen returns the filter of the items that may be found, nil for all.
func (q *Query) Chosen() index.Filter {
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
	return []string{KindText, KindImage, KindScan, KindVector, KindItem, KindTrial}
}

// weightName is the member and the field with the weight of a part.
const weightName = "weight"

// readForm reads a form that has parts of the query and options. The field after a part
// may be the part's weight.
func (q *Query) readForm(form *multipart.Reader) error {
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
		raw, err := ReadAll(field)
		if err != nil {
			return err
		}
		name := field.FormName()
		switch {
		case slices.Contains(OptionNames(), name):
			if given[name] {
				return fmt.Errorf("form field %s comes twice: %w", name, problem.ErrQuery)
			}
			given[name] = true
			err = q.set(name, string(raw))
		case name == weightName && (len(q.Parts) == 0 || weighted):
			return fmt.Errorf("form field weight has to follow the part that it is about: %w", problem.ErrQuery)
		case name == weightName:
			weighted, q.listed = true, true
			err = q.Parts[len(q.Parts)-1].setWeight(string(raw))
		case slices.Contains(partNames(), name):
			weighted = false
			var p Part
			if p, err = readField(name, field.Header.Get("Content-Type"), raw); err == nil {
				err = q.add(p)
			}
		default:
			return fmt.Errorf("form field %q is not one of %s, weight, %s: %w", name, strings.Join(partNames(), ", "), strings.Join(OptionNames(), ", "), problem.ErrQuery)
		}
		if err != nil {
			return err
		}
	}
	if len(q.Parts) == 0 {
		return fmt.Errorf("the form has nothing to search for, wanted a field named %s: %w", strings.Join(partNames(), ", "), problem.ErrQuery)
	}
	q.listed = q.listed || len(q.Parts) > 1
	return nil
}

// setWeight takes the weight of a part from text.
func (p *Part) setWeight(text string) (err error) {
	if p.Weight, err = strconv.ParseFloat(text, 64); err != nil {
		return fmt.Errorf("weight is %.20q, wanted a number: %w", text, problem.ErrQuery)
	}
	return embed.CheckWeight(p.Weight)
}

// sized is a body whose length the client states.
type sized struct {
	io.Reader
	size int64
}

// BodyOf returns the body of a request.
func BodyOf(r *http.Request) io.Reader {
	return sized{r.Body, max(0, r.ContentLength)}
}

// maxTrusted bounds the memory that is set aside for what a client says.
const maxTrusted = 64 << 10

// ReadAll reads a body whose length http.MaxBytesReader bounds.
func ReadAll(r io.Reader) ([]byte, error) {
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
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the %s ends in the middle: %w", what, problem.ErrBody)
	}
	return fmt.Errorf("%s: %w: %w", what, err, problem.ErrBody)
}

// explain says whether the answer is to say how it was found.
func (q *Query) explain(asked bool) {
	if q.Explanation = nil; asked {
		q.Explanation = new(index.Explanation)
	}
}

// Explained returns how the store found the hits, nil where it is not asked for or the
// store found none, as all items are ranked by their tokens.
func (q *Query) Explained() *index.Explanation {
	if q.Explanation == nil || q.Explanation.Path == "" {
		return nil
	}
	return q.Explanation
}

// WholeNumber reads a whole number as JSON Schema has it: 2, and 2.0 too.
func WholeNumber(text string) (int, bool) {
	if n, err := strconv.Atoi(text); err == nil {
		return n, true
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
		return 0, false
	}
	return int(x), true
}
