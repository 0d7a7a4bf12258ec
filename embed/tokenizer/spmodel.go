package tokenizer

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// The types of pieces and of models in a SentencePiece file.
// Source: SentencePiece, sentencepiece_model.proto.
const (
	spNormal      = 1
	spUnknown     = 2
	spControl     = 3
	spUserDefined = 4
	spUnused      = 5
	spByte        = 6

	spUnigram = 1
	spBPEType = 2
)

// spPiece is one piece of the vocabulary; its id is its place.
type spPiece struct {
	text  string
	score float32
	kind  uint64
}

// spFile is what a SentencePiece file says about ids. What concerns training and
// decoding is left out.
type spFile struct {
	pieces []spPiece

	model            uint64
	whitespaceSuffix bool
	byteFallback     bool
	endPiece         string
	padPiece         string

	charsmap         []byte
	dummyPrefix      bool
	removeExtraSpace bool
	escapeSpace      bool
}

// readSentencePiece reads a SentencePiece model. Its end piece is put after every
// text, and its padding piece, or else the end piece, fills the text up. Of XLM-R,
// whose network numbers the pieces otherwise, tokenizer.json must be read.
func readSentencePiece(text []byte) (*definition, error) {
	if !strings.ContainsRune("\x0A\x12\x1A", rune(text[0])) { // the tags of the first members
		return nil, errors.New("the file is of no kind that is known: neither tokenizer.json, nor a list of words or merges, nor a SentencePiece model")
	}
	f := &spFile{
		model: spUnigram, endPiece: "</s>", padPiece: "<pad>",
		dummyPrefix: true, removeExtraSpace: true, escapeSpace: true,
	}
	err := eachField(text, func(number protowire.Number, value field) error {
		switch number {
		case 1:
			return f.readPiece(value)
		case 2:
			return f.readTrainer(value)
		case 3:
			return f.readNormalizer(value)
		case 4, 5: // a self test, and what decoding does
			return nil
		}
		return fmt.Errorf("the member %d of the model is not known", number)
	})
	if err != nil {
		return nil, err
	}
	return f.definition()
}

// field is the value of one member of a message.
type field struct {
	kind  protowire.Type
	bytes []byte
	bits  uint64
}

// eachField calls visit for each member of a message.
func eachField(message []byte, visit func(protowire.Number, field) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return fmt.Errorf("the SentencePiece model is cut off or broken: %w", protowire.ParseError(n))
		}
		message = message[n:]
		value := field{kind: kind}
		switch kind {
		case protowire.VarintType:
			value.bits, n = protowire.ConsumeVarint(message)
		case protowire.Fixed32Type:
			var bits uint32
			bits, n = protowire.ConsumeFixed32(message)
			value.bits = uint64(bits)
		case protowire.BytesType:
			value.bytes, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(number, kind, message)
		}
		if n < 0 {
			return fmt.Errorf("the SentencePiece model is cut off or broken: %w", protowire.ParseError(n))
		}
		message = message[n:]
		if err := visit(number, value); err != nil {
			return err
		}
	}
	return nil
}

func (f *spFile) readPiece(value field) error {
	p := spPiece{kind: spNormal}
	err := eachField(value.bytes, func(number protowire.Number, v field) error {
		switch number {
		case 1:
			p.text = string(v.bytes)
		case 2:
			p.score = math.Float32frombits(uint32(v.bits))
		case 3:
			p.kind = v.bits
		}
		return nil
	})
	if err != nil {
		return err
	}
	if p.kind < spNormal || p.kind > spByte || p.text == "" || !utf8.ValidString(p.text) || p.score != p.score {
		return fmt.Errorf("piece %d is %q of type %d with the score %v, which is not known", len(f.pieces), p.text, p.kind, p.score)
	}
	if len(f.pieces) >= maxID {
		return fmt.Errorf("the model has more than %d pieces", maxID)
	}
	f.pieces = append(f.pieces, p)
	return nil
}

func (f *spFile) readTrainer(value field) error {
	return eachField(value.bytes, func(number protowire.Number, v field) error {
		switch number {
		case 3:
			f.model = v.bits
		case 24:
			f.whitespaceSuffix = v.bits != 0
		case 35:
			f.byteFallback = v.bits != 0
		case 47:
			f.endPiece = string(v.bytes)
		case 48:
			f.padPiece = string(v.bytes)
		}
		return nil
	})
}

