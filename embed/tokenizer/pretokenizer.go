package tokenizer

// preTokenizer cuts the spans of a text into pieces, and may rewrite them.
type preTokenizer interface {
	apply(s *scratch)
}

// behavior says what becomes of the matches of a split.
type behavior uint8

const (
	removed behavior = iota
	isolated
	mergedWithPrevious
	mergedWithNext
	contiguous
)

// finder finds what a split cuts at.
type finder interface {
	find(text []byte, from int) (start, end int, ok bool)
}

// split cuts text at the matches of a finder, or at what is between them.
type split struct {
	finder   finder
	behavior behavior
	invert   bool
}

func (p split) apply(s *scratch) {
	s.next = s.next[:0]
	for _, sp := range s.spans {
		if sp.id != noToken {
			s.next = append(s.next, sp)
			continue
		}
		p.cut(s, sp)
	}
	s.spans, s.next = s.next, s.spans
}

// cut emits the pieces of one span.
func (p split) cut(s *scratch, sp span) {
	text, from := s.text[:sp.end], sp.start
	s.matches = s.matches[:0]
	for from < sp.end {
		start, end, ok := p.finder.find(text, from)
		if !ok {
			start, end = sp.end, sp.end
		}
		if start > from {
			s.matches = append(s.matches, match{from, start, p.invert})
		}
		if end > start {
			s.matches = append(s.matches, match{start, end, !p.invert})
		}
		from = end
	}
	p.emit(s, sp)
}

// emit joins the matches and the text between them as the behavior says.
func (p split) emit(s *scratch, sp span) {
	for i := 0; i < len(s.matches); i++ {
		m := s.matches[i]
		end := m.end
		switch p.behavior {
		case removed:
			if m.is {
				continue
			}
		case contiguous:
			for i+1 < len(s.matches) && s.matches[i+1].is == m.is {
				i++
				end = s.matches[i].end
			}
		case mergedWithPrevious:
			if !m.is && i+1 < len(s.matches) && s.matches[i+1].is {
				i++
				end = s.matches[i].end
			}
		case mergedWithNext:
			if m.is && i+1 < len(s.matches) && !s.matches[i+1].is {
				i++
				end = s.matches[i].end
			}
		}
		s.emit(sp, m.start, end)
	}
}

// byteLevelPattern cuts text into words, numbers, symbols and white space, each
// with the space before it. Source: GPT-2, encoder.py.
const byteLevelPattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

// byteLevel writes every byte as one visible character.
type byteLevel struct {
	words  *split // with byteLevelPattern; nil where pieces stay whole
	prefix bool   // a piece begins with a space
	coded  *[256]string
}

func newByteLevel(prefix, cut bool) byteLevel {
	p := byteLevel{prefix: prefix, coded: codedBytes()}
	if cut {
		p.words = &split{finder: mustCompile(byteLevelPattern), behavior: isolated}
	}
	return p
}

func (p byteLevel) apply(s *scratch) {
	if p.prefix {
		s.rewrite(prefixed{prefix: " ", unless: " "})
	}
	if p.words != nil {
		p.words.apply(s)
	}
	s.rewrite(p)
}

func (p byteLevel) same(text []byte) bool {
	for _, c := range text {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}

func (p byteLevel) appendTo(dst, text []byte) []byte {
	for _, c := range text {
		if c-'!' <= '~'-'!' {
			dst = append(dst, c)
		} else {
			dst = append(dst, p.coded[c]...)
		}
	}
	return dst
}

// codedBytes returns the character that stands for each byte: itself if it is
// visible in Latin-1, else one from U+0100 on. Source: GPT-2, encoder.py.
func codedBytes() *[256]string {
	coded, next := new([256]string), rune(0x100)
	for b := range rune(256) {
		if b >= '!' && b <= '~' || b >= '¡' && b <= '¬' || b >= '®' && b <= 'ÿ' {
			coded[b] = string(b)
		} else {
			coded[b] = string(next)
			next++
		}
	}
	return coded
}

// prefixed is the normalizer Prepend: text that is not empty gets a prefix, unless
// it begins with another one already.
type prefixed struct{ prefix, unless string }

func (p prefixed) same(text []byte) bool {
	return len(text) == 0 || p.unless != "" && len(text) >= len(p.unless) && string(text[:len(p.unless)]) == p.unless
}

func (p prefixed) appendTo(dst, text []byte) []byte {
	if !p.same(text) {
		dst = append(dst, p.prefix...)
	}
	return append(dst, text...)
}
