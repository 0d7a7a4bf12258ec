package tokenizer

import (
	"strings"
	"sync"
)

// Spec says which files a tokenizer is read from, and what a model adds to what
// they say.
type Spec struct {
	Dir    string // the folder that the files are in
	File   string // slash-separated path under Dir
	Merges string // the path of merges.txt, where File is a vocab.json; else empty

	Context int    // ids per text, with the special ones and padding
	Pad     *int   // the id that fills a text up to Context; nil: as the file says
	Clean   string // one of the Clean constants
	Lower   bool   // lower case, before the file's own normalizers
}

// Tokenizer turns texts into ids. It is safe for concurrent use.
type Tokenizer struct {
	context       int
	clean         cleaner
	encoder       encoder
	before, after []int64 // special ids around every text
	pad           int64
	scratch       sync.Pool
}

// encoder is one family of tokenizers behind Tokenizer.
type encoder interface {
	// encode appends the ids of s.text to s.ids, without special ids. It may stop
	// when there are more than s.room.
	encode(s *scratch)
	// meaningful tells whether an id is neither special, unknown nor white space.
	meaningful(id int64) bool
	// size returns the number of ids.
	size() int
}

// Encoding says what Encode made of a text.
type Encoding struct {
	N     int  // ids before padding, special ones counted
	Known int  // ids of the text that carry meaning: neither special, unknown nor white space
	Cut   bool // the text had more ids than the context has room for
}

// Context returns the number of ids per text.
func (t *Tokenizer) Context() int { return t.context }

// Size returns the number of ids that the tokenizer knows: they are below it.
func (t *Tokenizer) Size() int { return t.encoder.size() }

// Encode writes the ids of a text to ids, which has the context's length. A text
// that is too long is cut; special ids stand at its end all the same. Encode
// looks at no more of a long text than it needs. It panics where ids has another
// length.
//
// Special tokens that are spelled out in the text are plain text. Bytes that are
// not UTF-8 are read as U+FFFD, one each.
func (t *Tokenizer) Encode(ids []int64, text string) Encoding {
	if len(ids) != t.context {
		panic("tokenizer: the slice of ids has not the length of the context")
	}
	s := t.borrow()
	defer t.scratch.Put(s)
	s.room = t.context - len(t.before) - len(t.after)
	for limit := firstPart; ; limit *= nextPart {
		part := cutText(text, limit)
		s.reset(part)
		t.clean.apply(s)
		t.encoder.encode(s)
		if len(s.ids) > s.room || len(part) == len(text) {
			break
		}
	}
	kept := s.ids[:min(len(s.ids), s.room)]
	n := copy(ids, t.before)
	n += copy(ids[n:], kept)
	n += copy(ids[n:], t.after)
	for i := n; i < len(ids); i++ {
		ids[i] = t.pad
	}
	return Encoding{N: n, Known: t.known(kept, text), Cut: len(s.ids) > s.room}
}

// known counts the ids that carry meaning. A text that is nothing but white space
// has none, though its bytes may have ids.
func (t *Tokenizer) known(ids []int64, text string) int {
	if strings.TrimFunc(text, isSpace) == "" {
		return 0
	}
	known := 0
	for _, id := range ids {
		if t.encoder.meaningful(id) {
			known++
		}
	}
	return known
}

func (t *Tokenizer) borrow() *scratch {
	if s, ok := t.scratch.Get().(*scratch); ok {
		return s
	}
	return new(scratch)
}
