package twostage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"engram/data/progress"
	"engram/index"

	"gonum.org/v1/gonum/blas/blas32"
)

// DefaultCandidates is how many items the first stage finds where not all of them are
// ranked and nobody says how many (NOTES.md has the measurement).
const DefaultCandidates = 1000

// Options say how a Searcher searches.
type Options struct {
	Store  index.Store
	Scorer Scorer
	Source Source
	// Elements are the numbers of a prediction, and of an item's tokens: T·D.
	Elements int
	// All ranks every item of the store, which does not change, where their
	// coordinates fit into Memory.
	All bool
	// Memory bounds the bytes of the coordinates that are kept; 0 means 256 MiB.
	Memory int
	// Candidates of a query that does not say; 0 means DefaultCandidates.
	Candidates int
}

// Query asks for the items that match a prediction best.
type Query struct {
	Predicted []float32 // [T·D]
	Global    []float32 // the vector of the first stage, of the store's dimension
	Repeats   int       // scans of one image that were averaged
	K         int       // hits
	Filter    index.Filter
	// Candidates is how many items the first stage finds; 0 leaves it to the Searcher.
	Candidates int
	// Exact and Recall are of the first stage (see index.Query).
	Exact  bool
	Recall float64
}

// Result is what a search has found, and how.
type Result struct {
	Hits []index.Hit // with payloads; their scores are the metric's
	Stages
}

// Stages says how a result came about.
type Stages struct {
	Metric     string // name of the metric that the scores are of (see scan.Metric)
	Candidates int    // items that were ranked by all tokens
	All        bool   // these are all items that the filter chooses: there was no first stage
	// Missing are candidates without tokens, which are left out of the hits.
	Missing int
	First   time.Duration // for the candidates
	Tokens  time.Duration // for the tokens that were not mapped before
	Rank    time.Duration // for the scores and the payloads of the hits
}

// Searcher searches an index in two stages. It is safe for concurrent use.
type Searcher struct {
	opts Options
	kept *coordinates

	loading sync.Mutex // one goroutine loads all items, others wait for it
	loaded  bool       // kept has every item
}

// mapped is how many items are mapped at a time.
const mapped = 256

// New returns a searcher.
func New(opts Options) *Searcher {
	opts.Memory = cmp.Or(opts.Memory, 256<<20)
	opts.Candidates = cmp.Or(opts.Candidates, DefaultCandidates)
	room := max(opts.Memory/(4*opts.Scorer.Dim()), mapped)
	return &Searcher{opts: opts, kept: newCoordinates(opts.Scorer, room)}
}

// Load reads the tokens of all items where they are all going to be ranked, which the
// first search does otherwise.
func (s *Searcher) Load(ctx context.Context, watch progress.Func) error {
	s.loading.Lock()
	defer s.loading.Unlock()
	if s.loaded || !s.opts.All {
		return nil
	}
	info, err := s.opts.Store.Info(ctx)
	if err != nil {
		return err
	}
	if info.Count > s.kept.room {
		s.opts.All = false
		return nil
	}
	report := watch.Stage("mapping tokens", "items", int64(info.Count))
	ids := make([]index.ID, 0, mapped)
	done := 0
	put := func() error {
		rows, found, err := s.read(ctx, ids)
		if err == nil {
			s.kept.add(found, rows)
		}
		done += len(ids)
		report(int64(done), int64(info.Count))
		ids = ids[:0]
		return err
	}
	for item, err := range s.opts.Store.All(ctx) {
		if err != nil {
			return err
		}
		if ids = append(ids, item.ID); len(ids) < mapped {
			continue
		}
		if err := put(); err != nil {
			return err
		}
	}
	if len(ids) > 0 {
		if err := put(); err != nil {
			return err
		}
	}
	s.loaded = true
	return nil
}

// all reports whether all items are ranked, and loads them.
func (s *Searcher) all(ctx context.Context) (bool, error) {
	err := s.Load(ctx, nil)
	s.loading.Lock()
	defer s.loading.Unlock()
	return s.loaded, err
}

// read returns the coordinates of the items whose tokens are found.
func (s *Searcher) read(ctx context.Context, ids []index.ID) (blas32.General, []index.ID, error) {
	n := s.opts.Elements
	tokens := blas32.General{Rows: len(ids), Cols: n, Stride: n, Data: make([]float32, len(ids)*n)}
	found, err := s.opts.Source.Read(ctx, ids, tokens)
	if err != nil {
		return blas32.General{}, nil, err
	}
	var there []index.ID
	for i, id := range ids {
		if found[i] {
			copy(tokens.Data[len(there)*n:], tokens.Data[i*n:][:n])
			there = append(there, id)
		}
	}
	if tokens.Rows = len(there); tokens.Rows == 0 {
		return blas32.General{}, nil, nil
	}
	tokens.Data = tokens.Data[:tokens.Rows*n]
	rows, err := s.opts.Scorer.Map(tokens)
	return rows, there, err
}

