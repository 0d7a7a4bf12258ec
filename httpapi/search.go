package httpapi

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"engram/data/space"
	"engram/embed"
	"engram/httpapi/internal/problem"
	"engram/httpapi/internal/query"
	"engram/index"
	"engram/index/results"

	"github.com/gin-gonic/gin"
)

// hitView is one result. Ids travel as decimal strings, because they are
// 64-bit and a browser's numbers end at 2^53.
type hitView struct {
	itemView
	Score float32 `json:"score"`
	// Folded are near-duplicates that the hit stands for.
	Folded []string   `json:"folded,omitempty"`
	Group  *groupView `json:"group,omitempty"`
}

// queryView repeats the query in the answer.
type queryView struct {
	Kind  string     `json:"kind"`
	Text  string     `json:"text,omitempty"`
	Cut   bool       `json:"cut,omitempty"` // the text was longer than the model reads
	Item  *itemView  `json:"item,omitempty"`
	Trial *trialView `json:"trial,omitempty"`
	// Of a scan or a trial: how many repeats of how many voxels were given.
	Repeats int `json:"repeats,omitempty"`
	Voxels  int `json:"voxels,omitempty"`

	Weight float64     `json:"weight,omitempty"` // of a part of a list
	Parts  []queryView `json:"parts,omitempty"`  // of a query of kind parts
}

type searchView struct {
	Query  queryView   `json:"query"`
	TookMS float64     `json:"took_ms"`
	Times  *timesView  `json:"times,omitempty"` // where they were asked for
	Model  space.Space `json:"model"`           // of the index
	// Stages says how a scan's hits were ranked; missing where scores are cosines.
	Stages *stagesView `json:"stages,omitempty"`
	// Search says how the index found the hits, where it was asked for.
	Search *index.Explanation `json:"search,omitempty"`
	Hits   []hitView          `json:"hits"`
	// Next is the after of the next page; missing where there is none.
	Next string `json:"next,omitempty"`
	// Bounded says that a bound kept the search from filling the page or its groups.
	Bounded bool   `json:"bounded,omitempty"`
	Damage  string `json:"damage,omitempty"` // of the index, whose items may be missing
}

// timesView is the time of each stage of a search.
type timesView struct {
	ReadMS   float64 `json:"read_ms"`
	WaitMS   float64 `json:"wait_ms"`
	QueryMS  float64 `json:"query_ms"`
	SearchMS float64 `json:"search_ms"`
}

// milliseconds returns a time as answers have it, to the microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// search answers POST /v1/search.
func (s *Server) search(c *gin.Context) error {
	q, wanted, times, err := s.readSearch(c)
	if err != nil {
		return err
	}
	start := time.Now()
	if err := s.await(c, q.Parts...); err != nil {
		return err
	}
	ctx, leave, err := s.begin(c, s.opts.SearchTimeout)
	if err != nil {
		return err
	}
	defer leave()
	times.WaitMS = milliseconds(time.Since(start))
	info, err := s.opts.Store.Info(ctx)
	if err != nil {
		return err
	}
	inner, end := s.stage(ctx, "query")
	ranking, view, stages, err := s.rank(inner, q, info)
	times.QueryMS = milliseconds(end())
	if err != nil {
		return err
	}
	ranking.Index, ranking.Asked = s.opts.IndexName, q.Asked()
	inner, end = s.stage(ctx, "engine")
	found, err := results.Search(inner, ranking, wanted)
	times.SearchMS = milliseconds(end())
	if err != nil {
		return err
	}
	if stages != nil && !found.Begins(ranking) {
		stages.Confidence = nil
	}
	answer := searchView{
		Query:   view,
		TookMS:  milliseconds(time.Since(start)),
		Model:   info.Space,
		Stages:  stages,
		Search:  q.Explained(),
		Hits:    make([]hitView, len(found.Hits)),
		Next:    found.Next,
		Bounded: found.Bounded,
		Damage:  info.Damage,
	}
	for i, hit := range found.Hits {
		answer.Hits[i] = s.viewHit(hit)
	}
	if q.Explanation != nil {
		answer.Times = &times
	}
	writeJSON(c, http.StatusOK, "application/json", answer)
	return nil
}

// readSearch reads a search from its request.
func (s *Server) readSearch(c *gin.Context) (q query.Query, wanted results.Options, times timesView, err error) {
	r := c.Request
	_, end := s.stage(r.Context(), "read")
	q, err = query.Read(r.Header.Get("Content-Type"), r.URL.Query(), query.BodyOf(r))
	times.ReadMS = milliseconds(end())
	if err == nil {
		err = q.Check(s.opts.MaxK)
	}
	if err == nil {
		wanted, err = q.Results()
	}
	return q, wanted, times, err
}

