package tokenizer

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// What Spec.Clean may be: what is done to a text before everything else.
const (
	// CleanNone leaves texts as they are.
	CleanNone = ""
	// CleanWeb makes curly quotes straight and reads HTML entities, twice, as
	// OpenAI's and open_clip's code does for CLIP. Their repair of wrongly decoded
	// text is not done.
	CleanWeb = "web"
	// CleanCanonicalize puts a text into lower case, removes ASCII punctuation, with
	// a space in place of _, and joins white space, as open_clip does for SigLIP.
	CleanCanonicalize = "canonicalize"
	// CleanWhitespace joins white space, as Immich does for all its models.
	CleanWhitespace = "whitespace"
)

// cleaner is what a model does to a text before its tokenizer's own normalizers.
type cleaner struct {
	clean func(string) string // nil: nothing
	lower bool
}

func newCleaner(name string, lower bool) (cleaner, error) {
	c := cleaner{lower: lower}
	switch name {
	case CleanNone:
	case CleanWeb:
		c.clean = cleanWeb
	case CleanCanonicalize:
		c.clean = canonicalize
	case CleanWhitespace:
		c.clean = joinSpace
	default:
		return c, fmt.Errorf("the cleaning %q is not known, wanted %q, %q, %q or none",
			name, CleanWeb, CleanCanonicalize, CleanWhitespace)
	}
	return c, nil
}

// apply cleans the text of s, which is one span.
func (c cleaner) apply(s *scratch) {
	if c.clean != nil {
		s.reset(c.clean(string(s.text)))
	}
	if c.lower {
		s.rewrite(lowercase{})
	}
}

// cleanWeb replaces the quotes that ftfy's uncurl_quotes does.
func cleanWeb(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == 'ʼ', r >= '‘' && r <= '‛':
			return '\''
		case r >= '“' && r <= '‟':
			return '"'
		}
		return r
	}, text)
	return unescape(unescape(text))
}

func canonicalize(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '_':
			return ' '
		case r < unicode.MaxASCII && isPunctuation(r):
			return -1
		}
		return r
	}, text)
	return joinSpace(lowerWords(text))
}

// lowerWords puts a text into lower case as Python does: by character, but for a
// capital sigma at the end of a word.
func lowerWords(text string) string {
	if strings.ContainsRune(text, 'Σ') {
		return cases.Lower(language.Und).String(text)
	}
	return string(appendLower(nil, []byte(text)))
}

// joinSpace puts one space in place of white space, and none at the ends. What is
// white space is as in Python's str.split.
func joinSpace(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return isSpace(r) || r >= 0x1C && r <= 0x1F
	}), " ")
}
