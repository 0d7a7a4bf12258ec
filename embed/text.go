package embed

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrText reports a text that cannot be searched for.
var ErrText = errors.New("unusable text")

// MaxText is the most bytes of a text. The longest context of a published text
// model, 8,192 tokens, holds about as much.
const MaxText = 32 << 10

// CheckText refuses, with ErrText, a text that no text model can make sense of:
// one without anything but white space, with more than MaxText bytes, that is not
// UTF-8, or with a control character other than white space.
func CheckText(text string) error {
	switch {
	case len(text) > MaxText:
		return Sentence(ErrText, "the text has %d bytes, wanted at most %d", len(text), MaxText)
	case !utf8.ValidString(text):
		return Sentence(ErrText, "the text is not UTF-8 at byte %d", firstInvalid(text))
	case strings.TrimSpace(text) == "":
		return Sentence(ErrText, "the text is empty, wanted a word or more")
	}
	for i, r := range text {
		if unicode.IsControl(r) && !unicode.IsSpace(r) {
			return Sentence(ErrText, "the text has the control character %U at byte %d", r, i)
		}
	}
	return nil
}

// firstInvalid returns the position of the first byte that is not UTF-8.
func firstInvalid(text string) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(text)
}
