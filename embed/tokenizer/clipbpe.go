package tokenizer

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"engram/embed/internal/jsonkind"

	"golang.org/x/text/unicode/norm"
)

// CLIP's own pieces. Source: Radford et al., "Learning Transferable Visual Models
// From Natural Language Supervision", arXiv 2103.00020, and the tokenizer.json
// files that Hugging Face publishes for it.
const (
	clipStart   = "<|startoftext|>"
	clipEnd     = "<|endoftext|>"
	clipSuffix  = "</w>"
	clipPattern = `'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`
)

// readSimpleVocabulary reads bpe_simple_vocab_16e6.txt.gz, the list of merges that
// OpenAI published. The vocabulary follows from it: the 256 bytes, the same at the
// end of a word, one piece for each of the first 48,894 merges, and two specials.
// Source: openai/CLIP, simple_tokenizer.py.
func readSimpleVocabulary(packed []byte) (*definition, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(r, maxFile))
	if err != nil {
		return nil, err
	}
	_, merges, _ := strings.Cut(string(text), "\n") // the first line is a title
	pairs, err := mergeLines(merges)
	if err != nil {
		return nil, err
	}
	const vocabularySize, specials = 49152, 2 // the title is the third that is not counted
	pairs = pairs[:min(len(pairs), vocabularySize-256-specials)]
	vocabulary := make(map[string]int32, 2*256+len(pairs)+specials)
	add := func(piece string) { vocabulary[piece] = int32(len(vocabulary)) }
	coded := codedBytes()
	var order []string
	for _, visible := range []bool{true, false} {
		for _, c := range coded {
			if (len(c) == 1 || c < "Ā") == visible {
				order = append(order, c)
			}
		}
	}
	for _, suffix := range []string{"", clipSuffix} {
		for _, c := range order {
			add(c + suffix)
		}
	}
	for _, p := range pairs {
		add(p[0] + p[1])
	}
	add(clipStart)
	add(clipEnd)
	return clipDefinition(vocabulary, pairs)
}

// readVocabularyAndMerges reads a vocab.json and a merges.txt.
func readVocabularyAndMerges(vocabularyText, mergesText []byte) (*definition, error) {
	var vocabulary map[string]int32
	if err := json.Unmarshal(vocabularyText, &vocabulary); err != nil {
		return nil, fmt.Errorf("a map of pieces to ids is wanted: %w", jsonkind.Explain(err))
	}
	pairs, err := mergeLines(string(mergesText))
	if err != nil {
		return nil, err
	}
	return clipDefinition(vocabulary, pairs)
}

// mergeLines reads the lines of a merges.txt: a first line that begins with
// #version, and two pieces a line.
func mergeLines(text string) ([][2]string, error) {
	var pairs [][2]string
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if line == "" || number == 1 && strings.HasPrefix(line, "#version") {
			continue
		}
		left, right, ok := strings.Cut(line, " ")
		if !ok || left == "" || right == "" || strings.Contains(right, " ") {
			return nil, fmt.Errorf("line %d of the merges is %q, wanted two pieces", number, line)
		}
		pairs = append(pairs, [2]string{left, right})
	}
	return pairs, nil
}

// clipDefinition makes the tokenizer that CLIP's tokenizer.json describes.
func clipDefinition(vocabulary map[string]int32, pairs [][2]string) (*definition, error) {
	start, ok := vocabulary[clipStart]
	end, ok2 := vocabulary[clipEnd]
	if !ok || !ok2 {
		return nil, errors.New("the vocabulary has no " + clipStart + " and " + clipEnd + ": it is not CLIP's, whose tokenizer.json is wanted")
	}
	d := &definition{before: []int64{int64(start)}, after: []int64{int64(end)}, pad: int64(end)}
	var errs []error
	d.setVocabulary(object{errs: &errs}, vocabulary)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	m := &bpe{suffix: clipSuffix, unknown: end, cache: newCache(), vocabulary: vocabulary}
	var err error
	if m.merges, err = bpeRules(vocabulary, pairs, ""); err != nil {
		return nil, err
	}
	d.blank[start], d.blank[end] = true, true
	delete(vocabulary, clipStart)
	delete(vocabulary, clipEnd)
	space, words := mustCompile(`\s+`), mustCompile(clipPattern)
	d.normalizers = []normalizer{unicodeForm{norm.NFC}, replacement{space, " "}, lowercase{}}
	d.preTokenizers = []preTokenizer{split{words, removed, true}, newByteLevel(false, true)}
	d.model = m
	return d, nil
}
