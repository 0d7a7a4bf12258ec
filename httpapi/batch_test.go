package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"engram/httpapi/internal/query"

	"github.com/google/go-cmp/cmp"
)

// The hits of a batch are the hits of its queries alone.
func TestABatchAnswersAsItsQueries(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	queries := []string{
		`{"vector":[1,0,0],"k":2}`, `{"item":"1","k":1}`, `{"trial":"t2","k":1,"first_stage":true}`,
		`{"parts":[{"item":"1"},{"vector":[0,1,0],"weight":2}]}`, `{"vector":[0,0,1],"exact":true,"explain":true}`,
	}
	var batch struct {
		Model   json.RawMessage
		Results []map[string]any
	}
	status, body := postJSON(t, s, "/v1/search/batch", `{"queries":[`+strings.Join(queries, ",")+`]}`)
	if err := json.Unmarshal(body, &batch); status != http.StatusOK || err != nil || len(batch.Results) != len(queries) {
		t.Fatalf("status %d, %s, error %v", status, body, err)
	}
	for i, q := range queries {
		var alone map[string]any
		status, body := postJSON(t, s, "/v1/search", q)
		if err := json.Unmarshal(body, &alone); status != http.StatusOK || err != nil {
			t.Fatalf("%s: status %d, error %v", q, status, err)
		}
		delete(alone, "took_ms")
		delete(alone, "model")
		delete(alone, "next") // a batch has no pages
		delete(alone, "times")
		if diff := cmp.Diff(alone, batch.Results[i]); diff != "" {
			t.Errorf("%s (-alone +batch):\n%s", q, diff)
		}
	}
}

// Queries of a batch are prepared several at once, none behind one that fails, and the error
// is that of the first. A panic is the caller's.
func TestQueriesOfABatchArePreparedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queries := make([]query.Query, 2*queriesAtOnce+1)
		var begun atomic.Int64
		began := time.Now()
		if err := each(queries, func(int, query.Query) error { time.Sleep(time.Second); return nil }); err != nil || time.Since(began) != 3*time.Second {
			t.Errorf("%d queries of a second took %v, error %v", len(queries), time.Since(began), err)
		}
		err := each(queries, func(i int, _ query.Query) error {
			begun.Add(1)
			time.Sleep(time.Second)
			if i == 2 {
				time.Sleep(time.Second) // behind the fifth, which fails too
			}
			if i == 2 || i == 4 {
				return fmt.Errorf("%d fails", i)
			}
			return nil
		})
		if err == nil || err.Error() != "query 3: 2 fails" || begun.Load() > queriesAtOnce+5 {
			t.Errorf("error %v, %d queries were begun", err, begun.Load())
		}
		defer func() {
			if cause, _ := recover().(string); !strings.HasPrefix(cause, "lost\n") {
				t.Errorf("panic %q", cause)
			}
		}()
		_ = each(queries, func(int, query.Query) error { panic("lost") })
		t.Error("no panic")
	})
}

func TestBatchesThatAreRefused(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	many := strings.Repeat(`{"vector":[1,0,0]},`, 513)
	for body, want := range map[string]string{
		`{"queries":[]}`: "0 queries", `{}`: "0 queries", `{"query":[]}`: "query",
		`{"queries":[{"vector":[1,0,0]},{"vector":[1,0]}]}`: "query 2",
		`{"queries":[{"vector":[1,0,0],"k":0}]}`:            "query 1: k is 0",
		`{"queries":[{"vector":[1,0,0],"fold":true}]}`:      "query 1",
		`{"queries":{}}`:                           "wanted an array of queries",
		`{"queries":[{}]}`:                         "query 1",
		`{"queries":[` + many[:len(many)-1] + `]}`: "513 queries",
	} {
		if status, answer := postJSON(t, s, "/v1/search/batch", body); status/100 != 4 || !strings.Contains(string(answer), want) {
			t.Errorf("%.60s: status %d, %s, wanted %q", body, status, answer, want)
		}
	}
}

// An answer says how it was found where that is asked for, and not else.
func TestSearchesAreExplained(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	for body, want := range map[string]bool{
		`{"vector":[1,0,0],"explain":true}`: true, `{"vector":[1,0,0],"explain":false}`: false, `{"vector":[1,0,0]}`: false,
	} {
		status, answer := postJSON(t, s, "/v1/search", body)
		if got := strings.Contains(string(answer), `"search":{"path":"scan"`); status != http.StatusOK || got != want {
			t.Errorf("%s: status %d, %s", body, status, answer)
		}
	}
	if status, answer := postJSON(t, s, "/v1/search?explain=true", `{"vector":[1,0,0]}`); status != http.StatusOK || !strings.Contains(string(answer), `"path":"scan"`) {
		t.Errorf("in the address: status %d, %s", status, answer)
	}
}

// postJSON posts JSON, and returns the answer.
func postJSON(t *testing.T, s *Server, address, body string) (status int, answer []byte) {
	t.Helper()
	w := post(t, s, address, "application/json", []byte(body))
	return w.Code, w.Body.Bytes()
}
