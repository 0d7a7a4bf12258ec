package tokenizer_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"engram/data/racetest"
	"engram/embed/tokenizer"
)

// encode returns the ids before padding, and what Encode says.
func encode(t testing.TB, tok *tokenizer.Tokenizer, text string) ([]int64, tokenizer.Encoding) {
	t.Helper()
	ids := make([]int64, tok.Context())
	e := tok.Encode(ids, text)
	return ids[:e.N], e
}

// smallFiles are small tokenizers of each model.
var smallFiles = []string{
	"bert_uncased.json", "siglip.model", "siglip.json", "xlmr.json", "gemma.model", "gemma.json", "roberta.json", "bpe_nfkc.model",
}

// TestLongTextsAreCut wants the special ids at the end of a text that is too long,
// the ids that the same text has with more room, and no work for what is cut off.
func TestLongTextsAreCut(t *testing.T) {
	t.Parallel()
	for _, file := range smallFiles {
		spec := small(t, file)
		long := open(t, spec)
		spec.Context = 64
		tok := open(t, spec)
		words := strings.Repeat("a Cat, naïve café 猫 and two dogs ", 10_000)
		short, _ := encode(t, tok, "a cat")
		whole, _ := encode(t, long, words[:4000])
		ids, e := encode(t, tok, words)
		if !e.Cut || e.N != 64 || e.Known == 0 {
			t.Errorf("%s: %+v, want 64 ids and a cut", file, e)
		}
		if ids[63] != short[len(short)-1] && !strings.HasPrefix(file, "llama") {
			t.Errorf("%s: the last id is %d, want %d", file, ids[63], short[len(short)-1])
		}
		if !slices.Equal(ids[:60], whole[:60]) {
			t.Errorf("%s: the ids differ from the ids with more room:\n%d\n%d", file, ids[:60], whole[:60])
		}
		start := time.Now()
		encode(t, tok, strings.Repeat(words, 100))
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s: %v for a text of 33 MB", file, took)
		}
	}
}

// TestWordsWithoutEndAreCut wants an end to texts without white space, and with
// nothing else.
func TestWordsWithoutEndAreCut(t *testing.T) {
	t.Parallel()
	for _, file := range smallFiles {
		spec := small(t, file)
		spec.Context = 64
		tok := open(t, spec)
		for _, part := range []string{"a", "xy", "é", "猫", "\u0301", "\xff", "'", "1", "👍"} {
			if _, e := encode(t, tok, strings.Repeat(part, 200_000)); e.N > 64 {
				t.Errorf("%s, %q: %+v", file, part, e)
			}
		}
		for _, part := range []string{" ", "\n", "\u3000", "\x00"} {
			if _, e := encode(t, tok, strings.Repeat(part, 200_000)); e.Known > 0 && part != "\x00" {
				t.Errorf("%s, %q: %+v, want no known id", file, part, e)
			}
		}
	}
}

// TestTextsWithoutMeaning wants no known id.
func TestTextsWithoutMeaning(t *testing.T) {
	t.Parallel()
	for _, file := range smallFiles {
		tok := open(t, small(t, file))
		for _, text := range []string{"", " ", "\t\n", "\u00a0\u3000"} {
			if ids, e := encode(t, tok, text); e.Known != 0 || e.Cut {
				t.Errorf("%s, %q: %+v %d", file, text, e, ids)
			}
		}
		if _, e := encode(t, tok, "a photo of a cat"); e.Known < 3 {
			t.Errorf("%s: %+v", file, e)
		}
	}
}

// TestInvalidBytesAreReplaced wants the ids of U+FFFD for each byte that is not
// UTF-8, so that a text means the same in a command, in JSON and in an address.
func TestInvalidBytesAreReplaced(t *testing.T) {
	t.Parallel()
	for _, file := range smallFiles {
		tok := open(t, small(t, file))
		for text, same := range map[string]string{
			"a \xff\xfe cat": "a \ufffd\ufffd cat", "cat\xc3": "cat\ufffd", "\xed\xa0\x80": "\ufffd\ufffd\ufffd", "\xf0\x9f\x98": "\ufffd\ufffd\ufffd",
		} {
			got, _ := encode(t, tok, text)
			want, _ := encode(t, tok, same)
			if !slices.Equal(got, want) {
				t.Errorf("%s, %q: %d, want %d", file, text, got, want)
			}
		}
	}
}

// TestPadding wants what a file says, or else the caller.
func TestPadding(t *testing.T) {
	t.Parallel()
	seven := 7
	for file, want := range map[string]int64{"bert_uncased.json": 0, "siglip.model": 0, "xlmr.json": 1, "gemma.model": 0, "bpe_nfkc.model": 2, "roberta.json": 1} {
		spec := small(t, file)
		ids := make([]int64, longContext)
		if e := open(t, spec).Encode(ids, "cat"); ids[e.N] != want || ids[longContext-1] != want {
			t.Errorf("%s: padding %d, want %d", file, ids[e.N], want)
		}
		spec.Pad = &seven
		if e := open(t, spec).Encode(ids, "cat"); ids[e.N] != 7 || ids[longContext-1] != 7 {
			t.Errorf("%s: padding %d, want 7", file, ids[e.N])
		}
	}
}

// TestConcurrentUse wants the same ids from many goroutines.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	texts := readTexts(t)
	for _, file := range smallFiles {
		tok := open(t, small(t, file))
		var want [][]int64
		for _, text := range texts {
			ids, _ := encode(t, tok, text)
			want = append(want, ids)
		}
		tok = open(t, small(t, file))
		var group sync.WaitGroup
		for worker := range 8 {
			group.Go(func() {
				for i := range texts {
					i = (i + worker*7) % len(texts)
					if ids, _ := encode(t, tok, texts[i]); !slices.Equal(ids, want[i]) {
						t.Errorf("%s, %q: %d, want %d", file, texts[i], ids, want[i])
					}
				}
			})
		}
		group.Wait()
	}
}

// TestEncodeAllocatesNothing wants no garbage for texts in ASCII.
func TestEncodeAllocatesNothing(t *testing.T) {
	if racetest.Enabled {
		t.Skip("SKIPPED under the race detector: it makes sync.Pool allocate")
	}
	for _, file := range smallFiles {
		tok := open(t, small(t, file))
		ids := make([]int64, tok.Context())
		if n := testing.AllocsPerRun(200, func() { tok.Encode(ids, "A photo of a cat, and two dogs.") }); n > 0.1 {
			t.Errorf("%s: %v allocations", file, n)
		}
	}
}

// TestFilesWithoutTheNameOfTheirModel wants the same ids of files as they were
// written in 2020.
func TestFilesWithoutTheNameOfTheirModel(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"bert_uncased.json", "xlmr.json", "roberta.json", "stages_2.json"} {
		spec := small(t, file)
		want, _ := encode(t, open(t, spec), "A cat, 12 dogs")
		path := filepath.Join(spec.Dir, file)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		before, after, ok := bytes.Cut(text, []byte(`"model":{`))
		kind, rest, comma := bytes.Cut(after, []byte(","))
		if !ok || !comma || !bytes.HasPrefix(kind, []byte(`"type":`)) {
			t.Fatalf("%s: the model begins with %s", file, kind)
		}
		if err := os.WriteFile(path, slices.Concat(before, []byte(`"model":{`), rest), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, _ := encode(t, open(t, spec), "A cat, 12 dogs"); !slices.Equal(got, want) {
			t.Errorf("%s: %d, want %d", file, got, want)
		}
	}
}
