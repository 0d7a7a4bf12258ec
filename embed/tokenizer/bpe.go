package tokenizer

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// bpe is byte-pair encoding: a piece begins as its characters, and the pair of
// neighbours that comes first in the list of merges is joined, the leftmost of
// equal ones first, until no pair is left that is in the list.
// Source: Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words
// with Subword Units", arXiv 1508.07909; details as in Hugging Face's tokenizers.
type bpe struct {
	vocabulary   map[string]int32 // without special tokens
	merges       map[uint64]merge
	prefix       string // of every character but the first of a piece
	suffix       string // of the last character
	unknown      int32  // or noToken
	fuseUnknown  bool   // unknown characters in a row are one id
	bytes        byteIDs
	ignoreMerges bool // a piece that is in the vocabulary is its id
	words        bool // no merge crosses the beginning of a word (see wordEnd)
	cache        *cache
}

// byteIDs are the ids of bytes, which stand for characters that have no id, or
// noToken. It is nil where there is no such fallback.
type byteIDs []int32

// has tells whether all bytes of a text have ids.
func (b byteIDs) has(text []byte) bool {
	for _, c := range text {
		if b == nil || b[c] == noToken {
			return false
		}
	}
	return true
}

// newByteIDs finds the ids of the pieces <0x00> to <0xFF>.
func newByteIDs(vocabulary map[string]int32) byteIDs {
	ids := make(byteIDs, 256)
	for b := range ids {
		id, ok := vocabulary[fmt.Sprintf("<0x%02X>", b)]
		if !ok {
			id = noToken
		}
		ids[b] = id
	}
	return ids
}

// merge is a rule: its place in the list, and the id of the joined pair.
type merge struct{ rank, id int32 }

func pairKey(a, b int32) uint64 { return uint64(uint32(a))<<32 | uint64(uint32(b)) }

// symbol is a part of a piece, in a doubly linked list.
type symbol struct {
	id             int32
	previous, next int32 // indices, -1 at the ends
	joined         bool  // into the symbol before it
	whole          bool  // it is never joined
	start, end     int32 // its bytes, where they are needed
}

// candidate is a pair of neighbours that may be joined.
type candidate struct {
	rank   int32
	left   int32 // index of the left symbol
	joined int32 // id of the joined pair
}

func (c candidate) before(d candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.left < d.left
}

// merging is the work space of one piece.
type merging struct {
	symbols []symbol
	heap    []candidate
	key     []byte
}

// tokenize appends the ids of a piece.
func (m *bpe) tokenize(s *scratch, piece []byte) {
	if m.ignoreMerges {
		if id, ok := m.vocabulary[string(piece)]; ok {
			s.ids = append(s.ids, int64(id))
			return
		}
	}
	for len(piece) > 0 && len(s.ids) <= s.room {
		end := len(piece)
		if m.words {
			end = wordEnd(piece)
		}
		m.word(s, piece[:end])
		piece = piece[end:]
	}
}

// word appends the ids of a piece, or of a word in it.
func (m *bpe) word(s *scratch, word []byte) {
	if m.cache.add(s, word) {
		return
	}
	start := len(s.ids)
	w := &s.bpe
	m.begin(w, word)
	m.join(w)
	for i := int32(0); i >= 0 && int(i) < len(w.symbols); i = w.symbols[i].next {
		s.ids = append(s.ids, int64(w.symbols[i].id))
	}
	m.cache.keep(word, s.ids[start:])
}

// spaceMark is how SentencePiece writes a space.
const spaceMark = "▁"

// wordEnd returns the length of the first word of text: up to a spaceMark after
// something else.
func wordEnd(text []byte) int {
	marks := true // so far
	for i := 0; i < len(text); i++ {
		if text[i] == spaceMark[0] && bytes.HasPrefix(text[i:], []byte(spaceMark)) {
			if !marks {
				return i
			}
			i += len(spaceMark) - 1
			continue
		}
		marks = false
	}
	return len(text)
}

// crossesWords tells whether a piece has a spaceMark after something else.
func crossesWords(piece string) bool { return wordEnd([]byte(piece)) < len(piece) }

