package tokenizer_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"engram/embed/tokenizer"
)

// check wants ids that the tokenizer knows, whatever its file says.
func check(t *testing.T, tok *tokenizer.Tokenizer, text string) {
	ids := make([]int64, tok.Context())
	e := tok.Encode(ids, text)
	if e.N > len(ids) || e.Known > e.N {
		t.Errorf("%q: %+v", text, e)
	}
	for _, id := range ids {
		if id < 0 || id >= int64(tok.Size()) {
			t.Errorf("%q: the id %d is not below %d", text, id, tok.Size())
		}
	}
}

// fuzzFile opens what the fuzzer makes of files; what opens must encode.
func fuzzFile(f *testing.F, seeds ...[]byte) {
	for _, seed := range seeds {
		f.Add(seed, "A cat’s <s> ▁naïve 猫 12\n")
	}
	f.Fuzz(func(t *testing.T, content []byte, text string) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "file"), content, 0o644); err != nil {
			t.Fatal(err)
		}
		tok, err := tokenizer.Open(tokenizer.Spec{Dir: dir, File: "file", Context: 32})
		if err != nil {
			if !strings.HasPrefix(err.Error(), "tokenizer: ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error is %q", err)
			}
			return
		}
		check(t, tok, text)
	})
}

func FuzzTokenizerJSON(f *testing.F) {
	seeds := [][]byte{
		[]byte(`{"normalizer":{"type":"Replace","pattern":{"Regex":"(?i:a|b)?\\s+(?!\\S)"},"content":"_"},` +
			`"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"<0x41>":3},"merges":["a b"],"byte_fallback":true}}`),
		[]byte(`{"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"},` +
			`"added_tokens":[{"id":3,"content":"cat","lstrip":true,"single_word":true,"normalized":true}],` +
			`"model":{"type":"Unigram","vocab":[["a",-1],["▁",-2.5],["▁a",-3]],"unk_id":0}}`),
	}
	for _, file := range []string{"stages_1.json", "stages_2.json", "stages_3.json"} {
		spec := small(f, file)
		text, err := os.ReadFile(filepath.Join(spec.Dir, spec.File))
		if err != nil {
			f.Fatal(err)
		}
		seeds = append(seeds, text)
	}
	fuzzFile(f, seeds...)
}

func FuzzSentencePiece(f *testing.F) {
	fuzzFile(f, tinyModel(1), tinyModel(2))
}

// tinyModel makes a SentencePiece model of a type, with a table of one character.
func tinyModel(kind uint64) []byte {
	var model []byte
	for i, piece := range []string{"<unk>", "</s>", "▁", "a", "b", "ab", "▁ab", "cat", "<0x41>"} {
		types := map[string]uint64{"<unk>": 2, "</s>": 3, "cat": 4, "<0x41>": 6}
		var p []byte
		p = protowire.AppendString(protowire.AppendTag(p, 1, protowire.BytesType), piece)
		p = protowire.AppendFixed32(protowire.AppendTag(p, 2, protowire.Fixed32Type), math.Float32bits(-float32(i)))
		p = protowire.AppendVarint(protowire.AppendTag(p, 3, protowire.VarintType), max(types[piece], 1))
		model = protowire.AppendBytes(protowire.AppendTag(model, 1, protowire.BytesType), p)
	}
	trainer := protowire.AppendVarint(protowire.AppendTag(nil, 3, protowire.VarintType), kind)
	trainer = protowire.AppendVarint(protowire.AppendTag(trainer, 35, protowire.VarintType), 1)
	model = protowire.AppendBytes(protowire.AppendTag(model, 2, protowire.BytesType), trainer)
	charsmap := []byte{12, 0, 0, 0, 0, 4, 0, 0, 'A', 5, 0, 0, 0, 0, 0, 0x80, 'a', 0}
	normalizer := protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), charsmap)
	return protowire.AppendBytes(protowire.AppendTag(model, 3, protowire.BytesType), normalizer)
}

func FuzzWordList(f *testing.F) {
	f.Add([]byte("# words\na\nzebra\n"), "A Zebra")
	f.Fuzz(func(t *testing.T, content []byte, text string) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "file"), append([]byte("# words\n"), content...), 0o644); err != nil {
			t.Fatal(err)
		}
		if tok, err := tokenizer.Open(tokenizer.Spec{Dir: dir, File: "file", Context: 8}); err == nil {
			check(t, tok, text)
		}
	})
}

func FuzzMerges(f *testing.F) {
	vocabulary := `{"a":0,"b":1,"c</w>":2,"ab":3,"b</w>":4,"abc</w>":5,"<|startoftext|>":6,"<|endoftext|>":7}`
	f.Add(vocabulary, "#version: 0.2\na b\nab c</w>\n", "abc ab a")
	f.Fuzz(func(t *testing.T, vocabulary, merges, text string) {
		dir := t.TempDir()
		for name, content := range map[string]string{"vocab.json": vocabulary, "merges.txt": merges} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if tok, err := tokenizer.Open(tokenizer.Spec{Dir: dir, File: "vocab.json", Merges: "merges.txt", Context: 8}); err == nil {
			check(t, tok, text)
		}
	})
}

// FuzzEncode wants known ids of any text, equal for equal texts, and the ids of
// the longer context cut where the context is short.
func FuzzEncode(f *testing.F) {
	for _, text := range readTexts(f) {
		f.Add(text)
	}
	var toks, shorts []*tokenizer.Tokenizer
	for _, file := range smallFiles {
		spec := small(f, file)
		toks = append(toks, open(f, spec))
		spec.Context = 16
		shorts = append(shorts, open(f, spec))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i, tok := range toks {
			check(t, tok, text)
			whole, _ := encode(t, tok, text)
			ids, e := encode(t, shorts[i], text)
			if e.Cut != (len(whole) > 16) {
				t.Errorf("%s, %q: cut is %v, with %d ids", smallFiles[i], text, e.Cut, len(whole))
			}
			for k := range min(len(ids), len(whole), 14) {
				if ids[k] != whole[k] {
					t.Errorf("%s, %q: %d, want %d", smallFiles[i], text, ids, whole)
					break
				}
			}
		}
	})
}
