package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"engram/data/space"
	"engram/httpapi/internal/query"
	"engram/index"
	"engram/index/results"

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
	Stages *stagesView        `json:"stages,omitempty"` // see searchView
	Search *index.Explanation `json:"search,omitempty"`
	Hits   []hitView          `json:"hits"`
}

// searchBatch answers POST /v1/search/batch.
func (s *Server) searchBatch(c *gin.Context) error {
	raw, err := readJSON(c)
	if err != nil {
		return err
	}
	queries, err := s.readBatch(raw)
	if err != nil {
		return err
	}
	start := time.Now()
	for _, q := range queries {
		if err := s.await(c, q.Parts...); err != nil {
			return err
		}
	}
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
	if err := s.answerBatch(ctx, queries, info, answer.Results); err != nil {
		return err
	}
	answer.TookMS = milliseconds(time.Since(start))
	writeJSON(c, http.StatusOK, "application/json", answer)
	return nil
}

// answerBatch answers the queries of a batch. All that are searched for by a vector are
// searched for together; scans share runs of the decoder, and words and pictures reach their
// models together.
func (s *Server) answerBatch(ctx context.Context, queries []query.Query, info index.Info, answers []resultView) error {
	scans, err := s.predictBatch(ctx, queries, info)
	if err != nil {
		return err
	}
	vectors := make([][]float32, len(queries))
	err = each(queries, func(i int, q query.Query) (err error) {
		if s.byScan(q) {
			answers[i], err = s.answerScan(ctx, q, scans[i])
		} else {
			vectors[i], answers[i].Query, err = s.vectorOf(ctx, q, info)
		}
		return err
	})
	if err != nil {
		return err
	}
	var asked []index.Query
	var of []int // the queries of asked
	for i, q := range queries {
		if s.byScan(q) {
			continue
		}
		of = append(of, i)
		asked = append(asked, index.Query{
			Vector: vectors[i], K: q.K + len(q.Items()), Filter: q.Chosen(), WithPayload: true,
			Exact: q.Exact, Recall: q.Recall, Explain: q.Explanation,
		})
	}
	if len(asked) == 0 {
		return nil
	}
	found, err := index.SearchBatch(ctx, s.opts.Store, asked)
	if err != nil {
		return err
	}
	for n, i := range of {
		answers[i].Search = queries[i].Explained()
		answers[i].Hits = s.viewHits(queries[i], found[n])
	}
	return nil
}

// predictBatch predicts from the scans of a batch together, and returns them in the places of
// their queries. Where that fails, it returns them without predictions: each is then predicted
// from alone, so that the error names its query.
func (s *Server) predictBatch(ctx context.Context, queries []query.Query, info index.Info) ([]predictedScan, error) {
	read := make([]predictedScan, len(queries))
	var scans [][][]float32
	var of []int // the queries of scans
	for i, q := range queries {
		if !s.byScan(q) {
			continue
		}
		var err error
		if read[i], err = s.scan(q, info); err != nil {
			return nil, fmt.Errorf("query %d: %w", i+1, err)
		}
		scans, of = append(scans, read[i].repeats), append(of, i)
	}
	if len(scans) < 2 {
		return read, nil
	}
	rankers, err := s.opts.Decoder.Predict(ctx, scans)
	if err != nil {
		return read, ctx.Err()
	}
	for n, i := range of {
		read[i].rank = rankers[n]
	}
	return read, nil
}

// queriesAtOnce is how many queries of a batch are prepared at once: enough that words
// share a run of their model, and few against Limits.MaxRunning.
const queriesAtOnce = 8

// each prepares queries, some at once. It returns the error of the first that fails, behind
// which none is begun.
func each(queries []query.Query, prepare func(i int, q query.Query) error) error {
	turns := make(chan struct{}, queriesAtOnce)
	faults := make([]error, len(queries))
	var panicked atomic.Value
	var failed atomic.Bool
	var group sync.WaitGroup
	for i, q := range queries {
		turns <- struct{}{}
		if failed.Load() {
			break
		}
		group.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					panicked.CompareAndSwap(nil, fmt.Sprintf("%v\n%s", p, debug.Stack()))
					failed.Store(true)
				}
				<-turns
			}()
			if faults[i] = prepare(i, q); faults[i] != nil {
				failed.Store(true)
			}
		})
	}
	group.Wait()
	if p := panicked.Load(); p != nil {
		panic(p) // as it would have without goroutines, so that it costs this request alone
	}
	for i, err := range faults {
		if err != nil {
			return fmt.Errorf("query %d: %w", i+1, err)
		}
	}
	return nil
}

// answerScan answers a query whose items all of a prediction ranks.
func (s *Server) answerScan(ctx context.Context, q query.Query, p predictedScan) (resultView, error) {
	ranking, stages, err := s.rankScan(ctx, q, p)
	if err != nil {
		return resultView{}, err
	}
	found, err := results.Search(ctx, ranking, results.Options{K: q.K})
	if err != nil {
		return resultView{}, err
	}
	answer := resultView{Query: p.view, Stages: stages, Search: q.Explained(), Hits: make([]hitView, len(found.Hits))}
	for i, hit := range found.Hits {
		answer.Hits[i] = s.viewHit(hit)
	}
	return answer, nil
}

// readBatch reads the queries of a batch.
func (s *Server) readBatch(raw []byte) ([]query.Query, error) {
	queries, err := query.ReadBatch(raw)
	if err != nil {
		return nil, err
	}
	for i, q := range queries {
		if err := q.Check(s.opts.MaxK); err != nil {
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
