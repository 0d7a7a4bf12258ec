package tokenizer

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"engram/data/vfs"
)

// The ids that are no word of a Vocabulary.
const (
	Padding = 0 // fills a text up to the context
	Unknown = 1 // stands for every word that is not in the vocabulary
	words   = 2 // the first word's
)

// vocabularyHeader is the first line of a vocabulary file. It tells the file
// from the files of tokenizers that cut words into pieces.
const vocabularyHeader = "# words"

// Vocabulary turns text into ids, one for each word: the tokenizer of models
// whose captions have few words.
type Vocabulary struct {
	ids     map[string]int64
	context int
}

// WriteVocabulary writes the tokenizer file of a model: a header and one word
// a line. Word i, from 0, gets the id 2+i. Words are as Encode cuts them:
// letters and digits in lower case.
func WriteVocabulary(path string, list []string) error {
	seen := map[string]bool{}
	for _, w := range list {
		if !isWord(w) || seen[w] {
			return fmt.Errorf("tokenizer: %q is not a word in lower case that the vocabulary does not have yet", w)
		}
		seen[w] = true
	}
	return vfs.WriteFile(path, func(w io.Writer) error {
		_, err := io.WriteString(w, vocabularyHeader+"\n"+strings.Join(list, "\n")+"\n")
		return err
	})
}

// parseVocabulary reads what WriteVocabulary wrote, after the header. context is how
// many ids a text has.
func parseVocabulary(body string, context int) (*Vocabulary, error) {
	v := &Vocabulary{ids: map[string]int64{}, context: context}
	for line := range strings.Lines(body) {
		word := strings.TrimSuffix(line, "\n")
		if _, twice := v.ids[word]; twice || !isWord(word) {
			return nil, fmt.Errorf("line %d is %q, wanted a word in lower case that is not there yet", len(v.ids)+2, word)
		}
		v.ids[word] = int64(words + len(v.ids))
	}
	return v, nil
}

// NewVocabulary returns the vocabulary of a list of words, numbered as by
// WriteVocabulary.
func NewVocabulary(list []string, context int) *Vocabulary {
	v := &Vocabulary{ids: make(map[string]int64, len(list)), context: context}
	for i, w := range list {
		v.ids[w] = int64(words + i)
	}
	return v
}

// Size returns the number of ids, with the two that are no word.
func (v *Vocabulary) Size() int { return words + len(v.ids) }

// Context returns how many ids a text has.
func (v *Vocabulary) Context() int { return v.context }

// Encode writes the ids of a text to ids, which has the context's length. What
// stands between words is ignored, upper case is lower case, and words beyond the
// context are left out. It returns how many words of the text, up to there, the
// vocabulary has.
func (v *Vocabulary) Encode(ids []int64, text string) (known int) {
	clear(ids)
	for i, w := range fields(text) {
		if i == len(ids) {
			break
		}
		ids[i] = Unknown
		if id, ok := v.ids[w]; ok {
			ids[i] = id
			known++
		}
	}
	return known
}

// encode is Encode without padding, for Tokenizer.
func (v *Vocabulary) encode(s *scratch) {
	for _, w := range fields(string(s.text)) {
		id, ok := v.ids[w]
		if !ok {
			id = Unknown
		}
		s.ids = append(s.ids, id)
	}
}

func (v *Vocabulary) meaningful(id int64) bool { return id >= words }

func (v *Vocabulary) size() int { return v.Size() }

// fields cuts a text into words: runs of letters and digits in lower case.
func fields(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// isWord tells whether Encode would find w as it is.
func isWord(w string) bool {
	f := fields(w)
	return len(f) == 1 && f[0] == w
}
