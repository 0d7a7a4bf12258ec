package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"engram/index"
)

// A decoder that ranks by all of a prediction answers for scans and trials alone, and
// its options reach it.
func TestScansAreRankedByAllOfThePrediction(t *testing.T) {
	var asked ScanQuery
	opts := fakeOptions(t)
	opts.Decoder.Rank = func(_ context.Context, q ScanQuery) (*ScanRanking, error) {
		asked = q
		confidence := .83
		return &ScanRanking{
			Hits:   []index.Hit{{ID: 2, Score: 41.5}},
			Stages: Stages{Metric: "likelihood", Candidates: 40, Missing: 1, Confidence: &confidence, Rank: 1500 * time.Microsecond},
		}, nil
	}
	server := newServer(t, opts)
	scan := `"voxels": [[1, 0, 0, 0, 0], [1, 0, 0, 0, 0]]`
	body := ask(t, server, `{`+scan+`, "k": 3, "candidates": 40, "exact": true}`).Body.String()
	if asked.K != 3 || asked.Candidates != 40 || !asked.Exact || len(asked.Repeats) != 2 {
		t.Errorf("the decoder was asked %+v", asked)
	}
	for _, want := range []string{`"score":41.5`, `"metric":"likelihood"`, `"candidates":40`, `"missing":1`, `"confidence":0.83`, `"rank_ms":1.5`, `"repeats":2`} {
		if !strings.Contains(body, want) {
			t.Errorf("the answer %s has no %s", body, want)
		}
	}
	for _, other := range []string{
		`{` + scan + `, "first_stage": true}`, `{"vector": [1, 0, 0]}`, `{"parts": [{` + scan + `}, {"vector": [1, 0, 0]}]}`,
	} {
		asked = ScanQuery{}
		if body := ask(t, server, other).Body.String(); asked.K != 0 || strings.Contains(body, "stages") {
			t.Errorf("%s: the decoder was asked %+v, the answer is %s", other, asked, body)
		}
	}
}

func TestCandidatesAreBounded(t *testing.T) {
	server := newServer(t, fakeOptions(t))
	for _, bad := range []string{`-1`, `10001`, `1.5`, `"7"`} {
		w := ask(t, server, `{"voxels": [1, 0, 0, 0, 0], "candidates": `+bad+`}`)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "candidates") {
			t.Errorf("candidates %s: status %d, %s", bad, w.Code, w.Body)
		}
	}
}
