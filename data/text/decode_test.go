package text_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"engram/data/text"
)

func TestDecodeRefuses(t *testing.T) {
	for content, says := range map[string]string{
		"\xff\xfea":    "wanted UTF-16 of two bytes each, found 1 bytes",
		"ab\x00c":      "wanted text, found a zero at byte 2",
		"\x00\x00\x00": "wanted text, found a zero at byte 0",
	} {
		if got, err := text.Decode([]byte(content)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %q, error %v, want %q", content, got, err, says)
		}
	}
}

// Whatever the bytes, there is an error or a text of UTF-8; what is UTF-8 stays.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "a,b\n", "\xff\xfea\x00", "\xfe\xff\xd8\x00", "caf\xe9", "\xc3\xa9\xff", "\xef\xbb\xbf"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := text.Decode(content)
		if err == nil && !utf8.ValidString(got) {
			t.Errorf("%q is no UTF-8", got)
		}
		if utf8.Valid(content) && !strings.ContainsAny(string(content), "\x00\ufeff") && (err != nil || got != string(content)) {
			t.Errorf("%q became %q, error %v", content, got, err)
		}
	})
}
