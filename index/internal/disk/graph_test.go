package disk

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
	"engram/index/internal/graph"
)

// writeWithGraph writes a segment of three rows and a graph of them.
func writeWithGraph(t *testing.T) (segment, path string, g *graph.Graph) {
	t.Helper()
	b := NewBuilder(2, 3, 0)
	for i := range 3 {
		if err := b.Add(index.Item{ID: index.ID(i), Vector: []float32{1, float32(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	g, err := graph.Build(t.Context(), &b.Segment().Rows, graph.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g.Levels = []graph.Level{{K: 10, Effort: 16, Unseen: .75, Distant: .5}, {K: 100, Effort: 128, Unseen: 1, Distant: .875}}
	var content, more bytes.Buffer
	refs := []Ref{{b.Segment(), 0}, {b.Segment(), 1}, {b.Segment(), 2}}
	if err := errors.Join(WriteSegment(&content, refs), WriteGraph(&more, g)); err != nil {
		t.Fatal(err)
	}
	segment, path = filepath.Join(t.TempDir(), "a.seg"), filepath.Join(t.TempDir(), "a.graph")
	if err := errors.Join(os.WriteFile(segment, content.Bytes(), 0o600), os.WriteFile(path, more.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	return segment, path, g
}

// openWithGraph opens a segment with its graph and verifies both.
func openWithGraph(t *testing.T, segment, path string, want *graph.Graph) error {
	t.Helper()
	s, err := OpenSegment(segment)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.OpenGraph(path); err != nil {
		if s.Graph() != nil {
			t.Error("a graph that cannot be opened is there")
		}
		return err
	}
	if err := s.Verify(t.Context()); err != nil {
		return err
	}
	if diff := cmp.Diff(want, s.Graph()); diff != "" {
		t.Errorf("graph (-written +read):\n%s", diff)
	}
	return nil
}

func TestAGraphIsReadBack(t *testing.T) {
	segment, path, g := writeWithGraph(t)
	if err := openWithGraph(t, segment, path, g); err != nil {
		t.Fatal(err)
	}
}

// Each byte of the file is under a checksum.
func TestADamagedGraphIsFound(t *testing.T) {
	segment, path, g := writeWithGraph(t)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(t.TempDir(), "b.graph")
	fails := func(bad []byte, what string, at int) {
		t.Helper()
		if err := os.WriteFile(damaged, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := openWithGraph(t, segment, damaged, g); !errors.Is(err, index.ErrCorrupt) {
			t.Fatalf("%s %d: error %v, want ErrCorrupt", what, at, err)
		}
	}
	for at := 0; at < len(content); at += 7 {
		bad := bytes.Clone(content)
		bad[at] ^= 4
		fails(bad, "byte", at)
	}
	for _, size := range []int{0, 63, 4096, len(content) - 1} {
		fails(content[:size], "bytes left", size)
	}
}

func TestTheGraphOfOtherRowsIsRefused(t *testing.T) {
	segment, _, g := writeWithGraph(t)
	for name, other := range map[string]*graph.Graph{
		"two rows":      {Links: g.Links[:2*graph.Degree], Entries: []uint32{0}, First: 1},
		"no entries":    {Links: g.Links},
		"no first one":  {Links: g.Links, Entries: []uint32{0}},
		"two first":     {Links: g.Links, Entries: []uint32{0}, First: 2},
		"a wrong entry": {Links: g.Links, Entries: []uint32{3}, First: 1},
		"a wrong level": {Links: g.Links, Entries: []uint32{0}, First: 1, Levels: []graph.Level{{K: 10, Effort: 5, Unseen: 1.5}}},
	} {
		var content bytes.Buffer
		if err := WriteGraph(&content, other); err != nil {
			if !errors.Is(err, index.ErrCorrupt) {
				t.Errorf("%s: error %v, want ErrCorrupt", name, err)
			}
			continue
		}
		path := filepath.Join(t.TempDir(), "b.graph")
		if err := os.WriteFile(path, content.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := openWithGraph(t, segment, path, other); !errors.Is(err, index.ErrCorrupt) {
			t.Errorf("%s: error %v, want ErrCorrupt", name, err)
		}
	}
}
