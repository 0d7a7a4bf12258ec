package tokenizer

import "strings"

// pipeline is a tokenizer in the stages of Hugging Face's tokenizers: added
// tokens are found, the text between them is normalized and cut into pieces, and
// a model turns each piece into ids.
type pipeline struct {
	raw           *addedTokens // found before the normalizers; nil: none
	normalizers   []normalizer
	normalized    *addedTokens // found after them
	preTokenizers []preTokenizer
	model         model
	blank         []bool // by id: special, unknown, or nothing but white space
}

// model turns pieces of text into ids.
type model interface {
	tokenize(s *scratch, piece []byte)
}

func (p *pipeline) encode(s *scratch) {
	p.raw.apply(s)
	for _, n := range p.normalizers {
		s.rewrite(n)
	}
	p.normalized.apply(s)
	for _, stage := range p.preTokenizers {
		stage.apply(s)
	}
	for _, sp := range s.spans {
		if len(s.ids) > s.room {
			return
		}
		switch {
		case sp.id != noToken:
			s.ids = append(s.ids, int64(sp.id))
		case sp.start < sp.end:
			p.model.tokenize(s, s.text[sp.start:sp.end])
		}
	}
}

func (p *pipeline) meaningful(id int64) bool { return !p.blank[id] }

func (p *pipeline) size() int { return len(p.blank) }

// isBlank tells whether a piece of a vocabulary is nothing but white space, as it
// is or as SentencePiece writes it.
func isBlank(piece string) bool {
	return strings.TrimFunc(piece, func(r rune) bool { return isSpace(r) || string(r) == spaceMark }) == ""
}
