package disk

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"engram/index"
	"engram/index/internal/column"
	"engram/index/internal/flat"
)

// FuzzSegment reads damaged segments in every way: it may find damage, but
// neither panic nor return items that Verify would not vouch for.
func FuzzSegment(f *testing.F) {
	content := segmentBytes(f, testRefs(f, 3, 4))
	f.Add(content[:headerSize], 0, []byte(nil))
	f.Add(content[:headerSize], BlockSize, []byte{1})
	f.Add(content[:headerSize], 3*BlockSize, []byte("rows"))
	f.Fuzz(func(t *testing.T, head []byte, at int, patch []byte) {
		damaged := append([]byte(nil), content...)
		copy(damaged, head)
		if at >= 0 && at < len(damaged) {
			copy(damaged[at:], patch)
		}
		err := readEverything(t, damaged)
		if same := bytes.Equal(damaged, content); same != (err == nil) {
			t.Fatalf("same file: %v, error: %v", same, err)
		}
	})
}

// FuzzSignedSegment damages columns and signs them with the right checksums, as
// damage never is: ids, ends and payloads are then all that keeps a reader
// inside the file.
func FuzzSignedSegment(f *testing.F) {
	content := segmentBytes(f, testRefs(f, 3, 4))
	f.Add(BlockSize, []byte{9})
	f.Add(2*BlockSize, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add(headerSize-8, []byte{1})
	f.Fuzz(func(t *testing.T, at int, patch []byte) {
		damaged := append([]byte(nil), content...)
		if at < headerSize || at >= len(damaged) {
			return
		}
		copy(damaged[at:], patch)
		h, err := parseHeader(damaged)
		if err != nil {
			t.Fatal(err)
		}
		l, err := h.layout()
		if err != nil {
			t.Fatal(err)
		}
		body := damaged[:l.sums]
		var signed bytes.Buffer
		w := blockWriter{w: &signed}
		w.Write(body)
		if err := w.finish(); err != nil {
			t.Fatal(err)
		}
		s, err := OpenSegment(writeFile(t, signed.Bytes()))
		if err != nil {
			if !errors.Is(err, index.ErrCorrupt) {
				t.Fatalf("error %v, want ErrCorrupt", err)
			}
			return
		}
		defer s.Close()
		if _, err := items(s); err != nil && !errors.Is(err, index.ErrCorrupt) {
			t.Fatalf("error %v, want ErrCorrupt", err)
		}
		q := []float32{1, 0, 0, 0}
		if _, err := (flat.Scan{}).Search(context.Background(), nil, []column.Part{{Rows: &s.Rows}}, q, 2); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzPayload(f *testing.F) {
	f.Add(AppendPayload(nil, index.Payload{"a": int64(-5), "b": []string{"x", ""}, "c": 1.5, "d": nil, "e": true, "f": "y"}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Add([]byte{1, 0, kindStrings, 0xff, 0xff, 0x03})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodePayload(b)
		if err != nil {
			// A view looks at less, and so may not see the fault.
			if err := viewFields(b, []string{"a", "c"}, index.Payload{}); err != nil && !errors.Is(err, index.ErrCorrupt) {
				t.Fatalf("error %v, want ErrCorrupt", err)
			}
			if !errors.Is(err, index.ErrCorrupt) {
				t.Fatalf("error %v, want ErrCorrupt", err)
			}
			return
		}
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		again := AppendPayload(nil, p)
		q, err := DecodePayload(again)
		if err != nil || !bytes.Equal(AppendPayload(nil, q), again) {
			t.Fatalf("%x decodes to %v, which encodes to %x and decodes to %v, %v", b, p, again, q, err)
		}
		keys := slices.Sorted(maps.Keys(p))
		for n := range len(keys) + 1 {
			want := index.Payload{"a": nil}
			maps.Copy(want, p)
			maps.DeleteFunc(want, func(key string, _ any) bool { return key != "a" && slices.Contains(keys[n:], key) })
			view := index.Payload{}
			err := viewFields(again, slices.Sorted(maps.Keys(want)), view)
			if diff := cmp.Diff(want, view, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Fatalf("a view of %v, error %v (-want +got):\n%s", keys[:n], err, diff)
			}
		}
	})
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"dim":3,"next":2,"segments":[{"file":1,"rows":2}]}`))
	f.Add([]byte(`{"dim":3,"next":2,"segments":[{"file":1,"rows":-2,"dead":18446744073709551615}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, err := parseManifest(body); err == nil {
			t.Fatal("a manifest without its first line was read")
		}
		m, err := parseManifest(append([]byte(manifestLine(Version, body)), body...))
		if err != nil {
			if !errors.Is(err, index.ErrCorrupt) {
				t.Fatalf("error %v, want ErrCorrupt", err)
			}
			return
		}
		if err := m.validate(); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzTombstones(f *testing.F) {
	var b bytes.Buffer
	if err := WriteTombstones(&b, column.Bits{5}, 64); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes(), 64)
	f.Add(b.Bytes(), 3)
	f.Fuzz(func(t *testing.T, content []byte, rows int) {
		if rows < 1 || rows > maxRows {
			return
		}
		dead, err := parseTombstones(content, rows)
		if err != nil {
			return
		}
		if dead.Count() > rows {
			t.Fatalf("%d of %d rows are dead", dead.Count(), rows)
		}
	})
}

// FuzzRecord decodes bytes of a log: to an error, or to a record that its own encoding
// gives again.
func FuzzRecord(f *testing.F) {
	payload := index.Payload{"n": int64(7), "tags": []string{"a", ""}, "none": nil}
	for _, r := range []Record{
		{Upserted: []index.Item{{ID: 1, Vector: []float32{1, 2}, Payload: payload, Tokens: []byte("abc")}, {ID: 2, Vector: []float32{3, 4}, Tokens: []byte("def")}}},
		{Deleted: []index.ID{5, math.MaxUint64}},
		{Payloads: map[index.ID]index.Payload{3: payload, 4: nil, 5: {}}},
	} {
		f.Add(r.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeRecord(b, 2, 3)
		if err != nil {
			if !errors.Is(err, index.ErrCorrupt) {
				t.Fatalf("error %v, want ErrCorrupt", err)
			}
			return
		}
		again, err := DecodeRecord(r.Append(nil), 2, 3)
		if err != nil {
			t.Fatal(err)
		}
		same := cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })
		same32 := cmp.Comparer(func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) })
		if diff := cmp.Diff(r, again, same, same32, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("decoded again (-first +second):\n%s", diff)
		}
	})
}
