package httpapi

import (
	"fmt"
	"mime"
	"net/http"
	"slices"
	"time"

	"engram/data/space"
	"engram/httpapi/internal/problem"
	"engram/httpapi/internal/query"
	"engram/index"

	"github.com/gin-gonic/gin"
)

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
		return fmt.Errorf("a batch is JSON, not %q: %w", r.Header.Get("Content-Type"), problem.ErrMediaType)
	}
	raw, err := query.ReadAll(query.BodyOf(r))
	if err != nil {
		return err
	}
	queries, err := s.readBatch(raw)
	if err != nil {
		return err
	}
	start := time.Now()
	ctx, leave, err := s.begin(c, s.opts.SearchTimeout)
	if err != nil {
		return err
	}
	defer leave()
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
			Vector: vector, K: q.K + len(q.Items()), Filter: q.Chosen(), WithPayload: true,
			Exact: q.Exact, Recall: q.Recall, Explain: q.Explanation,
		}
	}
	found, err := index.SearchBatch(ctx, s.opts.Store, asked)
	if err != nil {
		return err
	}
	for i, q := range queries {
		answer.Results[i].Search = q.Explained()
		answer.Results[i].Hits = s.viewHits(q, found[i])
	}
	answer.TookMS = milliseconds(time.Since(start))
	writeJSON(c, http.StatusOK, "application/json", answer)
	return nil
}

// readBatch reads the queries of a batch.
func (s *Server) readBatch(raw []byte) ([]query.Query, error) {
	queries, err := query.ReadBatch(raw)
	if err != nil {
		return nil, err
	}
	for i, q := range queries {
		err := q.Check(s.opts.MaxK)
		if err == nil && s.byScan(q) {
			err = fmt.Errorf("a scan that all tokens rank is searched for alone; in a batch by its vector, with first_stage: %w", problem.ErrQuery)
		}
		if err != nil {
			return nil, fmt.Errorf("query %d: %w", i+1, err)
		}
	}
	return queries, nil
}

// viewHits returns the first hits as the answer shows them, without items of the query.
func (s *Server) viewHits(q query.Query, hits []index.Hit) []hitView {
	left := q.Items()
	views := make([]hitView, 0, q.K)
	for _, hit := range hits {
		if !slices.Contains(left, hit.ID) && len(views) < q.K {
			views = append(views, hitView{itemView: s.viewItem(hit.ID, hit.Payload), Score: hit.Score})
		}
	}
	return views
}
