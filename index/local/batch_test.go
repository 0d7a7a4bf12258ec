package local

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
)

// Of a store with a graph, exact queries are answered together and the others over it.
func TestABatchAnswersAsSearchesDo(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	s := mustCreate(t, t.TempDir(), 12)
	defer mustClose(t, s)
	s.graphRows = 1000
	addRandom(t, s, rng, 0, 2000)
	if err := s.EndBulk(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	checkIndexed(t, s, 2000, 2000)
	batch := make([]index.Query, 60)
	for i := range batch {
		batch[i] = index.Query{Vector: make([]float32, 12), K: 1 + i%7, Exact: i%3 == 0, WithPayload: i%2 == 0}
		for j := range batch[i].Vector {
			batch[i].Vector[j] = float32(rng.NormFloat64())
		}
		if i%5 == 0 {
			batch[i].Filter = index.Equal{Key: "version", Value: int64(i % 2)}
		}
	}
	found, err := s.SearchBatch(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range batch {
		if diff := cmp.Diff(mustSearch(t, s, q), found[i]); diff != "" {
			t.Errorf("query %d, %+v (-search +batch):\n%s", i, q, diff)
		}
	}
}
