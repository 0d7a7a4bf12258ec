package tokenizer

import "unicode/utf8"

// spBPE is the byte-pair encoding of SentencePiece: of all neighbours whose text
// together is a piece, the pair with the highest score is joined first, the
// leftmost of equal ones. Source: SentencePiece, bpe_model.cc, SampleEncode.
type spBPE struct {
	vocabulary  map[string]int32 // pieces that text may match
	ranks       []int32          // by id: the place of its score, the highest first
	userDefined *trie            // pieces that stay whole; nil: none
	unknown     int32
	bytes       byteIDs
	words       bool // no piece crosses the beginning of a word (see wordEnd)
	cache       *cache
}

// tokenize appends the ids of a normalized text.
func (m *spBPE) tokenize(s *scratch, piece []byte) {
	for len(piece) > 0 && len(s.ids) <= s.room {
		end := len(piece)
		if m.words {
			end = wordEnd(piece)
		}
		m.word(s, piece[:end])
		piece = piece[end:]
	}
}

func (m *spBPE) word(s *scratch, word []byte) {
	if m.cache.add(s, word) {
		return
	}
	start := len(s.ids)
	w := &s.bpe
	m.begin(w, word)
	for i := range w.symbols {
		m.offer(w, word, int32(i))
	}
	for len(w.heap) > 0 {
		c := w.pop()
		left := &w.symbols[c.left]
		if left.joined || left.next < 0 {
			continue
		}
		right := &w.symbols[left.next]
		if id, ok := m.vocabulary[string(word[left.start:right.end])]; !ok || id != c.joined {
			continue // one of them was joined with another since
		}
		w.merge(c)
		m.offer(w, word, c.left)
		if left.previous >= 0 {
			m.offer(w, word, left.previous)
		}
	}
	m.add(s, word)
	m.cache.keep(word, s.ids[start:])
}

// begin fills the symbols: characters, and the pieces that stay whole.
func (m *spBPE) begin(w *merging, word []byte) {
	w.symbols, w.heap = w.symbols[:0], w.heap[:0]
	for i := 0; i < len(word); {
		width, whole := 0, false
		if m.userDefined != nil {
			width = m.userDefined.longest(word[i:])
			whole = width > 0
		}
		if !whole {
			_, width = utf8.DecodeRune(word[i:])
		}
		id, ok := m.vocabulary[string(word[i:i+width])]
		if !ok {
			id = noToken
		}
		w.push(id)
		last := &w.symbols[len(w.symbols)-1]
		last.start, last.end, last.whole = int32(i), int32(i+width), whole
		i += width
	}
	w.end()
}

// offer pushes the pair of symbol i and the one after it, if they are a piece.
func (m *spBPE) offer(w *merging, word []byte, i int32) {
	left := &w.symbols[i]
	if left.next < 0 {
		return
	}
	right := &w.symbols[left.next]
	if left.whole || right.whole {
		return
	}
	if id, ok := m.vocabulary[string(word[left.start:right.end])]; ok {
		w.heapPush(candidate{m.ranks[id], i, id})
	}
}

// add appends the ids of the symbols; unknown ones in a row are one id.
func (m *spBPE) add(s *scratch, word []byte) {
	before := false // the symbol before is unknown
	for i := int32(0); i >= 0 && int(i) < len(s.bpe.symbols); i = s.bpe.symbols[i].next {
		symbol := &s.bpe.symbols[i]
		text := word[symbol.start:symbol.end]
		unknown := symbol.id == noToken
		switch {
		case !unknown:
			s.ids = append(s.ids, int64(symbol.id))
		case m.bytes.has(text):
			for _, b := range text {
				s.ids = append(s.ids, int64(m.bytes[b]))
			}
		case !before:
			s.ids = append(s.ids, int64(m.unknown))
		}
		before = unknown
	}
}
