package disk

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"engram/index"
)

// writeWithTokens writes a segment of three items with tokens of 1,500 bytes each,
// and returns the paths of its files.
func writeWithTokens(t *testing.T) (segment, tokens string, rows [][]byte) {
	t.Helper()
	b := NewBuilder(2, 3, 1500)
	for i := range 3 {
		row := bytes.Repeat([]byte{byte(i + 1)}, 1500)
		if err := b.Add(index.Item{ID: index.ID(i), Vector: []float32{1, 0}, Tokens: row}); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	refs := []Ref{{b.Segment(), 0}, {b.Segment(), 1}, {b.Segment(), 2}}
	var content, more bytes.Buffer
	if err := errors.Join(WriteSegment(&content, refs), WriteTokens(&more, refs)); err != nil {
		t.Fatal(err)
	}
	segment, tokens = filepath.Join(t.TempDir(), "a.seg"), filepath.Join(t.TempDir(), "a.tok")
	if err := errors.Join(os.WriteFile(segment, content.Bytes(), 0o600), os.WriteFile(tokens, more.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	return segment, tokens, rows
}

// openWithTokens opens a segment with its tokens, reads and verifies them.
func openWithTokens(t *testing.T, segment, tokens string, size int, want [][]byte) error {
	t.Helper()
	s, err := OpenSegment(segment)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.OpenTokens(tokens, size); err != nil {
		if closing := s.Close(); closing != nil { // what failed to open is closed already
			t.Errorf("closing a segment without its tokens: %v", closing)
		}
		return err
	}
	for i := range s.IDs {
		got, err := s.Tokens(i)
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want[i]) {
			t.Errorf("row %d has other tokens than were written", i)
		}
	}
	return s.Verify(t.Context())
}

func TestTokensAreReadBack(t *testing.T) {
	segment, tokens, rows := writeWithTokens(t)
	if err := openWithTokens(t, segment, tokens, 1500, rows); err != nil {
		t.Fatal(err)
	}
	if err := openWithTokens(t, segment, tokens, 1400, rows); !errors.Is(err, index.ErrCorrupt) {
		t.Errorf("tokens of another size: error %v, want ErrCorrupt", err)
	}
}

// Each byte of the file is under a checksum.
func TestDamagedTokensAreFound(t *testing.T) {
	segment, tokens, rows := writeWithTokens(t)
	content, err := os.ReadFile(tokens)
	if err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(t.TempDir(), "b.tok")
	for at := 0; at < len(content); at += 97 {
		bad := bytes.Clone(content)
		bad[at] ^= 4
		if at >= 8 && at < 12 {
			continue // the version: another error
		}
		if err := os.WriteFile(damaged, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := openWithTokens(t, segment, damaged, 1500, rows); !errors.Is(err, index.ErrCorrupt) {
			t.Fatalf("byte %d: error %v, want ErrCorrupt", at, err)
		}
	}
	for _, size := range []int{0, 63, 4096, len(content) - 1} {
		if err := os.WriteFile(damaged, content[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := openWithTokens(t, segment, damaged, 1500, rows); !errors.Is(err, index.ErrCorrupt) {
			t.Errorf("%d bytes of the file: error %v, want ErrCorrupt", size, err)
		}
	}
}
