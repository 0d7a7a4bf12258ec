package gzipstream_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"

	"engram/data/gzipstream"
)

func pack(t testing.TB, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func unpack(content []byte) (text string, trailing int64, err error) {
	r, err := gzipstream.NewReader(bufio.NewReader(bytes.NewReader(content)))
	if err != nil {
		return "", 0, err
	}
	all, err := io.ReadAll(r)
	return string(all), r.Trailing(), err
}

func TestEveryMemberIsReadAndNothingAfterTheLast(t *testing.T) {
	long := strings.Repeat("voxel ", 20000)
	two := append(pack(t, long), pack(t, "scan")...)
	for name, test := range map[string]struct {
		content  []byte
		text     string
		trailing int64
	}{
		"one member":        {pack(t, "scan"), "scan", 0},
		"two members":       {two, long + "scan", 0},
		"an empty member":   {append(pack(t, ""), pack(t, "scan")...), "scan", 0},
		"zeros":             {append(bytes.Clone(two), make([]byte, 513)...), long + "scan", 513},
		"bytes of a tool":   {append(pack(t, "scan"), "padding"...), "scan", 7},
		"half of a magic":   {append(pack(t, "scan"), 0x1f), "scan", 1},
		"more than a block": {append(pack(t, "scan"), make([]byte, 3<<20)...), "scan", 1 << 20},
	} {
		text, trailing, err := unpack(test.content)
		if err != nil || text != test.text || trailing != test.trailing {
			t.Errorf("%s: %d bytes, %d trailing, error %v; want %d and %d", name, len(text), trailing, err, len(test.text), test.trailing)
		}
	}
}

func TestDamageIsFound(t *testing.T) {
	good := append(pack(t, "scan"), pack(t, "voxels")...)
	for cut := range good {
		if cut == len(pack(t, "scan")) || cut == len(pack(t, "scan"))+1 {
			continue // a whole member, and one byte that is no magic number
		}
		if _, _, err := unpack(good[:cut]); err == nil {
			t.Errorf("%d of %d bytes are accepted", cut, len(good))
		}
	}
	damaged := bytes.Clone(good)
	damaged[len(damaged)-8] ^= 1
	if _, _, err := unpack(damaged); !errors.Is(err, gzip.ErrChecksum) && (err == nil || !strings.Contains(err.Error(), "checksum")) {
		t.Errorf("error is %v, want a wrong checksum", err)
	}
}

// Whatever compress/gzip accepts is read to the same bytes.
func FuzzReader(f *testing.F) {
	f.Add(pack(f, "scan"))
	f.Add(append(pack(f, "scan"), pack(f, "voxels")...))
	f.Add(append(pack(f, "scan"), 0, 0, 0))
	f.Fuzz(func(t *testing.T, content []byte) {
		got, _, gotErr := unpack(content)
		r, err := gzip.NewReader(bytes.NewReader(content))
		if err != nil {
			return
		}
		want, err := io.ReadAll(r)
		if err == nil && (gotErr != nil || got != string(want)) {
			t.Errorf("read %q, %v; compress/gzip reads %q", got, gotErr, want)
		}
	})
}
