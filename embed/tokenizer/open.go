package tokenizer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxFile is the size of a tokenizer file that is still read. Gemma's
// tokenizer.json, one of the largest, has 34 MB.
const maxFile = 256 << 20

// Open reads a tokenizer.
func Open(spec Spec) (*Tokenizer, error) {
	path := filepath.Join(spec.Dir, filepath.FromSlash(spec.File))
	text, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	t := &Tokenizer{context: spec.Context}
	if t.clean, err = newCleaner(spec.Clean, spec.Lower); err == nil {
		err = t.read(spec, text)
	}
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %s: %w", path, err)
	}
	if spec.Pad != nil {
		t.pad = int64(*spec.Pad)
		if t.pad < 0 || t.pad >= int64(t.Size()) {
			return nil, fmt.Errorf("tokenizer: %s: the padding id %d is not below the %d ids of the tokenizer", path, t.pad, t.Size())
		}
	}
	if least := len(t.before) + len(t.after) + 1; t.context < least {
		return nil, fmt.Errorf("tokenizer: %s: a context of %d ids, wanted at least %d", path, t.context, least)
	}
	return t, nil
}

// read finds out by its content what kind of file it is.
func (t *Tokenizer) read(spec Spec, text []byte) error {
	var d *definition
	var err error
	list, isList := bytes.CutPrefix(text, []byte(vocabularyHeader+"\n"))
	switch {
	case len(text) == 0:
		return errors.New("the file is empty")
	case isList:
		v, err := parseVocabulary(string(list), spec.Context)
		if err != nil {
			return err
		}
		t.encoder, t.pad = v, Padding
		return nil
	case spec.Merges != "":
		var merges []byte
		if merges, err = readFile(filepath.Join(spec.Dir, filepath.FromSlash(spec.Merges))); err != nil {
			return err
		}
		d, err = readVocabularyAndMerges(text, merges)
	case bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")):
		d, err = readTokenizerJSON(text)
	case bytes.HasPrefix(text, []byte{0x1F, 0x8B}):
		d, err = readSimpleVocabulary(text)
	default:
		d, err = readSentencePiece(text)
	}
	if err != nil {
		return err
	}
	t.encoder, t.before, t.after, t.pad = &d.pipeline, d.before, d.after, d.pad
	return nil
}

// readFile reads a file that is not larger than maxFile.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s has more than %d bytes", path, maxFile)
	}
	return text, nil
}
