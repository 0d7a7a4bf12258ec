package tokenizer_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/embed/tokenizer"
)

func TestVocabulary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "words.txt")
	list := []string{"a", "zebra", "7", "münze"}
	if err := tokenizer.WriteVocabulary(path, list); err != nil {
		t.Fatal(err)
	}
	read, err := tokenizer.Open(tokenizer.Spec{Dir: filepath.Dir(path), File: "words.txt", Context: 5})
	if err != nil {
		t.Fatal(err)
	}
	made := tokenizer.NewVocabulary(list, 5)
	for _, v := range []struct {
		sized interface {
			Size() int
			Context() int
		}
		encode func(ids []int64, text string) (known int)
	}{
		{made, made.Encode},
		{read, func(ids []int64, text string) int { return read.Encode(ids, text).Known }},
	} {
		if v.sized.Size() != 6 || v.sized.Context() != 5 {
			t.Errorf("%d ids and a context of %d, want 6 and 5", v.sized.Size(), v.sized.Context())
		}
		for text, want := range map[string]struct {
			ids   []int64
			known int
		}{
			"A zebra, 7 MÜNZE!":     {[]int64{2, 3, 4, 5, 0}, 4},
			"a a a a a zebra":       {[]int64{2, 2, 2, 2, 2}, 5},
			"quick-brown\tzebra":    {[]int64{1, 1, 3, 0, 0}, 1},
			" \n":                   {[]int64{0, 0, 0, 0, 0}, 0},
			"no word \xff of these": {[]int64{1, 1, 1, 1, 0}, 0},
		} {
			ids := []int64{9, 9, 9, 9, 9}
			if known := v.encode(ids, text); known != want.known {
				t.Errorf("%q: %d known words, want %d", text, known, want.known)
			}
			if diff := cmp.Diff(want.ids, ids); diff != "" {
				t.Errorf("%q: %s", text, diff)
			}
		}
	}
}

// A text is read by parts. One that has more words than the context is cut, also where
// the context is full just at the end of a part.
func TestALongTextIsCutAtTheEndOfAPart(t *testing.T) {
	dir := t.TempDir()
	if err := tokenizer.WriteVocabulary(filepath.Join(dir, "words.txt"), []string{"a"}); err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("a ", 5000)
	for context := 4090; context <= 4100; context++ { // a part has 4,096 words
		tok, err := tokenizer.Open(tokenizer.Spec{Dir: dir, File: "words.txt", Context: context})
		if err != nil {
			t.Fatal(err)
		}
		if got := tok.Encode(make([]int64, context), text); !got.Cut || got.N != context || got.Known != context {
			t.Errorf("a context of %d: %+v", context, got)
		}
	}
}

func TestVocabularyRefusals(t *testing.T) {
	dir := t.TempDir()
	for _, list := range [][]string{{"a", "a"}, {"two words"}, {"Zebra"}, {""}, {"a\n"}} {
		path := filepath.Join(dir, "new.txt")
		if err := tokenizer.WriteVocabulary(path, list); err == nil {
			t.Errorf("%q is accepted", list)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%q left a file", list)
		}
	}
	for _, text := range []string{"", "a\nzebra\n", "# words\na\na\n", "# words\n\n", "# words\nTwo\n", "#version: 0.2\ni n\n"} {
		path := filepath.Join(dir, "words.txt")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := tokenizer.Open(tokenizer.Spec{Dir: dir, File: "words.txt", Context: 5}); err == nil || !strings.Contains(err.Error(), "words.txt") {
			t.Errorf("%q: %v, want an error that names the file", text, err)
		}
	}
}