// rank returns the order of the items for a query, and what is said of it in the answer.
func (s *Server) rank(ctx context.Context, q query.Query, info index.Info) (results.Ranking, queryView, *stagesView, error) {
	if s.byScan(q) {
		return s.rankByScan(ctx, q, info)
	}
	vector, view, err := s.vectorOf(ctx, q, info)
	r := results.Ranking{Store: s.opts.Store, Query: index.Query{Vector: vector, Filter: q.Chosen(), Exact: q.Exact, Recall: q.Recall, Explain: q.Explanation}}
	return r, view, nil, err
}

// vectorOf turns a query into a vector of the index's space (see embed.Combine), and
// into what is said of it in the answer.
func (s *Server) vectorOf(ctx context.Context, q query.Query, info index.Info) ([]float32, queryView, error) {
	sum := make([]embed.Weighted, len(q.Parts))
	views := make([]queryView, len(q.Parts))
	for i, p := range q.Parts {
		views[i].Kind = p.Kind
		vector, err := s.partVector(ctx, p, info, &views[i])
		if err != nil && !q.Plain() {
			err = fmt.Errorf("part %d: %w", i+1, err)
		}
		if err != nil {
			return nil, queryView{}, err
		}
		sum[i] = embed.Weighted{Vector: vector, Weight: p.Weight}
		views[i].Weight = p.Weight
	}
	vector, err := embed.Combine(sum)
	if q.Plain() {
		views[0].Weight = 0 // there is nothing to compare it with
		return vector, views[0], err
	}
	return vector, queryView{Kind: query.KindParts, Parts: views}, err
}

// partVector turns a part of a query into a vector of the index's space. It adds the
// text, the item, the trial or the scan to view.
func (s *Server) partVector(ctx context.Context, p query.Part, info index.Info, view *queryView) ([]float32, error) {
	switch p.Kind {
	case query.KindVector:
		return p.Vector, checkVector(p.Vector, info.Dim)
	case query.KindItem:
		item, err := s.findItem(ctx, p.Item)
		if err != nil {
			return nil, err
		}
		found := s.viewItem(item.ID, item.Payload)
		view.Item = &found
		return item.Vector, nil
	case query.KindText:
		return s.encodeText(ctx, p.Text, info, view)
	case query.KindImage:
		return s.encode(ctx, p.Image, info)
	case query.KindScan, query.KindTrial:
		repeats, err := s.scanOf(p, info, view)
		if err != nil {
			return nil, err
		}
		return s.opts.Decoder.Decode(ctx, repeats)
	}
	return nil, fmt.Errorf("httpapi: query kind %q has no case", p.Kind)
}

func (s *Server) encodeText(ctx context.Context, text string, info index.Info, view *queryView) ([]float32, error) {
	if s.opts.Text == nil {
		why := cmp.Or(s.opts.NoText, "this server has no text model, so it cannot search by words")
		return nil, fmt.Errorf("%s: %w", why, problem.ErrNoText)
	}
	if err := s.checkSpace(info, s.opts.Text.Space); err != nil {
		return nil, err
	}
	vector, cut, err := s.opts.Text.Encode(ctx, text)
	view.Text, view.Cut = text, cut
	return vector, err
}

func (s *Server) encode(ctx context.Context, image []byte, info index.Info) ([]float32, error) {
	if s.opts.Encoder == nil {
		why := cmp.Or(s.opts.NoEncoder, "this server has no image model, so it cannot search by image")
		return nil, fmt.Errorf("%s: %w", why, problem.ErrNoEncoder)
	}
	if err := s.checkSpace(info, s.opts.Encoder.Space); err != nil {
		return nil, err
	}
	return s.opts.Encoder.Encode(ctx, image)
}

// checkSpace refuses a query of another space than the index's. The index may have
// changed since the server began, where its name is an alias.
func (s *Server) checkSpace(info index.Info, of space.Space) error {
	if s.opts.AssumeSpace && !info.Space.Known() {
		return nil
	}
	return info.CheckSpace(of)
}

// checkVector refuses a vector before the store does, with a message that
// names the position of a bad element.
func checkVector(vector []float32, dim int) error {
	if len(vector) != dim {
		return fmt.Errorf("the vector has %d elements, the index %d: %w", len(vector), dim, index.ErrDimension)
	}
	if i := embed.FirstNotFinite(vector); i >= 0 {
		return fmt.Errorf("element %d of the vector is %v: %w", i, vector[i], embed.ErrNotFinite)
	}
	return nil
}
