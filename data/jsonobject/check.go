package jsonobject

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Check refuses an object that has a member twice, or one whose name is none of known, to
// the letter; known may be nil for any names. Members of members are not looked at. Text
// that is no JSON object passes: a decoder says what is wrong with it.
func Check(text []byte, known []string) error {
	tokens := json.NewDecoder(bytes.NewReader(text))
	if open, err := tokens.Token(); err != nil || open != json.Delim('{') {
		return nil //nolint:nilerr // the decoder says what is wrong
	}
	seen := map[string]bool{}
	for tokens.More() {
		token, err := tokens.Token()
		name, isName := token.(string)
		if err != nil || !isName {
			return nil //nolint:nilerr // the decoder says what is wrong
		}
		switch {
		case seen[name]:
			return fmt.Errorf("%.40q comes twice", name)
		case known != nil && !slices.Contains(known, name):
			return fmt.Errorf("unknown field %.40q, wanted one of %s", name, strings.Join(known, ", "))
		}
		seen[name] = true
		var value json.RawMessage
		if err := tokens.Decode(&value); err != nil {
			return nil //nolint:nilerr // the decoder says what is wrong
		}
	}
	return nil
}