// Search returns the K items whose tokens match the prediction best among the
// candidates, best first; equal scores are ordered by ascending id.
func (s *Searcher) Search(ctx context.Context, q Query) (*Result, error) {
	if len(q.Predicted) != s.opts.Elements {
		return nil, fmt.Errorf("a prediction of %d elements, wanted %d", len(q.Predicted), s.opts.Elements)
	}
	if err := (index.Query{K: q.K, Filter: q.Filter, Exact: q.Exact, Recall: q.Recall}).Check(); err != nil {
		return nil, err
	}
	query, err := s.opts.Scorer.Query(q.Predicted, q.Repeats)
	if err != nil {
		return nil, err
	}
	r := &Result{Stages: Stages{Metric: s.opts.Scorer.Name()}}
	ranked, err := s.rank(ctx, q, query, &r.Stages)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	best(&ranked, q.K)
	r.Hits, err = s.hits(ctx, ranked)
	r.Rank += time.Since(start)
	return r, err
}

// rank scores the candidates.
func (s *Searcher) rank(ctx context.Context, q Query, query []float32, stages *Stages) ([]scored, error) {
	start := time.Now()
	all := q.Candidates == 0
	var err error
	if all {
		if all, err = s.all(ctx); err != nil {
			return nil, err
		}
		stages.Tokens = time.Since(start)
	}
	if stages.All = all; all && q.Filter == nil {
		start = time.Now()
		ranked, err := s.kept.scoreAll(query, q.Repeats)
		stages.Candidates, stages.Rank = len(ranked), time.Since(start)
		return ranked, err
	}
	start = time.Now()
	ids, err := s.candidates(ctx, q, all)
	if stages.First = time.Since(start); err != nil {
		return nil, err
	}
	return s.rankSome(ctx, scoring{q, query, ids}, stages)
}

// candidates returns what the first stage finds.
func (s *Searcher) candidates(ctx context.Context, q Query, all bool) ([]index.ID, error) {
	k := max(cmp.Or(q.Candidates, s.opts.Candidates), q.K)
	if all {
		info, err := s.opts.Store.Info(ctx)
		if err != nil {
			return nil, err
		}
		k = max(1, info.Count)
	}
	hits, err := s.opts.Store.Search(ctx, index.Query{Vector: q.Global, K: k, Filter: q.Filter, Exact: q.Exact, Recall: q.Recall})
	if err != nil {
		return nil, err
	}
	ids := make([]index.ID, len(hits))
	for i, h := range hits {
		ids[i] = h.ID
	}
	return ids, nil
}

// scoring is the candidates of a query.
type scoring struct {
	Query
	query []float32
	ids   []index.ID
}

// rankSome scores candidates, and reads the tokens of the ones that are not kept.
func (s *Searcher) rankSome(ctx context.Context, c scoring, stages *Stages) ([]scored, error) {
	start := time.Now()
	ranked, others, err := s.kept.score(c.query, c.ids, c.Repeats)
	if stages.Rank = time.Since(start); err != nil {
		return nil, err
	}
	start = time.Now()
	for some := range slices.Chunk(others, mapped) {
		rows, found, err := s.read(ctx, some)
		if err != nil {
			return nil, err
		}
		stages.Missing += len(some) - len(found)
		if len(found) == 0 {
			continue
		}
		s.kept.add(found, rows)
		scores, err := s.opts.Scorer.Score(c.query, rows, s.opts.Scorer.Offsets(rows, c.Repeats))
		if err != nil {
			return nil, err
		}
		for i, score := range scores {
			ranked = append(ranked, scored{found[i], score})
		}
	}
	stages.Tokens += time.Since(start)
	stages.Candidates = len(ranked)
	return ranked, nil
}

// best keeps the k best items, in order.
func best(ranked *[]scored, k int) {
	slices.SortFunc(*ranked, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.id, b.id))
	})
	*ranked = (*ranked)[:min(k, len(*ranked))]
}

// hits gets the payloads of ranked items. An item that was deleted meanwhile is left
// out.
func (s *Searcher) hits(ctx context.Context, ranked []scored) ([]index.Hit, error) {
	ids := make([]index.ID, len(ranked))
	for i, r := range ranked {
		ids[i] = r.id
	}
	items, err := s.opts.Store.Get(ctx, ids)
	if err != nil {
		return nil, err
	}
	hits := make([]index.Hit, 0, len(items))
	for i, at := 0, 0; i < len(ranked) && at < len(items); i++ {
		if items[at].ID != ranked[i].id {
			continue
		}
		hits = append(hits, index.Hit{ID: ranked[i].id, Score: ranked[i].score, Payload: items[at].Payload})
		at++
	}
	return hits, nil
}
