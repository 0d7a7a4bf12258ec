package tokenizer_test

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"engram/data/realtest"
	"engram/embed/tokenizer"
)

// golden is what scripts/golden_tokenizer.py wrote: digests of the ids that
// Hugging Face's tokenizers and sentencepiece give. The tolerance is 0.
type golden struct {
	Files map[string]digests // by file
	Clean map[string]digests // of bert_cased.json, by cleaning
	Lower digests            // of gemma.json, with texts in lower case
}

type digests struct {
	Texts    []string // of each tricky text
	Captions string   // of all captions
	Random   []string // of 1,000 random texts each
}

// longContext is room for every text of the goldens.
const longContext = 2048

func readGolden(t testing.TB) golden {
	var g golden
	readJSON(t, filepath.Join("testdata", "golden.json"), &g)
	return g
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func readTexts(t testing.TB) []string {
	var texts []string
	readJSON(t, filepath.Join("testdata", "texts.json"), &texts)
	return texts
}

// readCaptions returns the captions of the real photos.
func readCaptions(t testing.TB) []string {
	var captions []string
	for _, split := range []string{"train", "val"} {
		var file struct{ Annotations []struct{ Caption string } }
		readJSON(t, realtest.Path(t, "photos/coco/annotations/captions_"+split+"2017.json"), &file)
		for _, a := range file.Annotations {
			captions = append(captions, a.Caption)
		}
	}
	return captions
}

// small unpacks a small tokenizer of testdata.
func small(t testing.TB, file string) tokenizer.Spec {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", file+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, file), text, 0o644); err != nil {
		t.Fatal(err)
	}
	return tokenizer.Spec{Dir: dir, File: file, Context: longContext}
}

func open(t testing.TB, spec tokenizer.Spec) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.Open(spec)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// random is SplitMix64, and makes texts of pieces of other texts; the script has
// the same.
type random uint64

func (r *random) below(n int) int {
	*r += 0x9E3779B97F4A7C15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return int((z ^ z>>31) % uint64(n))
}

func (r *random) text(texts [][]rune) string {
	var out []rune
	for range 1 + r.below(5) {
		t := texts[r.below(len(texts))]
		start, length := r.below(len(t)+1), 1+r.below(12)
		out = append(out, t[start:min(len(t), start+length)]...)
		if r.below(4) == 0 {
			out = append(out, ' ')
		}
	}
	return string(out)
}

func runes(texts []string) [][]rune {
	var all [][]rune
	for _, t := range texts {
		all = append(all, []rune(t))
	}
	return all
}

// hasher makes digests of ids.
type hasher struct {
	tok  *tokenizer.Tokenizer
	ids  []int64
	line []byte
}

func (h *hasher) encode(text string) []int64 {
	e := h.tok.Encode(h.ids, text)
	return h.ids[:e.N]
}

func (h *hasher) digest(length int, texts func(yield func(string) bool)) string {
	sum := sha256.New()
	for text := range texts {
		h.line = h.line[:0]
		for i, id := range h.encode(text) {
			if i > 0 {
				h.line = append(h.line, ' ')
			}
			h.line = strconv.AppendInt(h.line, id, 10)
		}
		sum.Write(append(h.line, '\n'))
	}
	return hex.EncodeToString(sum.Sum(nil))[:length]
}

// compare compares a tokenizer with its digests.
func compare(t *testing.T, tok *tokenizer.Tokenizer, want digests, captions []string) {
	texts := readTexts(t)
	h := &hasher{tok: tok, ids: make([]int64, tok.Context())}
	for i, text := range texts {
		if got := h.digest(8, slices.Values(texts[i:i+1])); got != want.Texts[i] {
			t.Errorf("text %d, %q: %d have the digest %s, want %s", i, text, h.encode(text), got, want.Texts[i])
		}
	}
	if captions != nil {
		if got := h.digest(16, slices.Values(captions)); got != want.Captions {
			t.Errorf("captions: digest %s, want %s", got, want.Captions)
		}
	}
	pieces, r := runes(texts), random(1)
	wrong := 0
	for i := range want.Random {
		got := h.digest(16, func(yield func(string) bool) {
			for range 1000 {
				if !yield(r.text(pieces)) {
					return
				}
			}
		})
		if got != want.Random[i] {
			wrong++
		}
	}
	if wrong > 0 {
		t.Errorf("random texts: %d of %d digests differ", wrong, len(want.Random))
	}
}

// TestFamiliesHaveTheReferencesIDs compares the small tokenizers.
func TestFamiliesHaveTheReferencesIDs(t *testing.T) {
	t.Parallel()
	g := readGolden(t)
	for _, file := range slices.Sorted(maps.Keys(g.Files)) {
		if strings.HasPrefix(file, "tokenizer_") {
			continue
		}
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			compare(t, open(t, small(t, file)), g.Files[file], nil)
		})
	}
}

// TestCaptionsHaveTheReferencesIDs compares the small tokenizers on real captions.
func TestCaptionsHaveTheReferencesIDs(t *testing.T) {
	t.Parallel()
	captions := readCaptions(t)
	g := readGolden(t)
	for _, file := range slices.Sorted(maps.Keys(g.Files)) {
		if strings.HasPrefix(file, "tokenizer_") {
			continue
		}
		tok := open(t, small(t, file))
		h := &hasher{tok: tok, ids: make([]int64, tok.Context())}
		if got := h.digest(16, slices.Values(captions)); got != g.Files[file].Captions {
			t.Errorf("%s: digest %s, want %s", file, got, g.Files[file].Captions)
		}
	}
}

// TestPublishedFilesOfCLIP compares CLIP's published files, on 100,000 random texts.
func TestPublishedFilesOfCLIP(t *testing.T) {
	t.Parallel()
	g, captions := readGolden(t), readCaptions(t)
	for name, spec := range clipSpecs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, ok := g.Files[spec.File]
			if !ok { // the same tokenizer, fewer texts
				want = g.Files["tokenizer_xenova_b32.json"]
				want.Random = want.Random[:10]
			}
			spec.Context = longContext
			compare(t, open(t, spec), want, captions)
		})
	}
}

// TestCleanings compares with what the Python of the models does.
func TestCleanings(t *testing.T) {
	t.Parallel()
	g := readGolden(t)
	for name, want := range g.Clean {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := small(t, "bert_cased.json")
			spec.Clean = name
			compare(t, open(t, spec), want, nil)
		})
	}
}

// TestLower compares with the tokenizer of SigLIP 2.
func TestLower(t *testing.T) {
	t.Parallel()
	spec := small(t, "gemma.json")
	spec.Lower = true
	compare(t, open(t, spec), readGolden(t).Lower, nil)
}
