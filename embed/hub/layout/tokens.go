package layout

import (
	"cmp"
	"context"
	"encoding/json"
	"path"
	"strings"

	"engram/embed/model"
	"engram/embed/tokenizer"
)

// tokens is what is known of a tokenizer before its files are there.
type tokens struct {
	spec      model.Tokenizer // paths are under the model's folder
	maxLength int             // model_max_length of tokenizer_config.json, 0 for none
	pad       string          // the token that fills a text up, "" for the file's own
}

// tokenizerFiles are the files that a tokenizer may be read from, the best first.
// XLM-R's sentencepiece.bpe.model is not among them: its numbers are not the model's
// ids (transformers, tokenization_xlm_roberta.py).
var tokenizerFiles = []string{"tokenizer.json", "vocab.json", "spiece.model", "tokenizer.model"}

// siglipPad is the id of </s>, which ends and fills up SigLIP's texts.
const siglipPad = 1

// findTokens finds the tokenizer under a folder of a source; its files go under to.
// It returns the files to fetch.
func (p *Plan) findTokens(ctx context.Context, l *listing, dir, to string) ([]string, error) {
	var names []string
	for _, name := range tokenizerFiles {
		names = append(names, dir+name)
	}
	file := l.first(names...)
	if file == "" {
		return nil, say(ErrLayout, "there is no tokenizer: %s is missing", dir+tokenizerFiles[0])
	}
	files := []string{file}
	t := &p.tokens
	t.spec.File = path.Join(to, file)
	if path.Base(file) == "vocab.json" {
		merges := dir + "merges.txt"
		if !l.has(merges) {
			return nil, say(ErrLayout, "%s is there without %s", file, merges)
		}
		t.spec.Merges = path.Join(to, merges)
		files = append(files, merges)
	}
	return files, p.readTokenizerConfig(ctx, l, dir)
}

// readTokenizerConfig reads what tokenizer_config.json and special_tokens_map.json
// say beside the tokenizer.
func (p *Plan) readTokenizerConfig(ctx context.Context, l *listing, dir string) error {
	t := &p.tokens
	special, err := rawJSON(ctx, l, dir+"special_tokens_map.json")
	if err != nil {
		return err
	}
	c, err := rawJSON(ctx, l, dir+"tokenizer_config.json")
	if err != nil {
		return err
	}
	var length float64 // transformers writes 1e30 for none
	if json.Unmarshal(c["model_max_length"], &length) == nil && 1 <= length && length <= 1<<16 {
		t.maxLength = int(length)
	}
	t.pad = cmp.Or(tokenText(c["pad_token"]), tokenText(special["pad_token"]))
	var class string
	_ = json.Unmarshal(c["tokenizer_class"], &class)
	gemma := strings.HasPrefix(class, "Gemma") || strings.HasPrefix(class, "Siglip2")
	family := p.textConfig.family()
	if family == "" {
		family = p.config.family()
	}
	if family == siglip {
		// SigLIP 2 was trained on texts in lower case, which its tokenizer.json does
		// not say (transformers, Siglip2Tokenizer).
		t.spec.Lower = gemma
		if path.Ext(t.spec.File) == ".model" && !gemma {
			pad := siglipPad
			t.spec.Clean, t.spec.Pad = tokenizer.CleanCanonicalize, &pad
		}
	}
	return nil
}

// tokenText returns the text of a token: a string, or an object with content.
func tokenText(raw json.RawMessage) (text string) {
	var object struct {
		Content string `json:"content"`
	}
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	_ = json.Unmarshal(raw, &object)
	return object.Content
}
