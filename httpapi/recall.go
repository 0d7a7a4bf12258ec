package httpapi

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"time"

	"engram/embed/eval"
	"engram/httpapi/internal/problem"
	"engram/httpapi/internal/query"
	"engram/index"
	"engram/index/verify"

	"github.com/gin-gonic/gin"
)

// recallView says how much searches find.
type recallView struct {
	Items  int           `json:"items"`
	Exact  int           `json:"exact"` // items that are in no graph, and are all compared
	Graphs []index.Graph `json:"graphs"`
}

// getRecall answers GET /v1/collections/{collection}/recall.
func (s *Server) getRecall(c *gin.Context) error {
	info, err := s.opts.Store.Info(c.Request.Context())
	if err != nil {
		return err
	}
	view := recallView{Items: info.Count, Graphs: []index.Graph{}}
	if store, ok := s.opts.Store.(index.Optimiser); ok {
		graphs, err := store.Graphs(c.Request.Context())
		if err != nil {
			return err
		}
		view.Graphs = append(view.Graphs, graphs...)
	}
	view.Exact = view.Items
	for _, graph := range view.Graphs {
		view.Exact -= graph.Items
	}
	view.Exact = max(0, view.Exact) // an item may have been deleted in between
	writeJSON(c, http.StatusOK, "application/json", view)
	return nil
}

// measuredView says how much searches found that were compared with exact ones.
type measuredView struct {
	Queries int     `json:"queries"`
	K       int     `json:"k"`
	Recall  float64 `json:"recall"` // mean over the queries
	Low     float64 `json:"low"`    // of its 95 % interval
	High    float64 `json:"high"`
	// SearchMS has the medians of the times of a search.
	SearchMS struct {
		Usual float64 `json:"usual"`
		Exact float64 `json:"exact"`
	} `json:"search_ms"`
}

// measureRecall answers POST /v1/collections/{collection}/recall.
func (s *Server) measureRecall(c *gin.Context) error {
	raw, err := query.ReadAll(query.BodyOf(c.Request))
	if err != nil {
		return err
	}
	if mediaType, _, err := mime.ParseMediaType(c.GetHeader("Content-Type")); len(raw) > 0 && (err != nil || mediaType != "application/json") {
		return fmt.Errorf("what is to be measured is JSON, not %q: %w", c.GetHeader("Content-Type"), problem.ErrMediaType)
	}
	asked, err := query.ReadRecall(raw, s.opts.MaxK)
	if err != nil {
		return err
	}
	ctx, leave, err := s.begin(c, s.opts.SearchTimeout)
	if err != nil {
		return err
	}
	defer leave()
	_, end := s.stage(ctx, "engine")
	found, err := verify.MeasureRecall(ctx, s.opts.Store, verify.RecallOptions(asked))
	end()
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%d searches, each compared with an exact one, take longer than the %v of a request here; ask for fewer queries: %w",
			asked.Queries, s.opts.SearchTimeout, problem.ErrLong)
	}
	if err != nil {
		return err
	}
	view := measuredView{Queries: len(found.Shares), K: found.K}
	view.Recall, view.Low, view.High = meanShare(found.Shares, asked.Seed)
	view.SearchMS.Usual, view.SearchMS.Exact = milliseconds(median(found.Usual)), milliseconds(median(found.Exact))
	writeJSON(c, http.StatusOK, "application/json", view)
	return nil
}

// meanShare returns the mean of the shares of queries with its 95 % interval. That is
// the bootstrap's over queries. Where all shares are the same, which leaves the bootstrap
// nothing to draw, it is Wilson's for as many trials as queries.
func meanShare(shares []float64, seed uint64) (mean, low, high float64) {
	if slices.Min(shares) == slices.Max(shares) {
		w := eval.Wilson(shares[0], len(shares))
		return w.Share, min(w.Low, w.Share), max(w.High, w.Share) // rounding aside
	}
	b := eval.Bootstrap(shares, seed)
	return b.Mean, b.Low, b.High
}

// median returns the middle one of some times, of two the later one.
func median(times []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(times))[len(times)/2]
}
