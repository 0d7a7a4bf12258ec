package tokenizer_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/embed/tokenizer"
)

// openText opens a tokenizer file with this content.
func openText(t testing.TB, name string, text []byte) error {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := tokenizer.Open(tokenizer.Spec{Dir: dir, File: name, Context: 16})
	return err
}

// TestUnknownMembersAreRefused changes one member of a file and wants a sentence
// that names the file and the member.
func TestUnknownMembersAreRefused(t *testing.T) {
	t.Parallel()
	spec := small(t, "bert_uncased.json")
	text, err := os.ReadFile(filepath.Join(spec.Dir, spec.File))
	if err != nil {
		t.Fatal(err)
	}
	for change, want := range map[string]string{
		`{"normalizer":{"type":"Magic"}}`:                                               `normalizer.type is "Magic", which is not known`,
		`{"normalizer":{"type":"NFC","deep":true}}`:                                     `normalizer.deep is true, which is not known`,
		`{"normalizer":{"type":"Replace","pattern":{"Regex":"(?<=a)b"},"content":""}}`:  `normalizer.pattern "(?<=a)b": (?<= in it is not known`,
		`{"normalizer":{"type":"Replace","pattern":{"Regex":"a*"},"content":""}}`:       `normalizer.pattern "a*": it matches the empty text`,
		`{"normalizer":{"type":"Replace","pattern":{"Regex":"(ab)+"},"content":""}}`:    `normalizer.pattern "(ab)+": "(ab)+" in it repeats a group more than 16 times`,
		`{"normalizer":{"type":"Replace","pattern":{"Regex":"[a[bc]]"},"content":""}}`:  `a class within a class in it is not known`,
		`{"normalizer":{"type":"Precompiled","precompiled_charsmap":"AAAA"}}`:           `normalizer.precompiled_charsmap is broken: the table of characters has no size`,
		`{"pre_tokenizer":{"type":"UnicodeScripts"}}`:                                   `pre_tokenizer.type is "UnicodeScripts", which is not known`,
		`{"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"X"}]}}`:          `pre_tokenizer.pretokenizers[0].type is "X", which is not known`,
		`{"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"2"}}`: `pre_tokenizer.prepend_scheme is "2", which is not known`,
		`{"post_processor":{"type":"TemplateProcessing","single":[]}}`:                  `post_processor.single has the text 0 times, wanted once`,
		`{"post_processor":{"type":"BertProcessing","sep":["a",1],"cls":7}}`:            `post_processor.cls is 7`,
		`{"post_processor":{"type":"BertProcessing","sep":["a",1],"cls":["b",99999]}}`:  `the tokenizer has the special id 99999`,
		`{"truncation":{"direction":"Left"}}`:                                           `truncation.direction is "Left", wanted Right`,
		`{"padding":{"direction":"Left","pad_id":0}}`:                                   `padding.direction is "Left", wanted Right`,
		`{"added_tokens":[{"id":-1,"content":"x"}]}`:                                    `added_tokens[0].id is -1, wanted 0 to 16777215`,
		`{"added_tokens":[{"id":1,"content":"x","colour":2}]}`:                          `added_tokens[0].colour is 2, which is not known`,
		`{"model":{"type":"Neural"}}`:                                                   `model.type is "Neural", which is not known`,
		`{"model":null}`:                                                                `model is missing`,
		`{"model":{"type":"WordPiece","vocab":{"a":0},"unk_token":"?"}}`:                `model.unk_token is "?", which the vocabulary has not`,
		`{"model":{"type":"WordPiece","vocab":{"a":1e9},"unk_token":"a"}}`:              `model.vocab is {"a":1e9}`,
		`{"model":{"type":"WordPiece","vocab":{"a":-4},"unk_token":"a"}}`:               `model.vocab has "a" with the id -4, wanted 0 to 16777215`,
		`{"model":{"type":"Unigram","vocab":[["a",-1]],"unk_id":3}}`:                    `model.unk_id is not the id of a piece`,
		`{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":["a b"]}}`:               `model.merges merge 0 makes "ab", which the vocabulary has not`,
		`{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":["a b c"]}}`:             `model.merges[0] is "a b c", wanted two pieces with a space between them`,
		`{"model":{"type":"BPE","vocab":{"a":0},"merges":[],"dropout":0.1}}`:            `model.dropout is 0.1, wanted none: it makes ids random`,
		`{"surprise":1}`: `surprise is 1, which is not known`,
	} {
		var members, changes map[string]json.RawMessage
		if err := json.Unmarshal(text, &members); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(change), &changes); err != nil {
			t.Fatal(err)
		}
		maps.Copy(members, changes)
		changed, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		err = openText(t, "tokenizer.json", changed)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "tokenizer.json") {
			t.Errorf("%s: %v\nwant %s", change, err, want)
		}
	}
}

// TestOtherFilesAreRefused wants a sentence for what is no tokenizer.
func TestOtherFilesAreRefused(t *testing.T) {
	t.Parallel()
	spec := small(t, "bpe_suffix.model")
	model, err := os.ReadFile(filepath.Join(spec.Dir, spec.File))
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte("a title\nsome text that is no list\n")); err != nil {
		t.Fatal(err)
	}
	w.Close()
	for name, c := range map[string]struct {
		text []byte
		want string
	}{
		"empty":      {nil, "the file is empty"},
		"page":       {[]byte("<!doctype html><title>Not found</title>"), "is of no kind that is known"},
		"pointer":    {[]byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 2\n"), "is of no kind that is known"},
		"object":     {[]byte(`{"a":1}`), "model is missing"},
		"large id":   {[]byte(`{"model":{"type":"WordLevel","vocab":{"a":99999999999},"unk_token":"a"}}`), `: it is a number 99999999999, wanted a whole number of 32 bits`},
		"broken":     {[]byte(`{"model":`), "is not an object"},
		"cut off":    {model[:len(model)-7], "cut off or broken"},
		"no pieces":  {[]byte{0x12, 0}, "no unknown piece"},
		"list":       {packed.Bytes(), "line 1 of the merges"},
		"broken zip": {packed.Bytes()[:20], "unexpected EOF"},
		"words":      {[]byte("# words\nTwo\n"), "line 2 is \"Two\""},
	} {
		if err := openText(t, "file", c.text); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "file") {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// TestSpecsAreChecked wants a sentence for what a model asks wrongly.
func TestSpecsAreChecked(t *testing.T) {
	t.Parallel()
	good := small(t, "xlmr.json")
	pad := 100_000
	for want, change := range map[string]func(*tokenizer.Spec){
		"a context of 2 ids, wanted at least 3": func(s *tokenizer.Spec) { s.Context = 2 },
		`the cleaning "soap" is not known`:      func(s *tokenizer.Spec) { s.Clean = "soap" },
		"no such file":                          func(s *tokenizer.Spec) { s.File = "other.json" },
		"the padding id 100000 is not below":    func(s *tokenizer.Spec) { s.Pad = &pad },
		"a map of pieces to ids is wanted":      func(s *tokenizer.Spec) { s.Merges = s.File },
		"merges.txt: no such file":              func(s *tokenizer.Spec) { s.Merges = "merges.txt" },
	} {
		spec := good
		change(&spec)
		if _, err := tokenizer.Open(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
