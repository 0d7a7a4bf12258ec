package tokenizer

// definition is what a file says about a tokenizer.
type definition struct {
	pipeline
	before, after []int64
	pad           int64 // noToken until it is known
}

// readTokenizerJSON reads a tokenizer.json.
func readTokenizerJSON(text []byte) (*definition, error) {
	var errs []error
	d := new(definition)
	file := readObject("", text, &errs)
	if len(errs) == 0 {
		d.read(file)
	}
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return d, nil
}

func (d *definition) read(file object) {
	file.ignore("version", "decoder")
	tokens := readAddedTokens(file)
	special := map[string]bool{}
	for _, t := range tokens {
		if t.special {
			special[t.text] = true
		}
	}
	d.padding(file, tokens)
	if n, ok := file.child("normalizer"); ok {
		d.normalizers = readNormalizer(n)
	}
	if p, ok := file.child("pre_tokenizer"); ok {
		d.preTokenizers = readPreTokenizer(p)
	}
	if p, ok := file.child("post_processor"); ok {
		d.before, d.after = readPostProcessor(p)
	}
	if m, ok := file.child("model"); ok {
		d.readModel(m, special)
	} else {
		file.fail("model", "is missing")
	}
	file.done()
	if len(*file.errs) > 0 {
		return
	}
	d.add(tokens)
	d.fillWithEnd()
	for _, id := range append(append([]int64{d.pad}, d.before...), d.after...) {
		if id < 0 || id >= int64(len(d.blank)) {
			file.fail("", "the tokenizer has the special id %d, but its ids end at %d", id, len(d.blank)-1)
		}
	}
}

// fillWithEnd pads with the last special id, or 0, where nothing else is said.
func (d *definition) fillWithEnd() {
	if d.pad != noToken {
		return
	}
	d.pad = 0
	if n := len(d.after); n > 0 {
		d.pad = d.after[n-1]
	}
}

// add makes the finders of added tokens and the table of blank ids.
func (d *definition) add(tokens []addedToken) {
	var raw, normalized []addedToken
	for _, t := range tokens {
		for int(t.id) >= len(d.blank) {
			d.blank = append(d.blank, true)
		}
		d.blank[t.id] = t.special || isBlank(t.text)
		if !t.normalized {
			raw = append(raw, t)
			continue
		}
		t.text = d.normalize(t.text)
		normalized = append(normalized, t)
	}
	d.raw, d.normalized = newAddedTokens(raw), newAddedTokens(normalized)
}

// normalize returns a text as the normalizers make it.
func (d *definition) normalize(text string) string {
	var s scratch
	s.reset(text)
	for _, n := range d.normalizers {
		s.rewrite(n)
	}
	return string(s.text)
}

// maxID bounds the ids of a file: they index a table.
const maxID = 1 << 24

func readAddedTokens(file object) []addedToken {
	if _, ok := file.members["added_tokens"]; !ok {
		return nil
	}
	var tokens []addedToken
	for _, o := range file.children("added_tokens") {
		var t addedToken
		o.need("id", &t.id)
		o.need("content", &t.text)
		t.singleWord = o.flag("single_word", false)
		t.lstrip = o.flag("lstrip", false)
		t.rstrip = o.flag("rstrip", false)
		t.special = o.flag("special", false)
		t.normalized = o.flag("normalized", !t.special)
		if t.id < 0 || t.id >= maxID {
			o.fail("id", "is %d, wanted 0 to %d", t.id, maxID-1)
		}
		o.done()
		tokens = append(tokens, t)
	}
	return tokens
}

// padding finds the id that fills a text: the file's own, else a token that is
// named so, else the last special id after a text.
func (d *definition) padding(file object, tokens []addedToken) {
	d.pad = noToken
	if t, ok := file.child("truncation"); ok {
		if direction := t.text("direction"); direction != "" && direction != "Right" {
			t.fail("direction", "is %q, wanted Right", direction)
		}
		t.ignore("max_length", "strategy", "stride")
		t.done()
	}
	if p, ok := file.child("padding"); ok {
		if direction := p.text("direction"); direction != "" && direction != "Right" {
			p.fail("direction", "is %q, wanted Right", direction)
		}
		p.need("pad_id", &d.pad)
		p.ignore("strategy", "pad_to_multiple_of", "pad_type_id", "pad_token")
		p.done()
		return
	}
	for _, t := range tokens {
		if t.special && (t.text == "<pad>" || t.text == "[PAD]") {
			d.pad = int64(t.id)
		}
	}
}
