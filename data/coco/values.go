package coco

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// The types below read the fields of a record as labelling tools write them. None
// of them refuses a value: one that means nothing is left unset, so that it costs
// its field and nothing around it.

// ident is an id: a number, a number in quotes, or a text.
type ident struct {
	n   int64
	s   string // of a text that is no number
	set bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ident) UnmarshalJSON(raw []byte) error {
	word := unquoted(raw)
	if n, ok := integer(word); ok {
		*v = ident{n: n, set: true}
	} else if raw[0] == '"' && word != "" {
		*v = ident{s: word, set: true}
	}
	return nil
}

func (v ident) String() string {
	if v.s != "" {
		return strconv.Quote(v.s)
	}
	return strconv.FormatInt(v.n, 10)
}

// integer returns the whole number that a text is, such as 7, 007 or 7.0.
func integer(word string) (int64, bool) {
	if n, err := strconv.ParseInt(word, 10, 64); err == nil {
		return n, true
	}
	x, ok := finite(word)
	return int64(x), ok && x == math.Trunc(x) && math.Abs(x) < 1<<53
}

// finite returns the number that a text is in decimal.
func finite(word string) (float64, bool) {
	if strings.ContainsAny(word, "xXpP_iInN") { // which ParseFloat takes and JSON does not
		return 0, false
	}
	x, err := strconv.ParseFloat(word, 64)
	return x, err == nil
}

// unquoted returns a value as text, without quotes and the white space inside them.
func unquoted(raw []byte) string {
	if raw[0] != '"' {
		return string(raw)
	}
	var s string
	_ = json.Unmarshal(raw, &s) // it is a sound string, or nobody would pass it
	return strings.TrimSpace(s)
}

// number is a number, also one in quotes; 0 of anything else.
type number struct{ value float64 }

// UnmarshalJSON implements json.Unmarshaler.
func (v *number) UnmarshalJSON(raw []byte) error {
	v.value, _ = finite(unquoted(raw))
	return nil
}

// text is a string, or a number as it is written.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (v *text) UnmarshalJSON(raw []byte) error {
	switch {
	case raw[0] == '"':
		var s string
		_ = json.Unmarshal(raw, &s) // see unquoted
		*v = text(s)
	case raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9':
		*v = text(raw)
	}
	return nil
}

// flag is true for true, 1 and what else is a number but 0, in quotes or not.
type flag bool

// UnmarshalJSON implements json.Unmarshaler.
func (v *flag) UnmarshalJSON(raw []byte) error {
	word := unquoted(raw)
	x, _ := finite(word)
	*v = flag(strings.EqualFold(word, "true") || x != 0)
	return nil
}

// box is left, top, width and height.
type box struct {
	of [4]float64
	ok bool // four numbers, and no negative size
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *box) UnmarshalJSON(raw []byte) error {
	if raw[0] != '[' {
		return nil
	}
	elements := bytes.Split(raw[1:len(raw)-1], []byte(","))
	if len(elements) != len(v.of) {
		return nil
	}
	for i, element := range elements {
		var ok bool
		if element = bytes.Trim(element, " \t\r\n\""); len(element) == 0 {
			return nil
		}
		if v.of[i], ok = finite(string(element)); !ok {
			return nil
		}
	}
	v.ok = min(v.of[2], v.of[3]) >= 0
	return nil
}
