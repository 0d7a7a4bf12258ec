package qdrant

import (
	"cmp"
	"context"
	"slices"
	"time"

	"engram/index"

	api "github.com/qdrant/go-client/qdrant"
)

// manyHits is the K from which on a search first asks how many items there are.
const manyHits = 4096

// Search implements index.Store, exactly in collections up to Options.ExactUpTo
// items and over the graph in larger ones, unless Query.Exact. Query.Recall sets
// the candidates of the graph, Options.EF where it is 0; above 0.999 the search is
// exact, because no number of candidates was measured to reach that.
func (s *Store) Search(ctx context.Context, q index.Query) ([]index.Hit, error) {
	release, err := s.reading(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	p, err := s.plan(ctx, q)
	if err != nil {
		return nil, err
	}
	if q.Explain != nil {
		if *q.Explain = (index.Explanation{Path: index.ByServer}); p.exact {
			found := 1.
			q.Explain.Recall = &found
		}
	}
	if p.none {
		return nil, nil
	}
	// Of items with equal scores the server returns any. One hit more than K
	// tells whether it had to choose; then it is asked for more, until the last
	// hit scores less than the one in place K. So it is while hits are refused
	// here.
	for limit := p.k + 1; ; limit *= 4 {
		points, err := s.query(ctx, p, limit)
		if err != nil {
			return nil, err
		}
		hits, err := p.hits(points)
		if err != nil {
			return nil, err
		}
		if len(points) < limit || len(hits) >= p.k && (!p.exact || hits[p.k-1].Score > clamp(points[limit-1].GetScore())) {
			return hits[:min(p.k, len(hits))], nil
		}
	}
}

// plan is a query as the server is asked.
type plan struct {
	k       int
	request *api.QueryPoints // all but limit
	exact   bool             // every item is compared
	check   index.Filter     // of the hits, nil where the server decides alone
	payload bool             // whether hits have one
	none    bool             // the filter chooses nothing
}

// plan checks and translates a query.
func (s *Store) plan(ctx context.Context, q index.Query) (*plan, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	vector, err := index.Unit(q.Vector, s.config.dim)
	if err != nil {
		return nil, err
	}
	p := &plan{k: q.K, payload: q.WithPayload}
	if p.k > manyHits {
		n, err := s.count(ctx)
		if err != nil {
			return nil, err
		}
		p.k = min(p.k, n)
	}
	small, err := s.small(ctx)
	if err != nil {
		return nil, err
	}
	ef, reached := s.effort(q)
	p.exact = small || q.Exact || !reached
	filter, err := s.pushDown(ctx, q.Filter)
	if err != nil {
		return nil, err
	}
	if !filter.exact {
		p.check = q.Filter
	}
	p.none = filter.none || p.k == 0
	p.request = &api.QueryPoints{
		CollectionName: s.opts.Collection, Query: api.NewQueryDense(vector), Using: &s.opts.Vector,
		Filter: filter.filter(), Params: s.params(p.exact, ef, q.Recall),
		WithPayload: p.withPayload(), WithVectors: api.NewWithVectors(false),
	}
	return p, nil
}

// withPayload asks for what hits have or what the filter is to see.
func (p *plan) withPayload() *api.WithPayloadSelector {
	if p.payload || p.check == nil {
		return api.NewWithPayload(p.payload)
	}
	paths := []string{notesPath}
	for _, key := range index.Keys(p.check) {
		paths = append(paths, path(key))
	}
	return api.NewWithPayloadInclude(paths...)
}

// efforts are candidates that a search over the graph keeps and the recall@10
// that they reached, rounded down, by int8 codes and re-scoring: 200,000 × 768
// vectors in clusters, M = 16, November 2026 (see NOTES.md).
var efforts = [...]struct {
	recall float64
	ef     int
}{{.88, 16}, {.95, 32}, {.98, 64}, {.995, 128}, {.999, 256}}

// effort returns how many candidates a search over the graph keeps for a query.
// A higher recall is not reached over the graph.
func (s *Store) effort(q index.Query) (ef int, reached bool) {
	if q.Recall == 0 {
		return s.opts.EF, true
	}
	for _, e := range efforts {
		if q.Recall <= e.recall {
			return e.ef * max(1, min(q.K, manyHits)/10), true
		}
	}
	return 0, false
}

// params says how the server searches. Its defaults for codes differ by kind. The
// recall that candidates reach was measured with int8 codes and with vectors. Where a
// recall is asked for, codes of a bit are passed over: re-scoring eight times as many
// of their candidates finds fewer than the table says.
func (s *Store) params(exact bool, ef int, recall float64) *api.SearchParams {
	if exact {
		return &api.SearchParams{Exact: &exact}
	}
	if recall > 0 && s.config.quantisation == index.Binary {
		return &api.SearchParams{HnswEf: new(uint64(ef)), Quantization: &api.QuantizationSearchParams{Ignore: new(true)}}
	}
	return &api.SearchParams{
		HnswEf: new(uint64(ef)),
		Quantization: &api.QuantizationSearchParams{
			Rescore: new(true), Oversampling: &s.opts.Oversampling,
		},
	}
}

// small reports whether the collection is to be searched exactly, by a number of
// items that is at most a minute old. With it come the indexes of payloads, which
// are others where an alias has been moved by somebody else.
func (s *Store) small(ctx context.Context) (bool, error) {
	s.mu.Lock()
	points, fresh := s.points, time.Since(s.counted) < time.Minute
	s.mu.Unlock()
	if !fresh {
		info, err := s.collection(ctx, s.opts.Collection)
		if err != nil {
			return false, err
		}
		points = int(info.GetPointsCount())
		s.mu.Lock()
		s.points, s.counted, s.indexed = points, time.Now(), readIndexes(info)
		s.mu.Unlock()
	}
	return points <= s.opts.ExactUpTo, nil
}

// query asks for so many points.
func (s *Store) query(ctx context.Context, p *plan, limit int) ([]*api.ScoredPoint, error) {
	p.request.Limit = new(uint64(limit))
	return call(ctx, s.server, "search", func(ctx context.Context) ([]*api.ScoredPoint, error) {
		return s.client.Query(ctx, p.request)
	})
}

// hits returns the points that the filter chooses as hits, in order.
func (p *plan) hits(points []*api.ScoredPoint) ([]index.Hit, error) {
	hits := make([]index.Hit, 0, len(points))
	for _, point := range points {
		id, err := numericID(point.GetId())
		if err != nil {
			return nil, err
		}
		hit := index.Hit{ID: id, Score: clamp(point.GetScore())}
		if p.payload || p.check != nil {
			hit.Payload = decodePayload(point.GetPayload())
		}
		if p.check != nil && !p.check.Match(hit.Payload) {
			continue
		}
		if !p.payload {
			hit.Payload = nil
		}
		hits = append(hits, hit)
	}
	slices.SortFunc(hits, func(a, b index.Hit) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
	})
	return hits, nil
}

// clamp takes off a score what rounding put on it.
func clamp(score float32) float32 { return max(-1, min(1, score)) }
