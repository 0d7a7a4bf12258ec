package text

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Decode returns the text of a file. Its byte order mark tells the encoding; without
// one it is UTF-16 where the first or the second byte is zero, UTF-8 where it is
// valid, and else Windows-1252, which European versions of Excel write. Where other
// letters than ASCII's are valid UTF-8, a text that was cut inside one stays UTF-8,
// and its bad bytes become U+FFFD. A zero byte elsewhere and half a unit of UTF-16
// are errors.
func Decode(content []byte) (string, error) {
	switch {
	case bytes.HasPrefix(content, []byte("\xef\xbb\xbf")):
		content = content[3:]
	case bytes.HasPrefix(content, []byte("\xff\xfe")):
		return decode16(content[2:], binary.LittleEndian)
	case bytes.HasPrefix(content, []byte("\xfe\xff")):
		return decode16(content[2:], binary.BigEndian)
	}
	if len(content) >= 2 && bytes.IndexByte(content, 0) >= 0 {
		switch {
		case content[0] != 0 && content[1] == 0:
			return decode16(content, binary.LittleEndian)
		case content[0] == 0 && content[1] != 0:
			return decode16(content, binary.BigEndian)
		}
		return "", fmt.Errorf("wanted text, found a zero at byte %d", bytes.IndexByte(content, 0))
	}
	if utf8.Valid(content) {
		return string(content), nil
	}
	for rest := content; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if r >= utf8.RuneSelf && size > 1 {
			return strings.ToValidUTF8(string(content), "\ufffd"), nil
		}
		rest = rest[size:]
	}
	text, err := charmap.Windows1252.NewDecoder().Bytes(content)
	return string(text), err
}

// decode16 returns the text in UTF-16.
func decode16(content []byte, order binary.ByteOrder) (string, error) {
	if len(content)%2 != 0 {
		return "", fmt.Errorf("wanted UTF-16 of two bytes each, found %d bytes", len(content))
	}
	units := make([]uint16, len(content)/2)
	for i := range units {
		units[i] = order.Uint16(content[2*i:])
	}
	return string(utf16.Decode(units)), nil
}
