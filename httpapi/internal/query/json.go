package query

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"engram/data/jsonobject"
	"engram/embed"
	"engram/httpapi/internal/problem"
	"engram/index"
)

// partObject has the members of a part of a query in JSON.
type partObject struct {
	Text   *string         `json:"text"`
	Image  *string         `json:"image"` // base64
	Vector json.RawMessage `json:"vector"`
	Voxels json.RawMessage `json:"voxels"`
	Item   json.RawMessage `json:"item"`
	Trial  *string         `json:"trial"`

	numbers numbers // in place of an array that was cut out
}

// partMembers are their names.
func partMembers() []string {
	return []string{KindText, KindImage, KindVector, "voxels", KindItem, KindTrial}
}

// weightedObject is a part with its weight.
type weightedObject struct {
	partObject
	Weight *float64 `json:"weight"`
}

// queryObject has the members of a query in JSON.
type queryObject struct {
	partObject
	Parts  []json.RawMessage `json:"parts"`
	K      json.RawMessage   `json:"k"`
	Filter json.RawMessage   `json:"filter"`
	Safe   *bool             `json:"safe"`
	Exact  *bool             `json:"exact"`
	Recall *float64          `json:"recall"`

	Explain *bool `json:"explain"`

	Candidates json.RawMessage `json:"candidates"`
	FirstStage *bool           `json:"first_stage"`

	wantedObject
}

// fromJSON reads a query object: one part among its members, or a list of parts,
// and perhaps the options (see OptionNames).
func (q *Query) fromJSON(raw []byte) error {
	var object queryObject
	if !utf8.Valid(raw) {
		return fmt.Errorf("JSON: the body is not UTF-8: %w", problem.ErrBody)
	}
	known := append(append(partMembers(), KindParts), OptionNames()...)
	if err := decodeObject(raw, &object, &object.partObject, known); err != nil {
		return err
	}
	if err := q.options(object); err != nil {
		return err
	}
	given, err := object.parts()
	if err != nil {
		return err
	}
	choices := "text, image, vector, voxels, item, trial and parts"
	switch {
	case object.Parts == nil && len(given) != 1:
		return fmt.Errorf("a query has exactly one of %s, this one has %d: %w", choices, len(given), problem.ErrQuery)
	case object.Parts == nil:
		return q.add(given[0])
	case len(given) > 0:
		return fmt.Errorf("a query has exactly one of %s, this one has %d: %w", choices, len(given)+1, problem.ErrQuery)
	case len(object.Parts) == 0:
		return fmt.Errorf("the query has no parts: %w", problem.ErrQuery)
	}
	return q.fromParts(object.Parts)
}

// fromParts reads a list of parts.
func (q *Query) fromParts(list []json.RawMessage) error {
	q.listed = true
	for i, raw := range list {
		var object weightedObject
		if err := decodeObject(raw, &object, &object.partObject, append(partMembers(), weightName)); err != nil {
			return fmt.Errorf("part %d: %w", i+1, err)
		}
		given, err := object.parts()
		if err == nil && len(given) != 1 {
			err = fmt.Errorf("a part has exactly one of text, image, vector, voxels, item and trial, this one has %d: %w", len(given), problem.ErrQuery)
		}
		if err == nil {
			err = q.add(given[0])
		}
		if err == nil && object.Weight != nil {
			q.Parts[i].Weight = *object.Weight
			err = embed.CheckWeight(*object.Weight)
		}
		if err != nil {
			return fmt.Errorf("part %d: %w", i+1, err)
		}
	}
	return nil
}

// decodeObject reads a JSON object with members of the known names. members is the
// part that the object has among its members.
func decodeObject(raw []byte, object any, members *partObject, known []string) error {
	if rest, numbers, ok := cutNumbers(raw); ok {
		if checkMembers(rest, known) == nil && decodeAll(rest, object) == nil {
			members.numbers = numbers
			return nil
		}
		// What is wrong is said of the whole.
	}
	if err := checkMembers(raw, known); err != nil {
		return err
	}
	return decodeAll(raw, object)
}

// ReadObject reads a JSON object with members of the known names, each once.
func ReadObject(raw []byte, object any, known []string) error {
	if !utf8.Valid(raw) {
		return fmt.Errorf("JSON: the body is not UTF-8: %w", problem.ErrBody)
	}
	if err := checkMembers(raw, known); err != nil {
		return err
	}
	return decodeAll(raw, object)
}

