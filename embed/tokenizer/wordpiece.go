package tokenizer

import "unicode/utf8"

// wordPiece cuts a piece into the longest beginning that the vocabulary has, and
// what is left again; a piece that cannot be cut so is unknown as a whole.
// Source: Devlin et al., "BERT", arXiv 1810.04805, tokenization.py.
type wordPiece struct {
	vocabulary map[string]int32 // without special tokens
	prefix     string           // of every part but the first
	unknown    int32
	longest    int // characters of a piece that is still cut
	cache      *cache
}

func (m *wordPiece) tokenize(s *scratch, piece []byte) {
	if m.cache.add(s, piece) {
		return
	}
	from := len(s.ids)
	if utf8.RuneCount(piece) > m.longest || !m.cut(s, piece) {
		s.ids = append(s.ids[:from], int64(m.unknown))
	}
	m.cache.keep(piece, s.ids[from:])
}

// cut appends the ids of the parts, and tells whether there are some for all.
func (m *wordPiece) cut(s *scratch, piece []byte) bool {
	for start := 0; start < len(piece); {
		key := s.key[:0]
		if start > 0 {
			key = append(key, m.prefix...)
		}
		prefix := len(key)
		key = append(key, piece[start:]...)
		s.key = key
		for {
			if id, ok := m.vocabulary[string(key)]; ok {
				s.ids = append(s.ids, int64(id))
				start += len(key) - prefix
				break
			}
			_, width := utf8.DecodeLastRune(key[prefix:])
			if key = key[:len(key)-width]; len(key) == prefix {
				return false
			}
		}
	}
	return true
}

// wordLevel looks whole pieces up.
type wordLevel struct {
	vocabulary map[string]int32 // without special tokens
	unknown    int32
}

func (m *wordLevel) tokenize(s *scratch, piece []byte) {
	id, ok := m.vocabulary[string(piece)]
	if !ok {
		id = m.unknown
	}
	s.ids = append(s.ids, int64(id))
}
