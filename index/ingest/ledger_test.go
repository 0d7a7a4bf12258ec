package ingest_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
	"engram/index/ingest"
)

// ledgerIn returns a folder with the ledger text.
func ledgerIn(t *testing.T, text []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ingest.LedgerName), text, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func readFixture(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", ingest.LedgerName))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A ledger of the first version is read for ever. Each kind of entry that
// FORMAT.md describes is in it.
func TestLedgerOfTheFirstVersion(t *testing.T) {
	ledger, err := ingest.OpenLedger(ledgerIn(t, readFixture(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	bad, err := ledger.Bad()
	if err != nil {
		t.Fatal(err)
	}
	want := []ingest.Bad{
		{Row: 7, Name: "0.tar/7", Reason: "no image"},
		{Row: 120, Name: "0.tar", Reason: "the tar ends early"},
		{Row: 1, Name: "sub/c.png", Reason: `pixels: file starts with "no png", wanted JPEG, PNG, WebP, GIF, BMP or TIFF: not a supported image`},
	}
	if diff := cmp.Diff(want, bad); diff != "" || !ledger.Finished() {
		t.Errorf("finished %v, bad rows (-want +got):\n%s", ledger.Finished(), diff)
	}
}

// A damaged line is refused by its number, unless it is the last one, which a
// killed process may have torn.
func TestDamagedLedgers(t *testing.T) {
	text := readFixture(t)
	lines := bytes.SplitAfter(text, []byte("\n"))
	last := len(text) - len(lines[len(lines)-2])
	for name, test := range map[string]struct {
		at   int
		want string // part of the error, "" for none
	}{
		"in a checksum":        {0, "line 1 does not match its checksum"},
		"in an object":         {len(lines[0]) + 20, "line 2 does not match its checksum"},
		"in the last checksum": {last, ""},
		"in the last object":   {len(text) - 5, ""},
	} {
		damaged := bytes.Clone(text)
		damaged[test.at] ^= 1
		dir := ledgerIn(t, damaged)
		_, err := ingest.OpenLedger(dir)
		if test.want == "" {
			left, readErr := os.ReadFile(filepath.Join(dir, ingest.LedgerName))
			if err := errors.Join(err, readErr); err != nil || !bytes.Equal(left, text[:last]) {
				t.Errorf("a flipped bit %s: error %v, %d bytes left, want %d", name, err, len(left), last)
			}
		} else if !errors.Is(err, index.ErrCorrupt) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("a flipped bit %s: error %v, want %q", name, err, test.want)
		}
	}
	object := []byte(`{"shard":{"name":"0.tar","colour":1}}`)
	newer := fmt.Appendf(nil, "%08x %s\n%s", crc32.Checksum(object, crc32.MakeTable(crc32.Castagnoli)), object, text)
	if _, err := ingest.OpenLedger(ledgerIn(t, newer)); !errors.Is(err, index.ErrCorrupt) || !strings.Contains(err.Error(), "colour") {
		t.Errorf("an unknown field: error %v, want ErrCorrupt with its name", err)
	}
}
