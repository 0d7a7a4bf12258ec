package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/data/scenes"
	"engram/embed/eval"
)

// Captions find their scenes through the served route, and short queries find what
// they ask for: the demo's CLIP on scenes of the test split, three worlds of 300.
// The log has the figures with their intervals; README.md quotes them.
func TestWordsFindScenesOverREST(t *testing.T) {
	t.Parallel()
	const worlds, n, k = 3, 300, 10
	recall := map[int]int{1: 0, 5: 0, 10: 0}
	queries, first := 0, 0
	for seed := range uint64(worlds) {
		dir, drawn := drawTestScenes(t, 100+seed, n)
		c := newCLI(t)
		index := filepath.Join(t.TempDir(), "index")
		c.must("index", "build", dir, "--model", app.ScenesCLIP, "--out", index)
		s := c.serve("--index", index)
		for i := range drawn {
			caption := drawn[i].Captions()[i%3]
			for rank, found := range s.words(t, caption, k) {
				if drawn[found].Meaning() != drawn[i].Meaning() {
					continue
				}
				for at := range recall {
					if rank < at {
						recall[at]++
					}
				}
				break
			}
			if q := drawn[i].Query(0); fitting(q, drawn) > 1 {
				queries++
				if q.Fits(&drawn[s.words(t, q.String(), 1)[0]]) {
					first++
				}
			}
		}
	}
	share := func(hits, of int) eval.Share { return eval.Wilson(float64(hits)/float64(of), of) }
	for _, at := range []int{1, 5, 10} {
		t.Logf("caption to scene, recall@%d of %d: %s", at, n, share(recall[at], worlds*n))
	}
	t.Logf("short query, the nearest of %d fits: %s of %d queries", n, share(first, queries), queries)
	if recall[1] < worlds*n*85/100 || recall[10] < worlds*n*98/100 || first < queries*45/100 {
		t.Error("wanted recall@1 of 85 %, recall@10 of 98 % and 45 % of the short queries")
	}
}

// fitting returns how many scenes a query asks for.
func fitting(q scenes.Query, all []scenes.Scene) (n int) {
	for i := range all {
		if q.Fits(&all[i]) {
			n++
		}
	}
	return n
}

// words searches for a text and returns the numbers of the scenes found, from 0.
func (s *served) words(t *testing.T, text string, k int) (found []int) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"text": text, "k": k})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/search", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer searchAnswer
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%q: status %d, %v %s", text, response.StatusCode, err, answer.Detail)
	}
	for _, hit := range answer.Hits {
		var number int
		if _, err := fmt.Sscanf(filepath.Base(hit.Payload["path"].(string)), "%d.png", &number); err != nil {
			t.Fatal(err)
		}
		found = append(found, number-1)
	}
	return found
}
