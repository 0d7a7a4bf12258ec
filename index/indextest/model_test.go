package indextest

import (
	"testing"

	"engram/index"
)

// A store that finds half of the nearest items must not pass for one that finds
// them all.
func TestExactHitsCountsWhatIsMissing(t *testing.T) {
	m := model{}
	for id := range index.ID(4) {
		m.upsert([]index.Item{{ID: id, Vector: []float32{1, float32(id)}}})
	}
	m.upsert([]index.Item{{ID: 9, Vector: []float32{2, 0}}}) // as near as item 0
	q := index.Query{Vector: axis(2, 0), K: 2}
	for _, test := range []struct {
		hits []index.ID
		want int
	}{{[]index.ID{0, 9}, 2}, {[]index.ID{9, 1}, 1}, {[]index.ID{2, 3}, 0}, {[]index.ID{0, 77}, 1}, {nil, 0}} {
		var hits []index.Hit
		for _, id := range test.hits {
			hits = append(hits, index.Hit{ID: id})
		}
		if got := m.exactHits(q, hits); got != test.want {
			t.Errorf("hits %v: %d exact ones, want %d", test.hits, got, test.want)
		}
	}
}
