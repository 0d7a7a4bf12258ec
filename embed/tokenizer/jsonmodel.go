package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
)

// readModel reads the model.
func (d *definition) readModel(o object, special map[string]bool) {
	kind := o.text("type")
	if kind == "" {
		kind = modelOf(o)
	}
	switch kind {
	case "BPE":
		d.readBPE(o, special)
	case "Unigram":
		d.readUnigram(o, special)
	case "WordPiece":
		d.readWordPiece(o, special)
	case "WordLevel":
		vocabulary := d.readVocabulary(o)
		unknown := d.unknown(o, vocabulary)
		d.model = &wordLevel{without(vocabulary, special), unknown}
	default:
		o.fail("type", "is %q, which is not known", kind)
		return
	}
	o.done()
}

// modelOf tells the model of a file of 2020, which has no member for it.
func modelOf(o object) string {
	for _, rule := range [][2]string{{"merges", "BPE"}, {"unk_id", "Unigram"}, {"max_input_chars_per_word", "WordPiece"}} {
		if _, ok := o.members[rule[0]]; ok {
			return rule[1]
		}
	}
	return "WordLevel"
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
	if _, ok := o.members["unk_token"]; ok {
		m.unknown = d.unknown(o, vocabulary)
	}
	if o.flag("byte_fallback", false) {
		m.bytes = newByteIDs(vocabulary)
	}
	if dropout := 0.0; o.take("dropout", &dropout) && dropout != 0 {
		o.fail("dropout", "is %v, wanted none: it makes ids random", dropout)
	}
	var err error
	pairs := readMerges(o)
	if m.merges, err = bpeRules(vocabulary, pairs, m.prefix); err != nil {
		o.fail("merges", "%v", err)
	}
	if m.prefix == "" && m.suffix == "" {
		_, m.words = vocabulary[spaceMark]
		for _, pair := range pairs {
			m.words = m.words && !crossesWords(pair[0]+pair[1])
		}
	}
	m.vocabulary = without(vocabulary, special)
	d.model = m
}

// without removes special tokens from a vocabulary: no text is one.
func without(vocabulary map[string]int32, special map[string]bool) map[string]int32 {
	for name := range special {
		delete(vocabulary, name)
	}
	return vocabulary
}

// unknown takes the member unk_token and returns its id.
func (d *definition) unknown(o object, vocabulary map[string]int32) int32 {
	name := o.text("unk_token")
	id, ok := vocabulary[name]
	if !ok {
		o.fail("unk_token", "is %q, which the vocabulary has not", name)
		return noToken
	}
	if id >= 0 && int(id) < len(d.blank) {
		d.blank[id] = true
	}
	return id
}

func (d *definition) readWordPiece(o object, special map[string]bool) {
	vocabulary := d.readVocabulary(o)
	m := &wordPiece{prefix: "##", longest: 100, cache: newCache()}
	o.take("continuing_subword_prefix", &m.prefix)
	o.take("max_input_chars_per_word", &m.longest)
	m.unknown = d.unknown(o, vocabulary)
	m.vocabulary = without(vocabulary, special)
	d.model = m
}

func (d *definition) readUnigram(o object, special map[string]bool) {
	var list []unigramPiece
	o.need("vocab", &list)
	m := &unigram{unknown: noToken, fuseUnknown: true, scores: make([]float64, len(list)), cache: newCache()}
	if !o.take("unk_id", &m.unknown) || m.unknown < 0 || int(m.unknown) >= len(list) {
		o.fail("unk_id", "is not the id of a piece")
		return
	}
	vocabulary, least := make(map[string]int32, len(list)), math.Inf(1)
	for i, p := range list {
		vocabulary[p.text], m.scores[i] = int32(i), p.score
		least = min(least, p.score)
	}
	d.blank = make([]bool, len(list))
	for i, p := range list {
		d.blank[i] = isBlank(p.text)
	}
	d.blank[m.unknown] = true
	m.unknownScore = least - unknownPenalty
	if o.flag("byte_fallback", false) {
		m.bytes = newByteIDs(vocabulary)
	}
	m.trie = newTrie(without(vocabulary, special))
	d.model = m
}

// unigramPiece is one entry of the vocabulary: a piece and its score, in a list.
type unigramPiece struct {
	text  string
	score float64
}

// UnmarshalJSON reads ["piece", -1.5].
func (p *unigramPiece) UnmarshalJSON(text []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(text, &parts); err != nil {
		return err
	}
	if len(parts) != 2 {
		return fmt.Errorf("%s, wanted a piece and its score", short(text))
	}
	return errors.Join(json.Unmarshal(parts[0], &p.text), json.Unmarshal(parts[1], &p.score))
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
