package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"engram/data/space"
	"engram/data/vfs"
	"engram/index"
	"engram/index/internal/column"
	"engram/index/internal/flat"
)

// testRefs returns n rows of dimension dim in memory.
func testRefs(t testing.TB, n, dim int) []Ref {
	t.Helper()
	b := NewBuilder(dim, n, 0)
	refs := make([]Ref, n)
	for i := range refs {
		v := make([]float32, dim)
		v[i%dim], v[(i+1)%dim] = 0.6, 0.8
		if dim == 1 {
			v[0] = 1
		}
		var p index.Payload
		if i%2 == 0 {
			p = index.Payload{"n": int64(i), "path": "image"}
		}
		if err := b.Add(index.Item{ID: index.ID(3 * i), Vector: v, Payload: p}); err != nil {
			t.Fatal(err)
		}
		refs[i] = Ref{Segment: b.Segment(), Row: i}
	}
	return refs
}

func segmentBytes(t testing.TB, refs []Ref) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteSegment(&b, refs); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func writeFile(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func openBytes(t testing.TB, content []byte) (*Segment, error) {
	t.Helper()
	s, err := OpenSegment(writeFile(t, content))
	if err == nil {
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	return s, err
}

// items reads every item, which checks the blocks it lies in.
func items(s *Segment) (list []index.Item, err error) {
	for i := range s.IDs {
		item, err := s.Item(i)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

func TestASegmentComesBackAsWritten(t *testing.T) {
	t.Parallel()
	for _, shape := range []struct{ rows, dim int }{{1, 1}, {1, 768}, {700, 3}, {65, 64}, {2, MaxDim}} {
		refs := testRefs(t, shape.rows, shape.dim)
		s, err := openBytes(t, segmentBytes(t, refs))
		if err != nil {
			t.Fatal(err)
		}
		want, err := items(refs[0].Segment)
		if err != nil {
			t.Fatal(err)
		}
		got, err := items(s)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v: items (-want +got):\n%s", shape, diff)
		}
		if err := s.Verify(t.Context()); err != nil {
			t.Error(err)
		}
		code := make([]int8, shape.dim)
		for i := range s.IDs {
			scale, residual := column.Quantise(code, s.Vector(i))
			stored := s.Code(i)
			if scale != s.Scales[i] || residual != s.Residuals[i] || cmp.Diff(code, stored) != "" {
				t.Fatalf("%+v: code of row %d differs from Quantise", shape, i)
			}
		}
		// Written again from the file, it is the same file.
		for i := range refs {
			refs[i] = Ref{Segment: s, Row: i}
		}
		if again := segmentBytes(t, refs); !bytes.Equal(again, s.data) {
			t.Errorf("%+v: a rewritten segment differs", shape)
		}
	}
}

// readEverything opens and reads a segment in every way that there is. It
// reports whether damage was found, and fails the test on a panic by itself.
func readEverything(t testing.TB, content []byte) error {
	s, err := OpenSegment(writeFile(t, content))
	if err != nil {
		return err
	}
	defer s.Close()
	_, itemsErr := items(s)
	verifyErr := s.Verify(context.Background())
	if itemsErr != nil && verifyErr == nil {
		t.Fatalf("reading finds damage that verify does not: %v", itemsErr)
	}
	_, err = flat.Scan{}.Search(context.Background(), nil, []column.Part{{Rows: &s.Rows}}, make([]float32, s.Dim), 3)
	return errors.Join(verifyErr, err)
}

func TestEveryFlippedByteOfASegmentIsFound(t *testing.T) {
	t.Parallel()
	content := segmentBytes(t, testRefs(t, 9, 20))
	if err := readEverything(t, content); err != nil {
		t.Fatal(err)
	}
	for i := range content {
		// All bytes of the first and the last block, and a sample of others.
		if i > headerSize && i < len(content)-BlockSize && i%97 != 0 {
			continue
		}
		content[i] ^= 1 << (i % 8)
		if err := readEverything(t, content); !errors.Is(err, index.ErrCorrupt) {
			t.Fatalf("byte %d flipped: error %v, want ErrCorrupt", i, err)
		}
		content[i] ^= 1 << (i % 8)
	}
}

func TestEveryTruncatedSegmentIsRefused(t *testing.T) {
	t.Parallel()
	content := segmentBytes(t, testRefs(t, 9, 20))
	for size := 0; size < len(content); size += 1 + size%101 {
		if _, err := openBytes(t, content[:size]); !errors.Is(err, index.ErrCorrupt) {
			t.Fatalf("%d of %d bytes: error %v, want ErrCorrupt", size, len(content), err)
		}
	}
	if _, err := openBytes(t, append(content, 0)); !errors.Is(err, index.ErrCorrupt) {
		t.Errorf("one byte too many: error %v, want ErrCorrupt", err)
	}
}

// Damage done while a segment is open shows in the map. No read may panic.
func TestDamageAfterOpeningIsFound(t *testing.T) {
	path := writeFile(t, segmentBytes(t, testRefs(t, 9, 20)))
	s, err := OpenSegment(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for section := secIDs; section < sections; section++ {
		start, size := s.layout.start[section], s.layout.size[section]
		before := append([]byte(nil), s.data[start:start+size]...)
		if _, err := f.WriteAt(bytes.Repeat([]byte{0xff}, int(size)), start); err != nil {
			t.Fatal(err)
		}
		if err := s.Verify(t.Context()); !errors.Is(err, index.ErrCorrupt) {
			t.Errorf("section %d overwritten: verify gives %v, want ErrCorrupt", section, err)
		}
		_, err := items(s)
		if read := section == secEnds || section == secVectors || section == secPayloads; read && !errors.Is(err, index.ErrCorrupt) {
			t.Errorf("section %d overwritten: items gives %v, want ErrCorrupt", section, err)
		}
		q := make([]float32, s.Dim)
		q[0] = 1
		_, err = (flat.Scan{}).Search(t.Context(), nil, []column.Part{{Rows: &s.Rows}}, q, 3)
		if scored := section == secCodes || section == secVectors; scored != errors.Is(err, index.ErrCorrupt) || !scored && err != nil {
			t.Errorf("section %d overwritten: search gives %v, want ErrCorrupt of codes and vectors alone", section, err)
		}
		if _, err := f.WriteAt(before, start); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Errorf("restored: %v", err)
	}
}

func TestANewerVersionIsNamed(t *testing.T) {
	content := segmentBytes(t, testRefs(t, 2, 4))
	content[8] = Version + 1
	sum := checksum(content[:headerSize-4])
	copy(content[headerSize-4:], []byte{byte(sum), byte(sum >> 8), byte(sum >> 16), byte(sum >> 24)})
	_, err := openBytes(t, content)
	if err == nil || errors.Is(err, index.ErrCorrupt) || !strings.Contains(err.Error(), fmt.Sprint("format ", Version+1)) {
		t.Errorf("error %v, want one that names the format and does not call it damage", err)
	}
}

func TestPayloadsComeBackWithTheirTypes(t *testing.T) {
	value := rapid.OneOf(
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.Float64().AsAny(),
		rapid.String().AsAny(), rapid.SliceOf(rapid.String()).AsAny(),
	)
	rapid.Check(t, func(t *rapid.T) {
		want := index.Payload(rapid.MapOf(rapid.String(), value).Draw(t, "payload"))
		b := AppendPayload([]byte("x"), want)[1:]
		got, err := DecodePayload(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
		for i := range b {
			if cut, err := DecodePayload(b[:i]); i > 0 && err == nil {
				t.Fatalf("%d of %d bytes decode to %v", i, len(b), cut)
			}
		}
	})
	if got, err := DecodePayload(nil); got != nil || err != nil {
		t.Errorf("no bytes: %v, %v; want a nil payload", got, err)
	}
}

func testManifest() Manifest {
	return Manifest{
		Dim: 768, Space: space.Space{Name: "clip 1 \"ü\"\n", Fingerprint: "ab12"}, Next: 9,
		Segments: []SegmentRecord{{File: 1, Rows: 10}, {File: 7, Rows: math.MaxInt32, Dead: 8}},
	}
}

func manifestBytes(t testing.TB, m Manifest) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteManifest(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAManifestComesBackAsWritten(t *testing.T) {
	content := manifestBytes(t, testManifest())
	got, err := parseManifest(content)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(testManifest(), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for i := range content {
		for _, flip := range []byte{1, 0x20, 0x80} {
			content[i] ^= flip
			if _, err := parseManifest(content); !errors.Is(err, index.ErrCorrupt) {
				t.Fatalf("byte %d flipped by %#x: error %v, want ErrCorrupt", i, flip, err)
			}
			content[i] ^= flip
		}
		if _, err := parseManifest(content[:i]); !errors.Is(err, index.ErrCorrupt) {
			t.Fatalf("%d of %d bytes: error %v, want ErrCorrupt", i, len(content), err)
		}
	}
}

func TestAManifestThatMakesNoSenseIsRefused(t *testing.T) {
	for name, change := range map[string]func(*Manifest){
		"no dimension":      func(m *Manifest) { m.Dim = 0 },
		"huge dimension":    func(m *Manifest) { m.Dim = MaxDim + 1 },
		"empty segment":     func(m *Manifest) { m.Segments[0].Rows = 0 },
		"huge segment":      func(m *Manifest) { m.Segments[1].Rows++ },
		"segment twice":     func(m *Manifest) { m.Segments[0].File = 7 },
		"file from beyond":  func(m *Manifest) { m.Segments[0].File = 9 },
		"tombstones beyond": func(m *Manifest) { m.Segments[0].Dead = 9 },
	} {
		m := testManifest()
		change(&m)
		if _, err := parseManifest(manifestBytes(t, m)); !errors.Is(err, index.ErrCorrupt) {
			t.Errorf("%s: error %v, want ErrCorrupt", name, err)
		}
	}
	if _, err := ReadManifest(t.TempDir()); !errors.Is(err, index.ErrNotFound) {
		t.Errorf("no manifest: error %v, want ErrNotFound", err)
	}
}

func TestTombstonesComeBackAsWritten(t *testing.T) {
	for _, rows := range []int{1, 63, 64, 65, 1000} {
		want := column.Bits(nil).Clone(rows)
		for i := 0; i < rows; i += 3 {
			want.Set(i)
		}
		var b bytes.Buffer
		if err := WriteTombstones(&b, want, rows); err != nil {
			t.Fatal(err)
		}
		got, err := parseTombstones(b.Bytes(), rows)
		if err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("%d rows: error %v, got %v, want %v", rows, err, got, want)
		}
		for i := range b.Bytes() {
			b.Bytes()[i] ^= 4
			if _, err := parseTombstones(b.Bytes(), rows); !errors.Is(err, index.ErrCorrupt) {
				t.Fatalf("%d rows, byte %d flipped: error %v, want ErrCorrupt", rows, i, err)
			}
			b.Bytes()[i] ^= 4
		}
		path := writeFile(t, append(b.Bytes(), 0))
		if _, err := ReadTombstones(path, rows); !errors.Is(err, index.ErrCorrupt) {
			t.Errorf("%d rows, one byte too many: error %v, want ErrCorrupt", rows, err)
		}
	}
}

func TestAFileIsWrittenWholeOrNotAtAll(t *testing.T) {
	folder := Folder{Path: t.TempDir(), FS: vfs.OS{}}
	write := func(text string, err error) error {
		return folder.Write("name", func(w io.Writer) error {
			_, e := io.WriteString(w, text)
			return errors.Join(e, err)
		})
	}
	if err := write("old", nil); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	if err := write("new", broken); !errors.Is(err, broken) {
		t.Errorf("error %v, want the writer's", err)
	}
	got, err := os.ReadFile(filepath.Join(folder.Path, "name"))
	if string(got) != "old" || err != nil {
		t.Errorf("the file has %q, error %v; want the old content", got, err)
	}
	if entries, _ := os.ReadDir(folder.Path); len(entries) != 1 {
		t.Errorf("the folder has %v, want one file", entries)
	}
}
