package sweep_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"engram/cmd/engram/internal/sweep"
	"engram/data/npy"
)

func TestRunREST(t *testing.T) {
	queries := filepath.Join(t.TempDir(), "queries.npy")
	if err := npy.WriteFile(queries, []int{3, 2}, []float32{1, 0, 0, 1, 1, 1}); err != nil {
		t.Fatal(err)
	}
	asked, answer := 0, `{"took_ms": 0.001, "hits": [{}]}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; r.URL.Path != "/v1/search" || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("it asks %s %s", r.Method, r.URL)
		}
		fmt.Fprint(w, answer)
	}))
	defer server.Close()
	spec := sweep.RESTSpec{Server: server.URL + "/", Queries: queries, Rounds: 2, K: 4}
	report, err := sweep.RunREST(t.Context(), spec, nil)
	if err != nil || asked != 9 || report.Count != 3 || report.P99 < report.P50 || report.Engine != .001 || report.Around <= 0 {
		t.Errorf("after %d requests, wanted 3 to warm up and 6: %+v, error %v", asked, report, err)
	}
	answer = `{"hits": []}`
	if _, err := sweep.RunREST(t.Context(), spec, nil); err == nil || !strings.Contains(err.Error(), "no hits") {
		t.Errorf("an answer without hits: error %v", err)
	}
}
