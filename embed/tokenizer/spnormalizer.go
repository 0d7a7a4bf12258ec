package tokenizer

import (
	"bytes"
	"unicode/utf8"
)

// spNormalizer is the normalizer of a SentencePiece model.
// Source: SentencePiece, normalizer.cc, Normalize.
type spNormalizer struct {
	charsmap       *charsmap // nil: characters stay as they are
	whole          *trie     // pieces that stay as they are; nil: none
	prefix, suffix bool      // a space is put before or after the text
	removeExtra    bool      // spaces at the ends are removed, others joined
	space          string    // what a space is written as
	low            [utf8.RuneSelf]bool
}

// prepare notes the characters below U+0080 that stay as they are.
func (n *spNormalizer) prepare() *spNormalizer {
	for c := range n.low {
		text := []byte{byte(c)}
		becomes, length := n.first(text)
		n.low[c] = c != ' ' && length == 1 && bytes.Equal(becomes, text) && (n.whole == nil || n.whole.step(0, byte(c)) < 0)
		for next := range byte(utf8.RuneSelf) {
			if n.charsmap != nil {
				length, _ := n.charsmap.find([]byte{byte(c), next}, true)
				n.low[c] = n.low[c] && length < 2
			}
		}
	}
	return n
}

func (n *spNormalizer) same([]byte) bool { return false }

// first returns what the beginning of a text becomes, and its length.
func (n *spNormalizer) first(text []byte) (becomes []byte, length int) {
	if n.whole != nil {
		if length := n.whole.longest(text); length > 0 {
			return text[:length], length
		}
	}
	if n.charsmap != nil {
		if length, becomes := n.charsmap.find(text, true); length > 0 {
			return becomes, length
		}
	}
	_, length = utf8.DecodeRune(text)
	return text[:length], length
}

func (n *spNormalizer) appendTo(dst, text []byte) []byte {
	for n.removeExtra && len(text) > 0 {
		becomes, length := n.first(text)
		if string(becomes) != " " {
			break
		}
		text = text[length:]
	}
	if len(text) == 0 {
		return dst
	}
	begin, afterSpace := len(dst), n.removeExtra
	if n.prefix {
		dst = append(dst, n.space...)
	}
	for len(text) > 0 {
		if c := text[0]; c < utf8.RuneSelf && n.low[c] && (len(text) == 1 || text[1] < utf8.RuneSelf) {
			dst, text, afterSpace = append(dst, c), text[1:], false
			continue
		}
		becomes, length := n.first(text)
		text = text[length:]
		for afterSpace && len(becomes) > 0 && becomes[0] == ' ' {
			becomes = becomes[1:]
		}
		if len(becomes) > 0 {
			for _, c := range becomes {
				if c == ' ' {
					dst = append(dst, n.space...)
				} else {
					dst = append(dst, c)
				}
			}
			afterSpace = becomes[len(becomes)-1] == ' '
		}
		afterSpace = afterSpace && n.removeExtra
	}
	for n.removeExtra && bytes.HasSuffix(dst[begin:], []byte(n.space)) {
		dst = dst[:len(dst)-len(n.space)]
	}
	if n.suffix {
		dst = append(dst, n.space...)
	}
	return dst
}
