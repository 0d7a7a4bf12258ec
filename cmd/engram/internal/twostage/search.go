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

// Options say how a Searcher ranks.
type Options struct {
	Store  index.Store
	Scorer Scorer
	Source Source
	// Elements are the numbers of an item's tokens: T·D.
	Elements int
	// All ranks every item of the store, which does not change, where their
	// coordinates fit into Memory. Otherwise an item may be replaced by other programs:
	// the vector that it had is kept beside its coordinates, and a first stage that
	// scores it otherwise has its tokens read again.
	All bool
	// Dim is the dimension of the store, of use unless All.
	Dim int
	// Memory bounds the bytes of coordinates and vectors that are kept; 0 means 256 MiB.
	Memory int
	// Candidates of a query that does not say; 0 means DefaultCandidates.
	Candidates int
}

// Query asks for the items that match a prediction best.
type Query struct {
	// Vector is what a prediction is to the Scorer, [K] (see scan.Metric.Query).
	Vector []float32
	// Global returns the vector of the first stage, of the store's dimension. It is not
	// asked where every item is ranked.
	Global  func(ctx context.Context) ([]float32, error)
	Repeats int // scans of one image that were averaged
	// Unlike says that the scan is far from the scans that the metric was calibrated on, so
	// that no confidence is stated.
	Unlike bool
	K      int // items that are wanted: there are as many candidates at least
	Filter index.Filter
	// Candidates is how many items the first stage finds; 0 leaves it to the Searcher.
	Candidates int
	// Exact, Recall and Explain are of the first stage (see index.Query).
	Exact   bool
	Recall  float64
	Explain *index.Explanation
}

// Ranking is the order of the candidates, and how it came about.
type Ranking struct {
	// Hits are all candidates, best first, without payloads; equal scores are ordered by
	// ascending id. Their scores are the metric's.
	Hits []index.Hit
	Stages
}

// Stages says how a ranking came about.
type Stages struct {
	Metric     string // name of the metric that the scores are of (see scan.Metric)
	Candidates int    // items that were ranked by all tokens
	All        bool   // these are all items that the filter chooses: there was no first stage
	// Missing are candidates without tokens, which are left out of the hits.
	Missing int
	// Confidence is the probability that the first hit is the image that was seen, if that
	// is among the candidates; nil where the metric was not calibrated.
	Confidence *float64
	First      time.Duration // for the candidates
	Tokens     time.Duration // for the tokens that were not mapped before
	Rank       time.Duration // for the scores and their order
}

// Searcher ranks the items of an index in two stages. It is safe for concurrent use.
type Searcher struct {
	opts   Options
	kept   *coordinates
	stored *stored // nil where scores need coordinates

	loading sync.Mutex // one goroutine loads all items, others wait for it
	loaded  bool       // kept has every item
}

// atOnce is how many items are mapped at a time.
const atOnce = 256

// mapped is an item whose tokens were mapped.
type mapped struct {
	id     index.ID
	row    []float32 // coordinates
	vector []float32 // before the tokens were read; nil where nobody replaces items
}

