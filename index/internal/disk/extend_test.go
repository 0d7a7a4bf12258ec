package disk

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"engram/index"
	"engram/index/internal/column"
)

// A segment is extended step by step by rows in any order, some of them newer than a dead
// one with the same id; each step finds the rows that are live, and the steps before stay.
func TestExtend(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	s := NewSegment(4, 3)
	live, dead := map[index.ID]int64{}, column.Bits(nil)
	version := int64(0)
	var before []*Segment
	for range 40 {
		var refs []Ref
		for range 1 + rng.IntN(300) {
			id := index.ID(rng.IntN(2000))
			if row, ok := s.Find(id, dead); ok {
				dead.Set(row)
			} else if live[id] > 0 {
				continue // it is among the ones that come now
			}
			version++
			live[id] = version
			b := NewBuilder(4, 1, 3)
			err := b.Add(index.Item{ID: id, Vector: []float32{1, float32(version), 0, 0}, Payload: index.Payload{"version": version}, Tokens: fmt.Appendf(nil, "%03d", version%1000)})
			if err != nil {
				t.Fatal(err)
			}
			refs = append(refs, Ref{b.Segment(), 0})
		}
		extended, err := s.Extend(refs)
		if err != nil {
			t.Fatal(err)
		}
		before = append(before, s)
		s, dead = extended, dead.Clone(len(extended.IDs))
		s.CheckLayout()
	}
	for id := range index.ID(2000) {
		row, ok := s.Find(id, dead)
		if ok != (live[id] > 0) {
			t.Fatalf("id %d is found: %v", id, ok)
		}
		if !ok {
			continue
		}
		item, err := s.Item(row)
		if err != nil {
			t.Fatal(err)
		}
		tokens, err := s.Tokens(row)
		if err != nil || item.ID != id || item.Payload["version"] != live[id] || string(tokens) != fmt.Sprintf("%03d", live[id]%1000) {
			t.Fatalf("row %d is %v with tokens %s, error %v; wanted id %d of version %d", row, item, tokens, err, id, live[id])
		}
	}
	for i := 1; i < len(s.IDs); i++ {
		if a, b := s.IDs[s.Nth(i-1)], s.IDs[s.Nth(i)]; a > b || s.From(b) > i {
			t.Fatalf("row %d in order has id %d, the one before %d, and %d rows have lower ids", i, b, a, s.From(b))
		}
	}
	for _, old := range before {
		if row, ok := old.Find(s.IDs[0], nil); len(old.IDs) > 0 && (!ok || row != 0 && old.IDs[row] != s.IDs[0]) {
			t.Errorf("of %d rows, id %d is row %d", len(old.IDs), s.IDs[0], row)
		}
	}
}
