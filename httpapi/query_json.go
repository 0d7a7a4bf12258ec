package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"engram/embed"
	"engram/index"
)

// queryObject has the members of a query in JSON.
type queryObject struct {
	K      json.RawMessage `json:"k"`
	Vector json.RawMessage `json:"vector"`
	Voxels json.RawMessage `json:"voxels"`
	Item   json.RawMessage `json:"item"`
	Trial  *string         `json:"trial"`
	Filter json.RawMessage `json:"filter"`
	Safe   *bool           `json:"safe"`
	Exact  *bool           `json:"exact"`
	Recall *float64        `json:"recall"`
}

// fromJSON reads a query object: exactly one of vector, item, trial and
// voxels, and perhaps the options (see optionNames).
func (q *query) fromJSON(raw []byte) error {
	var object queryObject
	if err := checkMembers(raw); err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&object); err != nil {
		return jsonError(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("JSON: there is more after the query object: %w", errBody)
	}
	if err := q.options(object); err != nil {
		return err
	}
	var given []string
	var err error
	if present(object.Vector) {
		given = append(given, kindVector)
		q.vector, err = parseFloats("vector", object.Vector)
	}
	if present(object.Voxels) && err == nil {
		given = append(given, kindScan)
		q.repeats, err = parseRepeats(object.Voxels)
	}
	if present(object.Item) && err == nil {
		given = append(given, kindItem)
		q.item, err = parseID(strings.Trim(string(object.Item), `"`))
	}
	if object.Trial != nil {
		given = append(given, kindTrial)
		q.trial = *object.Trial
	}
	if err != nil {
		return err
	}
	if len(given) != 1 {
		return fmt.Errorf("a query has exactly one of vector, voxels, item and trial, this one has %d: %w",
			len(given), errQuery)
	}
	q.kind = given[0]
	return nil
}

// options takes over the options of a query object and checks its filter.
func (q *query) options(object queryObject) (err error) {
	if present(object.K) {
		var whole bool
		if q.k, whole = wholeNumber(string(object.K)); !whole {
			return fmt.Errorf("JSON: k is %s, wanted a whole number: %w", jsonFound(object.K), errBody)
		}
	}
	if object.Safe != nil {
		q.safe = *object.Safe
	}
	if object.Exact != nil {
		q.exact = *object.Exact
	}
	if object.Recall != nil {
		q.recall = *object.Recall
	}
	if present(object.Filter) {
		q.filter, err = index.ParseFilter(string(object.Filter))
	}
	return err
}

// checkMembers refuses an object with a member that comes twice or is written in
// another case: package json would take the last one, and any case.
func checkMembers(raw []byte) error {
	tokens := json.NewDecoder(bytes.NewReader(raw))
	if open, err := tokens.Token(); err != nil || open != json.Delim('{') {
		return nil //nolint:nilerr // the decoder says what is wrong
	}
	known := append([]string{kindVector, "voxels", kindItem, kindTrial}, optionNames()...)
	seen := map[string]bool{}
	for tokens.More() {
		token, err := tokens.Token()
		name, isName := token.(string)
		if err != nil || !isName {
			return nil //nolint:nilerr // the decoder says what is wrong
		}
		switch {
		case seen[name]:
			return fmt.Errorf("JSON: %.40q comes twice: %w", name, errBody)
		case !slices.Contains(known, name):
			return fmt.Errorf("JSON: unknown field %.40q, wanted one of %s: %w", name, strings.Join(known, ", "), errBody)
		}
		seen[name] = true
		var value json.RawMessage
		if err := tokens.Decode(&value); err != nil {
			return nil //nolint:nilerr // the decoder says what is wrong
		}
	}
	return nil
}

func present(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// jsonError says what is wrong in words that do not name Go's types.
func jsonError(err error) error {
	if wrongType, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := wrongType.Field
		if field == "" {
			field = "the query"
		}
		article := "a"
		if wrongType.Value == "array" || wrongType.Value == "object" {
			article = "an"
		}
		return fmt.Errorf("JSON: %s is %s %s, wanted %s: %w", field, article, wrongType.Value, jsonKind(field), errBody)
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("JSON: byte %d: %w: %w", syntax.Offset, syntax, errBody)
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("JSON: the body is empty, wanted a query: %w", errBody)
	}
	return fmt.Errorf("%s: %w", strings.Replace(err.Error(), "json: ", "JSON: ", 1), errBody)
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
	case "trial":
		return "a string"
	case "recall":
		return "a number"
	case "safe", "exact":
		return "true or false"
	}
	return "an object"
}

// parseFloats reads a JSON array of numbers. Unlike encoding/json it refuses
// null, which is how some writers spell NaN, instead of reading it as zero.
// raw is valid JSON. The message names a position and never a value.
func parseFloats(name string, raw []byte) ([]float32, error) {
	raw = bytes.TrimSpace(raw)
	if raw[0] != '[' {
		return nil, fmt.Errorf("%s is not an array of numbers: %w", name, errBody)
	}
	inner := bytes.TrimSpace(raw[1 : len(raw)-1])
	if len(inner) == 0 {
		return []float32{}, nil
	}
	values := make([]float32, 0, bytes.Count(inner, []byte(","))+1)
	for element := range bytes.SplitSeq(inner, []byte(",")) {
		value, err := strconv.ParseFloat(string(bytes.TrimSpace(element)), 32)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return nil, fmt.Errorf("%s: element %d is beyond float32: %w", name, len(values), embed.ErrNotFinite)
		case err != nil:
			return nil, fmt.Errorf("%s: element %d is not a number: %w", name, len(values), errBody)
		}
		values = append(values, float32(value))
	}
	return values, nil
}

// parseRepeats reads the voxels of one scan, or an array of repeats.
func parseRepeats(raw []byte) ([][]float32, error) {
	var rows []json.RawMessage
	if err := json.Unmarshal(raw, &rows); err != nil {
		return nil, fmt.Errorf("voxels is not an array of numbers: %w", errBody)
	}
	if len(rows) == 0 || rows[0][0] != '[' {
		one, err := parseFloats("voxels", raw)
		return [][]float32{one}, err
	}
	if len(rows) > maxRepeats {
		return nil, fmt.Errorf("voxels has %d rows: they are repeats of one image, at most %d: %w",
			len(rows), maxRepeats, errVoxels)
	}
	repeats := make([][]float32, len(rows))
	for i, row := range rows {
		var err error
		if repeats[i], err = parseFloats(fmt.Sprintf("voxels, repeat %d", i), row); err != nil {
			return nil, err
		}
	}
	return repeats, nil
}

// parseID reads an item's id.
func parseID(text string) (index.ID, error) {
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("an item's id is a whole number from 0 to 2^64-1: %w", errNoItem)
	}
	return index.ID(id), nil
}