func (f *spFile) readNormalizer(value field) error {
	return eachField(value.bytes, func(number protowire.Number, v field) error {
		switch number {
		case 1, 6: // its name, and the rules that the table was made from
		case 2:
			f.charsmap = v.bytes
		case 3:
			f.dummyPrefix = v.bits != 0
		case 4:
			f.removeExtraSpace = v.bits != 0
		case 5:
			f.escapeSpace = v.bits != 0
		default:
			return fmt.Errorf("the member %d of the normalizer is not known", number)
		}
		return nil
	})
}

// definition makes the tokenizer.
func (f *spFile) definition() (*definition, error) {
	if f.model != spUnigram && f.model != spBPEType {
		return nil, fmt.Errorf("the model is of type %d, wanted unigram (1) or BPE (2)", f.model)
	}
	d := &definition{pad: noToken}
	d.blank = make([]bool, len(f.pieces))
	unknown := int32(noToken)
	matched, whole, bytePieces := map[string]int32{}, map[string]int32{}, map[string]int32{}
	for i, p := range f.pieces {
		id := int32(i)
		d.blank[i] = p.kind == spUnknown || p.kind == spControl || isBlank(p.text)
		switch p.kind {
		case spUnknown:
			unknown = id
		case spNormal:
			matched[p.text] = id
		case spUserDefined:
			matched[p.text], whole[p.text] = id, id
		case spByte:
			bytePieces[p.text] = id
		case spControl:
			switch p.text {
			case f.endPiece:
				d.after = []int64{int64(id)}
			case f.padPiece:
				d.pad = int64(id)
			}
		case spUnused:
			if f.model == spBPEType {
				return nil, fmt.Errorf("piece %d, %q, is of type UNUSED, which is not known in a BPE model", i, p.text)
			}
		}
	}
	if unknown == noToken {
		return nil, errors.New("the model has no unknown piece")
	}
	var fallback byteIDs
	if f.byteFallback {
		fallback = newByteIDs(bytePieces)
	}
	d.fillWithEnd()
	n, err := f.normalizer(whole)
	if err != nil {
		return nil, err
	}
	d.normalizers = []normalizer{n}
	if f.model == spUnigram {
		d.model = f.unigram(matched, unknown, fallback)
	} else {
		d.model = f.bpe(matched, n.whole, unknown, fallback)
	}
	return d, nil
}

func (f *spFile) normalizer(whole map[string]int32) (*spNormalizer, error) {
	n := &spNormalizer{
		prefix: f.dummyPrefix && !f.whitespaceSuffix, suffix: f.dummyPrefix && f.whitespaceSuffix,
		removeExtra: f.removeExtraSpace, space: " ",
	}
	if f.escapeSpace {
		n.space = spaceMark
	}
	if len(whole) > 0 {
		n.whole = newTrie(whole)
	}
	if len(f.charsmap) > 0 {
		m, err := newCharsmap(f.charsmap)
		if err != nil {
			return nil, err
		}
		n.charsmap = m
	}
	return n.prepare(), nil
}

func (f *spFile) unigram(matched map[string]int32, unknown int32, fallback byteIDs) *unigram {
	m := &unigram{
		trie: newTrie(matched), scores: make([]float64, len(f.pieces)), unknown: unknown,
		float32: true, fuseUnknown: true, bytes: fallback,
	}
	least, most := float32(math.MaxFloat32), float32(0x1p-126) // FLT_MAX and FLT_MIN of C
	for _, p := range f.pieces {
		if p.kind == spNormal {
			least, most = min(least, p.score), max(most, p.score)
		}
	}
	for i, p := range f.pieces {
		m.scores[i] = float64(p.score)
		if p.kind == spUserDefined {
			// A bonus, so that it is always chosen.
			m.scores[i] = float64(float32(len(p.text))*most - 0.1)
		}
	}
	m.unknownScore = float64(least - unknownPenalty)
	return m
}

func (f *spFile) bpe(matched map[string]int32, whole *trie, unknown int32, fallback byteIDs) *spBPE {
	m := &spBPE{
		vocabulary: matched, userDefined: whole, unknown: unknown, bytes: fallback,
		ranks: make([]int32, len(f.pieces)), words: f.escapeSpace, cache: newCache(),
	}
	order := make([]int32, len(f.pieces))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		switch x, y := f.pieces[a].score, f.pieces[b].score; {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	for i, id := range order {
		m.ranks[id] = int32(i)
		if i > 0 && f.pieces[id].score == f.pieces[order[i-1]].score {
			m.ranks[id] = m.ranks[order[i-1]]
		}
	}
	if _, ok := matched[spaceMark]; !ok {
		m.words = false
	}
	for piece := range matched {
		m.words = m.words && !crossesWords(piece)
	}
	return m
}
