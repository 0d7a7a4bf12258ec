package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"

	"engram/data/space"
	"engram/index"
)

// instantStore finds the same hits for every query at once, so that a benchmark measures
// what is around the engine.
type instantStore struct {
	index.Store
	hits []index.Hit
}

func (s instantStore) Info(context.Context) (index.Info, error) {
	return index.Info{Engine: "local", Dim: 768, Count: 200_000, Space: space.Space{Name: "a", Fingerprint: "b"}}, nil
}

func (s instantStore) Search(context.Context, index.Query) ([]index.Hit, error) { return s.hits, nil }

// BenchmarkQueryByVector answers searches by a vector of 768 elements, without a network
// and an engine: what REST costs.
func BenchmarkQueryByVector(b *testing.B) {
	store := instantStore{}
	for i := range index.ID(10) {
		store.hits = append(store.hits, index.Hit{ID: i, Score: .5, Payload: index.Payload{"path": "a/b/c.jpg", "caption": "a dog on a beach"}})
	}
	s := newServer(b, Options{Store: store, IndexName: "a"})
	vector := make([]float32, 768)
	for i := range vector {
		vector[i] = rand.Float32() - .5
	}
	body, err := json.Marshal(map[string]any{"vector": vector, "k": 10})
	if err != nil {
		b.Fatal(err)
	}
	handler := s.Handler()
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/v1/search", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}