// New returns a searcher.
func New(opts Options) *Searcher {
	opts.Memory = cmp.Or(opts.Memory, 256<<20)
	opts.Candidates = cmp.Or(opts.Candidates, DefaultCandidates)
	dim := opts.Dim
	if opts.All {
		dim = 0
	}
	return &Searcher{opts: opts, kept: newCoordinates(opts.Scorer, dim, opts.Memory, atOnce), stored: newStored(opts.Scorer, opts.Source)}
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
	ids := make([]index.ID, 0, atOnce)
	done := 0
	put := func() error {
		_, found, err := s.read(ctx, ids)
		if err == nil {
			s.kept.add(found)
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
		if ids = append(ids, item.ID); len(ids) < atOnce {
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

// read returns the coordinates of the items whose tokens are found, [n, K], and the
// items. A vector is read before the tokens: if the item is replaced in between, its
// next score differs from the vector's, and it is read again.
func (s *Searcher) read(ctx context.Context, ids []index.ID) (rows blas32.General, there []mapped, err error) {
	vectors := map[index.ID][]float32{}
	if s.kept.dim > 0 {
		items, err := s.opts.Store.Get(ctx, ids)
		if err != nil {
			return rows, nil, err
		}
		for _, item := range items {
			vectors[item.ID] = item.Vector
		}
	}
	n := s.opts.Elements
	tokens := blas32.General{Rows: len(ids), Cols: n, Stride: n, Data: make([]float32, len(ids)*n)}
	found, err := s.opts.Source.Read(ctx, ids, tokens)
	if err != nil {
		return rows, nil, err
	}
	for i, id := range ids {
		if vector := vectors[id]; found[i] && len(vector) == s.kept.dim {
			copy(tokens.Data[len(there)*n:], tokens.Data[i*n:][:n])
			there = append(there, mapped{id: id, vector: vector})
		}
	}
	if tokens.Rows = len(there); tokens.Rows == 0 {
		return rows, nil, nil
	}
	tokens.Data = tokens.Data[:tokens.Rows*n]
	if rows, err = s.opts.Scorer.Map(tokens); err != nil {
		return rows, nil, err
	}
	for i := range there {
		there[i].row = rows.Data[i*rows.Stride:][:rows.Cols]
	}
	return rows, there, nil
}

// Rank orders the candidates by how well their tokens match the prediction.
func (s *Searcher) Rank(ctx context.Context, q Query) (*Ranking, error) {
	if k := s.opts.Scorer.Dim(); len(q.Vector) != k {
		return nil, fmt.Errorf("a query of %d elements, wanted %d", len(q.Vector), k)
	}
	if err := (index.Query{K: q.K, Filter: q.Filter, Exact: q.Exact, Recall: q.Recall}).Check(); err != nil {
		return nil, err
	}
	r := &Ranking{Stages: Stages{Metric: s.opts.Scorer.Name()}}
	room := scoreMemory.Get().(*[]scored)
	defer scoreMemory.Put(room)
	ranked, err := s.score(ctx, q, (*room)[:0], &r.Stages)
	if err != nil {
		return nil, err
	}
	*room = ranked
	start := time.Now()
	if !q.Unlike {
		r.Confidence = s.confidence(ranked, q.Repeats)
	}
	r.Hits = bestFirst(ranked)
	r.Rank += time.Since(start)
	return r, nil
}

// confidence returns the probability that the best candidate is the image that was
// seen.
func (s *Searcher) confidence(ranked []scored, repeats int) *float64 {
	scores := make([]float32, len(ranked))
	for i, r := range ranked {
		scores[i] = r.score
	}
	if p, known := s.opts.Scorer.Confidence(scores, repeats); known && len(ranked) > 0 {
		return &p
	}
	return nil
}

// score scores the candidates, and may put them into room.
func (s *Searcher) score(ctx context.Context, q Query, room []scored, stages *Stages) ([]scored, error) {
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
		ranked, err := s.kept.scoreAll(room, q.Vector, q.Repeats)
		stages.Candidates, stages.Rank = len(ranked), time.Since(start)
		return ranked, err
	}
	start = time.Now()
	c := scoring{Query: q}
	c.hits, c.global, err = s.candidates(ctx, q, all)
	if stages.First = time.Since(start); err != nil {
		return nil, err
	}
	if s.stored != nil && !all {
		return s.stored.rank(ctx, c, stages)
	}
	return s.rankSome(ctx, c, stages)
}

// candidates returns what the first stage finds, and the unit vector that it is found
// by.
func (s *Searcher) candidates(ctx context.Context, q Query, all bool) (hits []index.Hit, global []float32, err error) {
	k := max(cmp.Or(q.Candidates, s.opts.Candidates), q.K)
	if all {
		info, err := s.opts.Store.Info(ctx)
		if err != nil {
			return nil, nil, err
		}
		k = max(1, info.Count)
	}
	if global, err = q.Global(ctx); err != nil {
		return nil, nil, err
	}
	if global, err = index.Unit(global, len(global)); err != nil {
		return nil, nil, err
	}
	hits, err = s.opts.Store.Search(ctx, index.Query{Vector: global, K: k, Filter: q.Filter, Exact: q.Exact, Recall: q.Recall, Explain: q.Explain})
	return hits, global, err
}

// scoring is the candidates of a query.
type scoring struct {
	Query
	global []float32
	hits   []index.Hit
}

// rankSome scores candidates, and reads the tokens of the ones that are not kept.
func (s *Searcher) rankSome(ctx context.Context, c scoring, stages *Stages) ([]scored, error) {
	start := time.Now()
	ranked, others, err := s.kept.score(c.Vector, c.global, c.hits, c.Repeats)
	if stages.Rank = time.Since(start); err != nil {
		return nil, err
	}
	start = time.Now()
	for some := range slices.Chunk(others, atOnce) {
		rows, found, err := s.read(ctx, some)
		if err != nil {
			return nil, err
		}
		stages.Missing += len(some) - len(found)
		if len(found) == 0 {
			continue
		}
		s.kept.add(found)
		scores, err := s.opts.Scorer.Score(c.Vector, rows, s.opts.Scorer.Offsets(rows, c.Repeats))
		if err != nil {
			return nil, err
		}
		for i, score := range scores {
			ranked = append(ranked, scored{found[i].id, score})
		}
	}
	stages.Tokens += time.Since(start)
	stages.Candidates = len(ranked)
	return ranked, nil
}
