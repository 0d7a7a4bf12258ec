package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

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

// readNormalizer reads a normalizer, or a sequence of them.
func readNormalizer(o object) []normalizer {
	var list []normalizer
	switch kind := o.text("type"); kind {
	case "Sequence":
		for _, child := range o.children("normalizers") {
			list = append(list, readNormalizer(child)...)
		}
	case "NFC":
		list = append(list, unicodeForm{formNFC})
	case "Lowercase":
		list = append(list, lowercase{})
	case "Replace":
		p := readPattern(o)
		list = append(list, replacement{p, o.text("content")})
	default:
		o.fail("type", "is %q, which is not known", kind)
		return nil
	}
	o.done()
	return list
}

// readPattern takes the member pattern: {"String": …} or {"Regex": …}.
func readPattern(o object) *pattern {
	child, ok := o.child("pattern")
	if !ok {
		o.fail("pattern", "is missing")
		return new(pattern)
	}
	literal, expression := child.text("String"), child.text("Regex")
	child.done()
	if literal != "" {
		expression = quote(literal)
	}
	p, err := compile(expression)
	if err != nil {
		o.fail("pattern", "%q: %v", expression, err)
		return new(pattern)
	}
	return p
}

// quote escapes what means something in a regular expression.
func quote(literal string) string {
	var b strings.Builder
	for _, r := range literal {
		if strings.ContainsRune(`\.+*?()|[]{}^$-&`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

var behaviors = map[string]behavior{
	"Removed": removed, "Isolated": isolated, "MergedWithPrevious": mergedWithPrevious,
	"MergedWithNext": mergedWithNext, "Contiguous": contiguous,
}

// readPreTokenizer reads a pre-tokenizer, or a sequence of them.
func readPreTokenizer(o object) []preTokenizer {
	var list []preTokenizer
	switch kind := o.text("type"); kind {
	case "Sequence":
		for _, child := range o.children("pretokenizers") {
			list = append(list, readPreTokenizer(child)...)
		}
	case "Split":
		list = append(list, split{readPattern(o), readBehavior(o), o.flag("invert", false)})
	case "ByteLevel":
		list = append(list, newByteLevel(o.flag("add_prefix_space", true), o.flag("use_regex", true)))
		o.ignore("trim_offsets")
	default:
		o.fail("type", "is %q, which is not known", kind)
		return nil
	}
	o.done()
	return list
}

func readBehavior(o object) behavior {
	name := o.text("behavior")
	b, ok := behaviors[name]
	if !ok {
		o.fail("behavior", "is %q, which is not known", name)
	}
	return b
}

// readPostProcessor returns the special ids before and after a text.
func readPostProcessor(o object) (before, after []int64) {
	switch kind := o.text("type"); kind {
	case "RobertaProcessing", "BertProcessing":
		before = []int64{readTokenPair(o, "cls")}
		after = []int64{readTokenPair(o, "sep")}
		o.ignore("trim_offsets", "add_prefix_space")
	default:
		o.fail("type", "is %q, which is not known", kind)
		return nil, nil
	}
	o.done()
	return before, after
}

// readTokenPair takes a member like ["</s>", 2] and returns the id.
func readTokenPair(o object, member string) int64 {
	var pair []json.RawMessage
	o.need(member, &pair)
	var token string
	var id int64
	if len(pair) != 2 || json.Unmarshal(pair[0], &token) != nil || json.Unmarshal(pair[1], &id) != nil {
		o.fail(member, "is not a token and its id")
	}
	return id
}

// readModel reads the model.
func (d *definition) readModel(o object, special map[string]bool) {
	switch kind := o.text("type"); kind {
	case "BPE":
		d.readBPE(o, special)
	default:
		o.fail("type", "is %q, which is not known", kind)
		return
	}
	o.done()
}

// readVocabulary takes the member vocab, a map of pieces to ids, and makes the
// table of blank ids.
func (d *definition) readVocabulary(o object) map[string]int32 {
	var vocabulary map[string]int32
	o.need("vocab", &vocabulary)
	d.setVocabulary(o, vocabulary)
	return vocabulary
}

func (d *definition) setVocabulary(o object, vocabulary map[string]int32) {
	top := int32(-1)
	for piece, id := range vocabulary {
		if id < 0 || id >= maxID {
			o.fail("vocab", "has %q with the id %d, wanted 0 to %d", piece, id, maxID-1)
			return
		}
		top = max(top, id)
	}
	d.blank = make([]bool, top+1)
	for piece, id := range vocabulary {
		d.blank[id] = isBlank(piece)
	}
}

func (d *definition) readBPE(o object, special map[string]bool) {
	vocabulary := d.readVocabulary(o)
	m := &bpe{
		prefix: o.text("continuing_subword_prefix"), suffix: o.text("end_of_word_suffix"), unknown: noToken,
		fuseUnknown: o.flag("fuse_unk", false), ignoreMerges: o.flag("ignore_merges", false),
		cache: newCache(),
	}
	if name := o.text("unk_token"); name != "" {
		id, ok := vocabulary[name]
		if !ok {
			o.fail("unk_token", "is %q, which the vocabulary has not", name)
		} else {
			m.unknown, d.blank[id] = id, true
		}
	}
	if o.flag("byte_fallback", false) {
		m.bytes = newByteIDs(vocabulary)
	}
	if dropout := 0.0; o.take("dropout", &dropout) && dropout != 0 {
		o.fail("dropout", "is %v, wanted none: it makes ids random", dropout)
	}
	var err error
	if m.merges, err = bpeRules(vocabulary, readMerges(o), m.prefix); err != nil {
		o.fail("merges", "%v", err)
	}
	for name := range special {
		delete(vocabulary, name)
	}
	m.vocabulary = vocabulary
	d.model = m
}

// readMerges takes the member merges: pairs as "a b" or as ["a", "b"].
func readMerges(o object) [][2]string {
	var pairs [][2]string
	list, _ := bytes.CutPrefix(bytes.TrimSpace(o.members["merges"]), []byte("["))
	if bytes.HasPrefix(bytes.TrimSpace(list), []byte(`"`)) {
		var lines []string
		o.need("merges", &lines)
		for i, line := range lines {
			left, right, ok := strings.Cut(line, " ")
			if !ok || strings.Contains(right, " ") {
				o.fail(fmt.Sprintf("merges[%d]", i), "is %q, wanted two pieces with a space between them", line)
				return nil
			}
			pairs = append(pairs, [2]string{left, right})
		}
		return pairs
	}
	o.need("merges", &pairs)
	return pairs
}
