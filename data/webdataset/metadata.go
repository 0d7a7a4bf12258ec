package webdataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"engram/data/text"
)

// Limits of a json file. What img2dataset writes has a few kilobytes, more with
// Exif tags.
const (
	maxJSON  = 1 << 20 // bytes
	maxName  = 256     // bytes of a name with the objects around it
	maxDepth = 16      // objects inside objects
)

// Metadata returns what the json file of the sample says, nil where it has none.
// The values have the types that an index stores:
//
//   - strings as string, true and false as bool;
//   - numbers written without a point and an exponent as int64 where they fit,
//     all others as float64, and as string where they are beyond it;
//   - lists of strings, numbers or booleans as []string, with what is no string
//     as it is written; lists of anything else as a string of their JSON;
//   - objects inside as their own entries, {"a": {"b": 1}} as "a.b".
//
// What is null is left out, in lists too, and so are NaN, Infinity and -Infinity, which
// are no JSON, but which Python writes for missing numbers. Of two values for
// one name the later one counts. The error is ErrMetadata, also where the file
// has more than 1 MiB, a name more than 256 bytes or objects lie more than 16
// deep.
func (s *Sample) Metadata() (map[string]any, error) {
	data, found := s.File("json")
	if !found {
		return nil, nil
	}
	values, err := ParseMetadata(data)
	if err != nil {
		return nil, fmt.Errorf("webdataset: %w", s.fault(ErrMetadata, err.Error()))
	}
	return values, nil
}

// ParseMetadata is Sample.Metadata of a json file that lies elsewhere, such as
// beside a photo. Its error is the reason alone.
func ParseMetadata(data []byte) (map[string]any, error) {
	plain, err := text.Decode(data)
	if err != nil {
		return nil, err
	}
	return parseObject([]byte(plain))
}

func parseObject(data []byte) (map[string]any, error) {
	if len(data) > maxJSON {
		return nil, fmt.Errorf("the json has %d bytes, at most %d are read", len(data), maxJSON)
	}
	data = bytes.TrimSpace(withoutNaN(data))
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, err
	}
	if data[0] != '{' {
		return nil, errors.New("wanted a JSON object, found " + kind(data[0]))
	}
	values := map[string]any{}
	return values, flatten(values, "", data, 0)
}

// kind names a JSON value by its first byte.
func kind(first byte) string {
	switch first {
	case '[':
		return "a list"
	case '"':
		return "a string"
	case 't', 'f', 'n':
		return "true, false or null"
	}
	return "a number"
}

// withoutNaN puts null where Python's json writes a number that JSON lacks.
func withoutNaN(data []byte) []byte {
	if !bytes.Contains(data, []byte("NaN")) && !bytes.Contains(data, []byte("Infinity")) {
		return data
	}
	out := make([]byte, 0, len(data))
	quoted := false
	for i := 0; i < len(data); {
		n := 1
		switch c := data[i]; {
		case quoted && c == '\\':
			n = min(2, len(data)-i)
		case c == '"':
			quoted = !quoted
		case !quoted:
			if n = notFinite(data[i:]); n > 0 {
				out = append(out, "null"...)
				i += n
				continue
			}
			n = 1
		}
		out = append(out, data[i:i+n]...)
		i += n
	}
	return out
}

// notFinite returns the length of the word at the start of data that Python
// writes for a number that is not finite, 0 where there is none.
func notFinite(data []byte) int {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(data, []byte(word)) {
			return len(word)
		}
	}
	return 0
}

// flatten puts the entries of a valid object into values, in its order.
func flatten(values map[string]any, prefix string, object []byte, depth int) error {
	if depth == maxDepth {
		return fmt.Errorf("%s: objects lie more than %d deep", prefix, maxDepth)
	}
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil { // the opening brace
		return err
	}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string) // an object's names are strings
		if name = prefix + name; len(name) > maxName {
			return fmt.Errorf("%.32s… is a name of %d bytes, at most %d are read", name, len(name), maxName)
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		if raw[0] == '{' {
			err = flatten(values, name+".", raw, depth+1)
		} else {
			err = set(values, name, raw)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// set enters a value that is no object.
func set(values map[string]any, name string, raw []byte) error {
	var value any
	var err error
	switch raw[0] {
	case 'n':
		return nil
	case '[':
		value, err = list(raw)
	case '"', 't', 'f':
		err = json.Unmarshal(raw, &value)
	default:
		value = number(string(raw))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	values[name] = value
	return nil
}

// number returns an int64 where the text is an integer, else a float64. What is
// beyond both stays text.
func number(text string) any {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return f
	}
	return text
}

// list returns []string, or the JSON of a list that holds lists or objects.
func list(raw []byte) (any, error) {
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		return nil, err
	}
	texts := make([]string, 0, len(elements))
	for _, element := range elements {
		text := string(element)
		switch element[0] {
		case 'n':
			continue
		case '[', '{':
			var compact bytes.Buffer
			err := json.Compact(&compact, raw)
			return strings.ToValidUTF8(compact.String(), "�"), err
		case '"':
			if err := json.Unmarshal(element, &text); err != nil {
				return nil, err
			}
		}
		texts = append(texts, text)
	}
	return texts, nil
}
