package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"mime"
	"net/http"
	"slices"
	"time"

	"engram/data/space"
	"engram/index"

	"github.com/gin-gonic/gin"
)

// maxQueries bounds the queries of a batch: as many as an index answers in one pass over
// its vectors.
const maxQueries = 512

// batchObject is the body of a batch.
type batchObject struct {
	Queries []json.RawMessage `json:"queries"`
}

// batchView is the answer to a batch.
type batchView struct {
	TookMS  float64      `json:"took_ms"`
	Model   space.Space  `json:"model"` // of the index
	Results []resultView `json:"results"`
	Damage  string       `json:"damage,omitempty"` // see searchView
}

// resultView is the answer to one query of a batch.
type resultView struct {
	Query  queryView          `json:"query"`
	Search *index.Explanation `json:"search,omitempty"`
	Hits   []hitView          `json:"hits"`
}

// searchBatch answers POST /v1/search/batch.
func (s *Server) searchBatch(c *gin.Context) error {
	r := c.Request
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return fmt.Errorf("a batch is JSON, not %q: %w", r.Header.Get("Content-Type"), errMediaType)
	}
	raw, err := readAll(bodyOf(r))
	if err != nil {
		return err
	}
	queries, err := s.readBatch(raw)
	if err != nil {
		return err
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(r.Context(), s.opts.SearchTimeout)
	defer cancel()
	info, err := s.opts.Store.Info(ctx)
	if err != nil {
		return err
	}
	answer := batchView{Model: info.Space, Damage: info.Damage, Results: make([]resultView, len(queries))}
	asked := make([]index.Query, len(queries))
	for i, q := range queries {
		vector, view, err := s.vectorOf(ctx, q, info)
		if err != nil {
			return fmt.Errorf("query %d: %w", i+1, err)
		}
		answer.Results[i].Query = view
		asked[i] = index.Query{
			Vector: vector, K: q.k + len(q.items()), Filter: q.chosen(), WithPayload: true,
			Exact: q.exact, Recall: q.recall, Explain: q.explanation,
		}
	}
	found, err := index.SearchBatch(ctx, s.opts.Store, asked)
	if err != nil {
		return err
	}
	for i, q := range queries {
		answer.Results[i].Search = q.explained()
		answer.Results[i].Hits = s.viewHits(q, found[i])
	}
	answer.TookMS = math.Round(float64(time.Since(start).Microseconds())) / 1000
	writeJSON(c, http.StatusOK, "application/json", answer)
	return nil
}

// readBatch reads the queries of a batch.
func (s *Server) readBatch(raw []byte) ([]query, error) {
	var object batchObject
	if err := decodeObject(raw, &object, new(partObject), []string{"queries"}); err != nil {
		return nil, err
	}
	if n := len(object.Queries); n < 1 || n > maxQueries {
		return nil, fmt.Errorf("the batch has %d queries, wanted 1 to %d: %w", n, maxQueries, errQuery)
	}
	queries := make([]query, len(object.Queries))
	for i, raw := range object.Queries {
		q := query{k: defaultK}
		err := q.fromJSON(raw)
		switch {
		case err != nil:
		case q.k < 1 || q.k > s.opts.MaxK:
			err = fmt.Errorf("k is %d, wanted 1 to %d: %w", q.k, s.opts.MaxK, errQuery)
		case q.wanted != wanted{}:
			err = fmt.Errorf("a query of a batch has no least score, folding, diversity, groups or pages: %w", errQuery)
		case s.byScan(q):
			err = fmt.Errorf("a scan that all tokens rank is searched for alone; in a batch by its vector, with first_stage: %w", errQuery)
		}
		if err != nil {
			return nil, fmt.Errorf("query %d: %w", i+1, err)
		}
		queries[i] = q
	}
	return queries, nil
}

// viewHits returns the first hits as the answer shows them, without items of the query.
func (s *Server) viewHits(q query, hits []index.Hit) []hitView {
	left := q.items()
	views := make([]hitView, 0, q.k)
	for _, hit := range hits {
		if !slices.Contains(left, hit.ID) && len(views) < q.k {
			views = append(views, hitView{itemView: s.viewItem(hit.ID, hit.Payload), Score: hit.Score})
		}
	}
	return views
}
