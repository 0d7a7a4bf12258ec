package tokenizer

// byteLevelPattern cuts text into words, numbers, symbols and white space, each
// with the space before it. Source: GPT-2, encoder.py.
const byteLevelPattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

// byteLevel writes every byte as one visible character.
type byteLevel struct {
	words  *split    // with byteLevelPattern; nil where pieces stay whole
	prefix *prefixed // a piece begins with a space; nil: as it is
	coded  *[256]string
}

func newByteLevel(prefix, cut bool) *byteLevel {
	p := &byteLevel{coded: codedBytes()}
	if prefix {
		p.prefix = &prefixed{prefix: " ", unless: " "}
	}
	if cut {
		p.words = &split{finder: mustCompile(byteLevelPattern), behavior: isolated}
	}
	return p
}

func (p *byteLevel) apply(s *scratch) {
	if p.prefix != nil {
		s.rewrite(p.prefix)
	}
	if p.words != nil {
		p.words.apply(s)
	}
	s.rewrite(p)
}

func (p *byteLevel) same(text []byte) bool {
	for _, c := range text {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}

func (p *byteLevel) appendTo(dst, text []byte) []byte {
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

func (p *prefixed) same(text []byte) bool {
	return len(text) == 0 || p.unless != "" && len(text) >= len(p.unless) && string(text[:len(p.unless)]) == p.unless
}

func (p *prefixed) appendTo(dst, text []byte) []byte {
	if !p.same(text) {
		dst = append(dst, p.prefix...)
	}
	return append(dst, text...)
}
