package index

import (
	"iter"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Match implements Filter.
func (f And) Match(p Payload) bool {
	for _, part := range f {
		if !part.Match(p) {
			return false
		}
	}
	return true
}

// Match implements Filter.
func (f Or) Match(p Payload) bool {
	for _, part := range f {
		if part.Match(p) {
			return true
		}
	}
	return false
}

// Match implements Filter.
func (f Not) Match(p Payload) bool { return !f.Filter.Match(p) }

// Match implements Filter.
func (f Equal) Match(p Payload) bool { return equal(p[f.Key], f.Value) }

// Match implements Filter.
func (f In) Match(p Payload) bool {
	value := p[f.Key]
	return slices.ContainsFunc(f.Values, func(wanted any) bool { return equal(value, wanted) })
}

// equal reports whether a payload's value, or an element of it, is wanted.
func equal(value, wanted any) bool {
	switch value := value.(type) {
	case nil:
		return false
	case []string:
		text, ok := wanted.(string)
		return ok && slices.Contains(value, text)
	case int64:
		if wanted, ok := wanted.(float64); ok {
			return sameNumber(value, wanted)
		}
	case float64:
		if wanted, ok := wanted.(int64); ok {
			return sameNumber(wanted, value)
		}
	}
	return value == wanted
}

// sameNumber compares without rounding: a float64 has no more than 53 bits of an
// int64.
func sameNumber(n int64, x float64) bool {
	return x >= -1<<63 && x < 1<<63 && x == math.Trunc(x) && int64(x) == n
}

// Match implements Filter.
func (f Range) Match(p Payload) bool {
	var x float64
	switch value := p[f.Key].(type) {
	case int64:
		x = float64(value)
	case float64:
		x = value
	default:
		return false
	}
	return (f.Above == nil || x > *f.Above) && (f.From == nil || x >= *f.From) &&
		(f.Below == nil || x < *f.Below) && (f.To == nil || x <= *f.To)
}

// Match implements Filter.
func (f Exists) Match(p Payload) bool {
	if list, ok := p[f.Key].([]string); ok {
		return len(list) > 0
	}
	return p[f.Key] != nil
}

// Match implements Filter.
func (f Text) Match(p Payload) bool {
	text := p[f.Key]
	for word := range WordsOf(f.Words) {
		if !hasWord(text, word, Spaceless(word)) {
			return false
		}
	}
	return true
}

// hasWord reports whether word, in lower case, is among the words of a value, or
// anywhere in one of them.
func hasWord(value any, word string, anywhere bool) bool {
	switch value := value.(type) {
	case string:
		for have := range WordsOf(value) {
			if have == word || anywhere && strings.Contains(have, word) {
				return true
			}
		}
	case []string:
		for _, text := range value {
			if hasWord(text, word, anywhere) {
				return true
			}
		}
	}
	return false
}

// Spaceless reports whether a text has a character of a script that puts no spaces
// between words.
func Spaceless(text string) bool {
	if isASCII(text) {
		return false
	}
	return strings.ContainsFunc(text, func(r rune) bool {
		return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
	})
}

// SplitWords returns the words of the filter that every engine finds whole, joined
// by spaces, and whether there are others, which are found anywhere in a run (see
// Spaceless). Words keep their case: another tokenizer that splits and lowers them
// again would cut "i̇zmir", which is "İzmir" in lower case, at its combining dot.
func (f Text) SplitWords() (whole string, others bool) {
	var list []string
	for word := range spelledWords(f.Words) {
		if Spaceless(word) {
			others = true
		} else {
			list = append(list, word)
		}
	}
	return strings.Join(list, " "), others
}

// WordsOf yields the words of a text in lower case, as Text compares them, from first to last. It
// splits and lowers as Qdrant's tokenizer "word" does, which uses Rust's
// char::is_alphanumeric and str::to_lowercase, so that a text matches in
// every engine or in none (but for the few characters whose properties Unicode
// has changed since the version that Go knows).
func WordsOf(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for word := range spelledWords(text) {
			if !yield(lower(word)) {
				return
			}
		}
	}
}

// spelledWords yields the words of a text as they are written.
func spelledWords(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		start := 0 // of the word that the loop is in
		for i, r := range text {
			if !endsWord(r) {
				continue
			}
			if start < i && !yield(text[start:i]) {
				return
			}
			_, size := utf8.DecodeRuneInString(text[i:])
			start = i + size
		}
		if start < len(text) {
			yield(text[start:])
		}
	}
}

// endsWord reports whether r is no part of a word. Combining marks are
// alphabetic where they write vowels, as in Devanagari, and not where they are
// accents.
func endsWord(r rune) bool {
	if r < utf8.RuneSelf {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}
	return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.Is(unicode.Other_Alphabetic, r)
}

// lower returns a word in lower case by the full mapping of Unicode (The Unicode
// Standard, §3.13), where strings.ToLower has the simple one: they differ in the
// dotted I and in the sigma at the end of a word.
func lower(word string) string {
	if isASCII(word) {
		return strings.ToLower(word)
	}
	word = strings.ReplaceAll(word, "İ", "i\u0307")
	if strings.Contains(word, "Σ") {
		runes := []rune(word)
		for i, r := range runes {
			if r == 'Σ' && endsCased(runes[:i]) && !startsCased(runes[i+1:]) {
				runes[i] = 'ς'
			}
		}
		word = string(runes)
	}
	return strings.ToLower(word)
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// endsCased reports whether the last of runes that says something about case
// has one; startsCased does so for the first.
func endsCased(runes []rune) bool {
	for _, r := range slices.Backward(runes) {
		if !ignoresCase(r) {
			return hasCase(r)
		}
	}
	return false
}

func startsCased(runes []rune) bool {
	for _, r := range runes {
		if !ignoresCase(r) {
			return hasCase(r)
		}
	}
	return false
}

func ignoresCase(r rune) bool { return unicode.In(r, unicode.Mn, unicode.Lm) }

func hasCase(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Uppercase, unicode.Other_Lowercase)
}