// decodeAll decodes one JSON object and nothing after it.
func decodeAll(raw []byte, object any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(object); err != nil {
		return jsonError(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("JSON: there is more after the query object: %w", problem.ErrBody)
	}
	return nil
}

// parts returns the parts that the object has.
func (o *partObject) parts() ([]Part, error) {
	var all []Part
	var faults []error
	add := func(p Part, err error) {
		all = append(all, p)
		if err != nil {
			faults = append(faults, err)
		}
	}
	if o.Text != nil {
		add(textPart(*o.Text))
	}
	if o.Image != nil {
		add(imagePart(*o.Image))
	}
	if present(o.Vector) {
		vector, err := o.vector()
		add(Part{Kind: KindVector, Vector: vector}, err)
	}
	if present(o.Voxels) {
		repeats, err := o.repeats()
		add(Part{Kind: KindScan, Repeats: repeats}, err)
	}
	if present(o.Item) {
		id, err := ParseID(strings.Trim(string(o.Item), `"`))
		add(Part{Kind: KindItem, Item: id}, err)
	}
	if o.Trial != nil {
		add(Part{Kind: KindTrial, Trial: *o.Trial}, nil)
	}
	if len(faults) > 0 {
		return nil, faults[0]
	}
	return all, nil
}

// imagePart reads an image file in base64.
func imagePart(text string) (Part, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return Part{}, fmt.Errorf("the image is not the base64 of a file: %w: %w", err, problem.ErrBody)
	}
	return readImage(raw)
}

// options takes over the options of a query object and checks its filter.
func (q *Query) options(object queryObject) (err error) {
	if present(object.K) {
		var whole bool
		if q.K, whole = WholeNumber(string(object.K)); !whole {
			return fmt.Errorf("JSON: k is %s, wanted a whole number: %w", jsonFound(object.K), problem.ErrBody)
		}
	}
	if object.Safe != nil {
		q.safe = *object.Safe
	}
	if object.Exact != nil {
		q.Exact = *object.Exact
	}
	if object.Recall != nil {
		q.Recall = *object.Recall
	}
	if object.Explain != nil {
		q.explain(*object.Explain)
	}
	if present(object.Candidates) {
		var whole bool
		if q.Candidates, whole = WholeNumber(string(object.Candidates)); !whole {
			return fmt.Errorf("JSON: candidates is %s, wanted a whole number: %w", jsonFound(object.Candidates), problem.ErrBody)
		}
	}
	if object.FirstStage != nil {
		q.FirstStage = *object.FirstStage
	}
	if err := q.wanted.options(object.wantedObject); err != nil {
		return err
	}
	if present(object.Filter) {
		q.filter, err = index.ParseFilter(string(object.Filter))
	}
	return err
}

// checkMembers refuses an object with a member that comes twice or is none of known.
func checkMembers(raw []byte, known []string) error {
	if err := jsonobject.Check(raw, known); err != nil {
		return fmt.Errorf("JSON: %w: %w", err, problem.ErrBody)
	}
	return nil
}

func present(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// jsonError says what is wrong in words that do not name Go's types.
func jsonError(err error) error {
	if wrongType, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := strings.TrimPrefix(strings.TrimPrefix(wrongType.Field, "partObject."), "wantedObject.") // their fields are the query's
		if field == "" {
			field = "the query"
		}
		article := "a"
		if wrongType.Value == "array" || wrongType.Value == "object" {
			article = "an"
		}
		return fmt.Errorf("JSON: %s is %s %s, wanted %s: %w", field, article, wrongType.Value, jsonKind(field), problem.ErrBody)
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("JSON: byte %d: %w: %w", syntax.Offset, syntax, problem.ErrBody)
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("JSON: the body is empty, wanted a query: %w", problem.ErrBody)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("JSON: the body ends in the middle of the query: %w", problem.ErrBody)
	}
	return fmt.Errorf("%s: %w", strings.Replace(err.Error(), "json: ", "JSON: ", 1), problem.ErrBody)
}

// jsonFound names a value that is none of the wanted ones.
func jsonFound(raw json.RawMessage) string {
	switch raw[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	}
	return fmt.Sprintf("%.20s", raw)
}

// jsonKind names the JSON type of a field of the query object.
func jsonKind(field string) string {
	switch field {
	case "text", "image", "trial", "group_by", "after":
		return "a string"
	case "parts":
		return "an array of parts"
	case "queries":
		return "an array of queries"
	case "recall", weightName, "min_score", "fold_from", "mmr":
		return "a number"
	case "safe", "exact", "explain", "first_stage", "fold":
		return "true or false"
	}
	return "an object"
}

// ParseID reads an item's id.
func ParseID(text string) (index.ID, error) {
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("an item's id is a whole number from 0 to 2^64-1: %w", problem.ErrNoItem)
	}
	return index.ID(id), nil
}