// begin fills the symbols of a piece: one for each character.
func (m *bpe) begin(w *merging, piece []byte) {
	w.symbols, w.heap = w.symbols[:0], w.heap[:0]
	unknown := false // an unknown character is not written yet
	for i := 0; i < len(piece); {
		_, width := utf8.DecodeRune(piece[i:])
		char := piece[i : i+width]
		w.key = w.key[:0]
		if i > 0 {
			w.key = append(w.key, m.prefix...)
		}
		w.key = append(w.key, char...)
		if i += width; i == len(piece) {
			w.key = append(w.key, m.suffix...)
		}
		id, ok := m.vocabulary[string(w.key)]
		switch {
		case ok:
			if unknown {
				w.push(m.unknown)
				unknown = false
			}
			w.push(id)
		case m.bytes.has(w.key):
			for _, b := range w.key {
				w.push(m.bytes[b])
			}
		case m.unknown != noToken:
			if unknown && !m.fuseUnknown {
				w.push(m.unknown)
			}
			unknown = true
		}
	}
	if unknown {
		w.push(m.unknown)
	}
	w.end()
}

// end makes the last symbol the end of the list.
func (w *merging) end() {
	if n := len(w.symbols); n > 0 {
		w.symbols[n-1].next = -1
	}
}

// merge joins the left symbol of a candidate with the one after it.
func (w *merging) merge(c candidate) {
	left := &w.symbols[c.left]
	right := &w.symbols[left.next]
	right.joined = true
	left.id, left.next, left.end = c.joined, right.next, right.end
	if left.next >= 0 {
		w.symbols[left.next].previous = c.left
	}
}

func (w *merging) push(id int32) {
	i := int32(len(w.symbols))
	w.symbols = append(w.symbols, symbol{id: id, previous: i - 1, next: i + 1})
}

// join merges the symbols as long as the list of merges has a pair of them.
func (m *bpe) join(w *merging) {
	for i := range w.symbols {
		m.offer(w, int32(i))
	}
	for len(w.heap) > 0 {
		c := w.pop()
		left := &w.symbols[c.left]
		if left.joined || left.next < 0 {
			continue
		}
		if rule, ok := m.merges[pairKey(left.id, w.symbols[left.next].id)]; !ok || rule.id != c.joined {
			continue // one of them was joined with another since
		}
		w.merge(c)
		m.offer(w, c.left)
		if left.previous >= 0 {
			m.offer(w, left.previous)
		}
	}
}

// offer pushes the pair of symbol i and the one after it, if it is in the list.
func (m *bpe) offer(w *merging, i int32) {
	left := w.symbols[i]
	if left.next < 0 {
		return
	}
	right := w.symbols[left.next].id
	if rule, ok := m.merges[pairKey(left.id, right)]; ok {
		w.heapPush(candidate{rule.rank, i, rule.id})
	}
}

// heapPush and pop keep a binary heap whose first element is before all others.
func (w *merging) heapPush(c candidate) {
	w.heap = append(w.heap, c)
	for i := len(w.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if !w.heap[i].before(w.heap[up]) {
			return
		}
		w.heap[i], w.heap[up] = w.heap[up], w.heap[i]
		i = up
	}
}

func (w *merging) pop() candidate {
	top, last := w.heap[0], len(w.heap)-1
	w.heap[0] = w.heap[last]
	w.heap = w.heap[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			return top
		}
		if down+1 < last && w.heap[down+1].before(w.heap[down]) {
			down++
		}
		if !w.heap[down].before(w.heap[i]) {
			return top
		}
		w.heap[i], w.heap[down] = w.heap[down], w.heap[i]
		i = down
	}
}

// bpeRules makes the table of merges from pairs of pieces, in the order of the list.
func bpeRules(vocabulary map[string]int32, pairs [][2]string, prefix string) (map[uint64]merge, error) {
	rules := make(map[uint64]merge, len(pairs))
	for rank, pair := range pairs {
		left, ok := vocabulary[pair[0]]
		right, ok2 := vocabulary[pair[1]]
		if !ok || !ok2 || len(pair[1]) < len(prefix) {
			return nil, fmt.Errorf("merge %d joins %q and %q, which the vocabulary has not both", rank, pair[0], pair[1])
		}
		joined, ok := vocabulary[pair[0]+pair[1][len(prefix):]]
		if !ok {
			return nil, fmt.Errorf("merge %d makes %q, which the vocabulary has not", rank, pair[0]+pair[1][len(prefix):])
		}
		rules[pairKey(left, right)] = merge{int32(rank), joined}
	}
	return rules, nil
}
