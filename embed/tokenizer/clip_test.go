package tokenizer_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/realtest"
	"engram/embed/tokenizer"
)

// trickyTexts are texts with the ids of two reference implementations, without
// special ids.
type trickyTexts struct {
	Rows []struct {
		Text   string
		OpenAI []int64 `json:"openai"`
		HF     []int64 `json:"hf_tokenizer_json"`
	}
}

func readTricky(t testing.TB) trickyTexts {
	t.Helper()
	text, err := os.ReadFile(realtest.Path(t, "clip/tokens.json"))
	if err != nil {
		t.Fatal(err)
	}
	var tricky trickyTexts
	if err := json.Unmarshal(text, &tricky); err != nil {
		t.Fatal(err)
	}
	return tricky
}

func clipSpecs(t testing.TB) map[string]tokenizer.Spec {
	dir := realtest.Path(t, "clip")
	return map[string]tokenizer.Spec{
		"tokenizer.json of Xenova": {Dir: dir, File: "tokenizer_xenova_b32.json", Context: 77},
		"tokenizer.json of Immich": {Dir: dir, File: "tokenizer_immich.json", Context: 77},
		"vocab.json, merges.txt":   {Dir: dir, File: "vocab.json", Merges: "merges.txt", Context: 77},
		"bpe_simple_vocab_16e6":    {Dir: dir, File: "bpe_simple_vocab_16e6.txt.gz", Context: 77},
	}
}

// TestTrickyTextsHaveTheReferencesIDs wants the ids of Hugging Face's tokenizers,
// but for texts that spell special tokens.
func TestTrickyTextsHaveTheReferencesIDs(t *testing.T) {
	tricky := readTricky(t)
	for name, spec := range clipSpecs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tok, err := tokenizer.Open(spec)
			if err != nil {
				t.Fatal(err)
			}
			ids := make([]int64, tok.Context())
			for _, row := range tricky.Rows {
				e := tok.Encode(ids, row.Text)
				got := append([]int64{}, ids[1:e.N-1]...)
				if strings.Contains(strings.ToLower(row.Text), "<|startoftext|>") {
					if slices.Max(got) >= 49406 {
						t.Errorf("%q has special ids: %d", row.Text, got)
					}
					continue
				}
				want := append([]int64{}, row.HF[:min(len(row.HF), 75)]...)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%q: %s", row.Text, diff)
				}
			}
		})
	}
}
