package tokenizer

import "unicode/utf8"

// unigram chooses, of all ways to cut a piece into pieces of the vocabulary, the
// one with the largest sum of scores (log probabilities), by the algorithm of
// Viterbi. Source: Kudo, "Subword Regularization", arXiv 1804.10959; the order of
// operations, which decides ties, is the one of EncodeOptimized in SentencePiece 0.2.3.
type unigram struct {
	trie         *trie     // of pieces that text may match, to their ids
	scores       []float64 // by id
	unknown      int32     // or noToken
	unknownScore float64
	float32      bool // sums are float32, as SentencePiece's; else float64
	fuseUnknown  bool // unknown characters in a row are one id
	bytes        byteIDs
	cache        *cache // nil where a piece is a whole text
}

// unknownPenalty is what an unknown character scores below the worst piece.
const unknownPenalty = 10

// lattice is the work space of one piece: for each byte, the best way that ends
// before it.
type lattice struct {
	best []bestPath
	cuts []bestPath // of the best way, from the end
}

type bestPath struct {
	score float64
	start int32 // of the last piece; -1 where nothing ends here
	id    int32
}

// tokenize appends the ids of a piece.
func (m *unigram) tokenize(s *scratch, piece []byte) {
	if m.cache.add(s, piece) {
		return
	}
	from := len(s.ids)
	w := &s.lattice
	w.fill(m, piece)
	end := int32(len(piece))
	w.cuts = w.cuts[:0]
	for end > 0 {
		b := w.best[end]
		w.cuts = append(w.cuts, bestPath{start: b.start, id: b.id})
		end = b.start
	}
	for i := len(w.cuts) - 1; i >= 0; i-- {
		c := w.cuts[i]
		if c.id != m.unknown {
			s.ids = append(s.ids, int64(c.id))
			continue
		}
		for m.fuseUnknown && i > 0 && w.cuts[i-1].id == m.unknown {
			i--
		}
		end := len(piece)
		if i > 0 {
			end = int(w.cuts[i-1].start)
		}
		m.addUnknown(s, piece[c.start:end])
	}
	m.cache.keep(piece, s.ids[from:])
}

// addUnknown appends the ids of characters that the vocabulary has not.
func (m *unigram) addUnknown(s *scratch, text []byte) {
	switch {
	case m.bytes.has(text):
		for _, b := range text {
			s.ids = append(s.ids, int64(m.bytes[b]))
		}
	case m.unknown != noToken:
		s.ids = append(s.ids, int64(m.unknown))
	}
}

// fill finds the best way to each byte.
func (w *lattice) fill(m *unigram, piece []byte) {
	w.best = w.best[:0]
	for range len(piece) + 1 {
		w.best = append(w.best, bestPath{start: -1})
	}
	for start := 0; start < len(piece); {
		width := 1
		if piece[start] >= utf8.RuneSelf {
			_, width = utf8.DecodeRune(piece[start:])
		}
		here, single := w.best[start].score, false
		node := int32(0)
		for end := start; end < len(piece); {
			if node = m.trie.step(node, piece[end]); node < 0 {
				break
			}
			end++
			if id := m.trie.nodes[node].value; id != noToken {
				w.offer(m, end, bestPath{m.scores[id] + here, int32(start), id})
				single = single || end == start+width
			}
		}
		if !single {
			w.offer(m, start+width, bestPath{m.unknownScore + here, int32(start), m.unknown})
		}
		start += width
	}
}

// offer takes a way to a byte if it is the first or better than the best.
func (w *lattice) offer(m *unigram, end int, way bestPath) {
	if m.float32 {
		way.score = float64(float32(way.score))
	}
	if best := &w.best[end]; best.start < 0 || way.score > best.score {
		*best = way
	}
}
