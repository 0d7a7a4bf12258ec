package sweep

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"engram/data/progress"
)

// RESTSpec says how a server is asked. Of what Spec says, Queries and Rounds count.
type RESTSpec struct {
	Server  string // such as http://localhost:8080
	Queries string // .npy file of vectors, [Q, D]
	Rounds  int
	K       int
}

// RESTReport is the latencies of searches by vector, one after the other over one
// connection, in milliseconds.
type RESTReport struct {
	Server  string  `json:"server"`
	Count   int     `json:"count"`
	Rounds  int     `json:"rounds"`
	K       int     `json:"k"`
	P50     float64 `json:"p50_ms"`
	P99     float64 `json:"p99_ms"`
	Engine  float64 `json:"engine_p50_ms"` // as the answers say: took_ms
	Around  float64 `json:"around_p50_ms"` // all but the engine's
	Seconds float64 `json:"seconds"`
}

// searchAnswer is what is read of an answer.
type searchAnswer struct {
	TookMS float64           `json:"took_ms"`
	Hits   []json.RawMessage `json:"hits"`
}

// RunREST asks a server. Stage: "asking", in rounds; the first one warms up.
func RunREST(ctx context.Context, spec RESTSpec, watch progress.Func) (*RESTReport, error) {
	if spec.Rounds < 1 || spec.K < 1 {
		return nil, fmt.Errorf("bench: %d rounds for %d hits, wanted 1 or more", spec.Rounds, spec.K)
	}
	f, err := openFile(spec.Queries)
	if err != nil {
		return nil, fmt.Errorf("bench: the queries: %w", err)
	}
	vectors, err := f.read(ctx, 0, f.count())
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	bodies := make([][]byte, len(vectors))
	for i, v := range vectors {
		if bodies[i], err = json.Marshal(map[string]any{"vector": v, "k": spec.K}); err != nil {
			return nil, err
		}
	}
	r := &RESTReport{Server: spec.Server, Count: len(bodies), Rounds: spec.Rounds, K: spec.K}
	url := strings.TrimSuffix(spec.Server, "/") + "/v1/search"
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1, DisableCompression: true}}
	defer client.CloseIdleConnections()
	var all, engine, around []time.Duration
	done := watch.Stage("asking", "rounds", int64(spec.Rounds+1))
	start := time.Now()
	for round := range spec.Rounds + 1 {
		if round == 1 {
			start = time.Now()
		}
		for _, body := range bodies {
			began := time.Now()
			took, err := ask(ctx, client, url, body)
			if err != nil {
				return nil, fmt.Errorf("bench: %w", err)
			}
			if spent := time.Since(began); round > 0 {
				all, engine, around = append(all, spent), append(engine, took), append(around, spent-took)
			}
		}
		done(int64(round+1), int64(spec.Rounds+1))
	}
	r.Seconds = time.Since(start).Seconds()
	r.P50, r.P99 = quantiles(all)
	r.Engine, _ = quantiles(engine)
	r.Around, _ = quantiles(around)
	return r, nil
}

// ask searches once, and returns how long the server says that it took.
func ask(ctx context.Context, client *http.Client, url string, body []byte) (time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	var answer searchAnswer
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s answers %s: %.200s", url, response.Status, text)
	}
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Hits) == 0 {
		return 0, fmt.Errorf("%s answers no hits: %.200s", url, text)
	}
	return time.Duration(answer.TookMS * float64(time.Millisecond)), nil
}

// Print writes the report as a table for people.
func (r *RESTReport) Print(w io.Writer) error {
	fmt.Fprintf(w, "server   %s, %d queries for %d hits, %d rounds over one connection\n\n", r.Server, r.Count, r.K, r.Rounds)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "p50 ms\tp99 ms\tengine p50 ms\taround it p50 ms\tqueries/s")
	fmt.Fprintf(table, "%.3f\t%.3f\t%.3f\t%.3f\t%.0f\n", r.P50, r.P99, r.Engine, r.Around, float64(r.Count*r.Rounds)/r.Seconds)
	return table.Flush()
}

// WriteFile writes the report as JSON.
func (r *RESTReport) WriteFile(path string) error { return writeJSON(path, r) }
