package tokenizer

import (
	"encoding/binary"
	"errors"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// charsmap is the precompiled table of a SentencePiece normalizer: a double-array
// trie of texts, and what each becomes. Layout: the trie's size in bytes as a
// little-endian uint32, the trie, and the replacements, each ended by a zero byte.
// Source: SentencePiece, normalizer.cc; the unit of the trie: Darts-clone, darts.h.
type charsmap struct {
	units   []uint32
	content []byte
}

func newCharsmap(blob []byte) (*charsmap, error) {
	if len(blob) < 4 {
		return nil, errors.New("the table of characters has no size")
	}
	size := binary.LittleEndian.Uint32(blob)
	blob = blob[4:]
	if size%4 != 0 || size == 0 || uint64(size) > uint64(len(blob)) {
		return nil, errors.New("the table of characters is cut off")
	}
	m := &charsmap{units: make([]uint32, size/4), content: blob[size:]}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(blob[4*i:])
	}
	return m, nil
}

// find returns the length of the shortest or longest key that begins text, 0
// where there is none, and what it becomes.
func (m *charsmap) find(text []byte, longest bool) (length int, becomes []byte) {
	unit := m.units[0]
	place := trieOffset(unit)
	for i, c := range text {
		place ^= uint32(c)
		if c == 0 || uint64(place) >= uint64(len(m.units)) {
			break
		}
		if unit = m.units[place]; unit&(1<<31|0xFF) != uint32(c) {
			break
		}
		place ^= trieOffset(unit)
		if unit>>8&1 == 0 {
			continue
		}
		if uint64(place) >= uint64(len(m.units)) {
			break
		}
		length, becomes = i+1, m.text(m.units[place]&(1<<31-1))
		if !longest {
			break
		}
	}
	return length, becomes
}

func trieOffset(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }

// text returns the replacement that begins at byte start.
func (m *charsmap) text(start uint32) []byte {
	if uint64(start) >= uint64(len(m.content)) {
		return nil
	}
	end := start
	for int(end) < len(m.content) && m.content[end] != 0 {
		end++
	}
	return m.content[start:end]
}

// precompiled is the normalizer Precompiled of Hugging Face's tokenizers. It
// differs from SentencePiece's own: it looks up whole grapheme clusters below 6
// bytes, else single characters, and takes the shortest key that begins them.
type precompiled struct {
	*charsmap
	low *[utf8.RuneSelf][]byte // what a character below U+0080 becomes, nil: itself
}

func newPrecompiled(m *charsmap) precompiled {
	p := precompiled{m, new([utf8.RuneSelf][]byte)}
	for c := range byte(utf8.RuneSelf) {
		if length, becomes := m.find([]byte{c}, false); length > 0 {
			p.low[c] = append([]byte{}, becomes...)
		}
	}
	return p
}

func (p precompiled) same(text []byte) bool {
	for i, c := range text {
		if c >= utf8.RuneSelf || p.low[c] != nil || c == '\r' && i+1 < len(text) && text[i+1] == '\n' {
			return false
		}
	}
	return true
}

func (p precompiled) appendTo(dst, text []byte) []byte {
	for len(text) > 0 {
		c := text[0]
		// A cluster that begins with such a character has others only if one of them
		// is beyond U+007F, or if it is a line break of two.
		if c < utf8.RuneSelf && c != '\r' && (len(text) == 1 || text[1] < utf8.RuneSelf) {
			if becomes := p.low[c]; becomes != nil {
				dst = append(dst, becomes...)
			} else {
				dst = append(dst, c)
			}
			text = text[1:]
			continue
		}
		var cluster []byte
		cluster, text, _, _ = uniseg.FirstGraphemeCluster(text, -1)
		dst = p.appendCluster(dst, cluster)
	}
	return dst
}

func (p precompiled) appendCluster(dst, cluster []byte) []byte {
	if len(cluster) < 6 {
		if length, becomes := p.find(cluster, false); length > 0 {
			return append(dst, becomes...)
		}
	}
	for i := 0; i < len(cluster); {
		_, width := utf8.DecodeRune(cluster[i:])
		char := cluster[i : i+width]
		if length, becomes := p.find(char, false); length > 0 {
			dst = append(dst, becomes...)
		} else {
			dst = append(dst, char...)
		}
		i += width
	}
	return dst
}
