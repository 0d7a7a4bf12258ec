package twostage_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/blas/blas32"

	"engram/cmd/engram/internal/twostage"
	"engram/index"
	"engram/index/local"
)

// scorer is a metric of two coordinates: the sums of an item's even and odd elements.
// Its offset is minus half the square of the coordinates, over the repeats.
type scorer struct{}

func (scorer) Name() string { return "test" }
func (scorer) Dim() int     { return 2 }

// Confidence is the number of candidates over 1,000, of single scans.
func (scorer) Confidence(scores []float32, repeats int) (float64, bool) {
	return float64(len(scores)) / 1000, repeats == 1
}

func (scorer) Map(tokens blas32.General) (blas32.General, error) {
	out := blas32.General{Rows: tokens.Rows, Cols: 2, Stride: 2, Data: make([]float32, 2*tokens.Rows)}
	for i := range tokens.Rows {
		for j := range tokens.Cols {
			out.Data[2*i+j%2] += tokens.Data[i*tokens.Stride+j]
		}
	}
	return out, nil
}

// query is what a prediction is to the scorer.
func (s scorer) query(predicted []float32) []float32 {
	out, _ := s.Map(blas32.General{Rows: 1, Cols: len(predicted), Stride: len(predicted), Data: predicted})
	return out.Data
}

func (scorer) Offsets(c blas32.General, repeats int) []float32 {
	out := make([]float32, c.Rows)
	for i := range out {
		a, b := c.Data[2*i], c.Data[2*i+1]
		out[i] = -(a*a + b*b) / 2 / float32(repeats)
	}
	return out
}

func (scorer) Score(q []float32, c blas32.General, offsets []float32) ([]float32, error) {
	out := make([]float32, c.Rows)
	for i := range out {
		out[i] = q[0]*c.Data[2*i] + q[1]*c.Data[2*i+1] + offsets[i]
	}
	return out, nil
}

const tokenCount, tokenDim = 3, 4

// world is an index with tokens, and the tokens.
type world struct {
	store  *local.Store
	tokens map[index.ID][]float32
}

func newWorld(t testing.TB, n int) world {
	t.Helper()
	format := index.TokenFormat{Kind: index.TokensFloat16, Count: tokenCount, Dim: tokenDim}
	store, err := local.Create(filepath.Join(t.TempDir(), "index"), local.Options{Dim: tokenDim, Tokens: format})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	w := world{store, map[index.ID][]float32{}}
	rng := rand.New(rand.NewPCG(1, 2))
	var items []index.Item
	for i := range n {
		id := index.ID(i*i + 1)
		values := make([]float32, format.Elements())
		for j := range values {
			values[j] = float32(rng.IntN(64)-32) / 16 // exact in float16
		}
		values[0] = 2.5
		b, err := format.Encode(nil, values)
		if err != nil {
			t.Fatal(err)
		}
		w.tokens[id] = values
		items = append(items, index.Item{ID: id, Vector: values[:tokenDim], Tokens: b, Payload: index.Payload{"n": int64(i), "even": i%2 == 0}})
	}
	if err := store.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w world) options() twostage.Options {
	info, _ := w.store.Info(context.Background())
	return twostage.Options{
		Store: w.store, Scorer: scorer{}, Elements: tokenCount * tokenDim,
		Source: twostage.Kept{Store: w.store, Format: info.Tokens}, All: true, Dim: tokenDim,
	}
}

// want ranks items by their tokens, one by one.
func (w world) want(t testing.TB, q twostage.Query, among func(index.ID) bool) []index.ID {
	t.Helper()
	scores := map[index.ID]float32{}
	var ids []index.ID
	for id, values := range w.tokens {
		if !among(id) {
			continue
		}
		c, _ := scorer{}.Map(blas32.General{Rows: 1, Cols: len(values), Stride: len(values), Data: values})
		score, _ := scorer{}.Score(q.Vector, c, scorer{}.Offsets(c, q.Repeats))
		scores[id], ids = score[0], append(ids, id)
	}
	slices.SortFunc(ids, func(a, b index.ID) int {
		if scores[a] != scores[b] {
			if scores[a] > scores[b] {
				return -1
			}
			return 1
		}
		return int(a) - int(b)
	})
	return ids
}

func newQuery(seed uint64) twostage.Query {
	rng := rand.New(rand.NewPCG(seed, 3))
	predicted := make([]float32, tokenCount*tokenDim)
	for i := range predicted {
		predicted[i] = float32(rng.NormFloat64())
	}
	return twostage.Query{Vector: scorer{}.query(predicted), Global: firstToken(predicted[:tokenDim]), Repeats: 1 + int(seed%3), K: 7}
}

// firstToken is the vector of a first stage.
func firstToken(v []float32) func(context.Context) ([]float32, error) {
	return func(context.Context) ([]float32, error) { return v, nil }
}

func idsOf(hits []index.Hit) []index.ID {
	var ids []index.ID
	for _, h := range hits {
		ids = append(ids, h.ID)
	}
	return ids
}

func everything(index.ID) bool { return true }

func TestAllItemsAreRankedWhereThereIsRoom(t *testing.T) {
	w := newWorld(t, 600)
	s := twostage.New(w.options())
	var group sync.WaitGroup
	for seed := range uint64(12) {
		group.Go(func() {
			q := newQuery(seed)
			r, err := s.Rank(t.Context(), q)
			if err != nil {
				t.Error(err)
				return
			}
			if p := r.Confidence; (p != nil) != (q.Repeats == 1) || p != nil && *p != .6 {
				t.Errorf("the confidence among all 600 items is %v", p)
			}
			if !r.All || r.Candidates != 600 || r.First != 0 || r.Metric != "test" {
				t.Errorf("stages %+v, want all 600", r.Stages)
			}
			if diff := cmp.Diff(w.want(t, q, everything), idsOf(r.Hits)); diff != "" {
				t.Errorf("query %d (-want +got):\n%s", seed, diff)
			}
		})
	}
	group.Wait()
}

func TestAFilterChoosesAmongAll(t *testing.T) {
	w := newWorld(t, 300)
	q := newQuery(5)
	q.Filter = index.Equal{Key: "even", Value: true}
	r, err := twostage.New(w.options()).Rank(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	even := map[index.ID]bool{}
	for i := range 150 {
		even[index.ID(4*i*i+1)] = true
	}
	if diff := cmp.Diff(w.want(t, q, func(id index.ID) bool { return even[id] }), idsOf(r.Hits)); diff != "" || r.Candidates != 150 {
		t.Errorf("stages %+v (-want +got):\n%s", r.Stages, diff)
	}
}

// The candidates are what the store finds; with little room coordinates come and go.
func TestCandidatesAreRanked(t *testing.T) {
	w := newWorld(t, 900)
	opts := w.options()
	opts.All, opts.Memory, opts.Candidates = false, 1, 300
	s := twostage.New(opts)
	for seed := range uint64(10) {
		q := newQuery(seed)
		if seed%2 == 1 {
			q.Candidates = 40
		}
		first, _ := q.Global(t.Context())
		hits, err := w.store.Search(t.Context(), index.Query{Vector: first, K: max(q.Candidates, 300*int(1-seed%2))})
		if err != nil {
			t.Fatal(err)
		}
		found := idsOf(hits)
		r, err := s.Rank(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		want := w.want(t, q, func(id index.ID) bool { return slices.Contains(found, id) })
		if diff := cmp.Diff(want, idsOf(r.Hits)); diff != "" || r.All || r.Candidates != len(found) {
			t.Errorf("query %d, stages %+v (-want +got):\n%s", seed, r.Stages, diff)
		}
	}
}

// counted counts the items whose tokens are read.
type counted struct {
	twostage.Source
	read map[index.ID]int
}

func (c counted) Read(ctx context.Context, ids []index.ID, dst blas32.General) ([]bool, error) {
	for _, id := range ids {
		c.read[id]++
	}
	return c.Source.Read(ctx, ids, dst)
}

// An item that was replaced is ranked by its new tokens, and no other one is read
// again.
func TestReplacedItemsAreReadAgain(t *testing.T) {
	w := newWorld(t, 200)
	opts := w.options()
	source := counted{opts.Source, map[index.ID]int{}}
	opts.Source, opts.All = source, false
	s := twostage.New(opts)
	search := func(seed uint64) {
		t.Helper()
		q := newQuery(seed)
		r, err := s.Rank(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(w.want(t, q, everything), idsOf(r.Hits)); diff != "" || r.Candidates != 200 {
			t.Errorf("query %d, stages %+v (-want +got):\n%s", seed, r.Stages, diff)
		}
	}
	for seed := range uint64(5) {
		search(seed)
	}
	format := index.TokenFormat{Kind: index.TokensFloat16, Count: tokenCount, Dim: tokenDim}
	replaced := map[index.ID]bool{}
	for i := range 20 {
		id := index.ID(25*i*i + 1)
		values := slices.Clone(w.tokens[id])
		for j := range values {
			values[j] = -values[j] + float32(j)/8
		}
		b, err := format.Encode(nil, values)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.store.Upsert(t.Context(), []index.Item{{ID: id, Vector: values[:tokenDim], Tokens: b}}); err != nil {
			t.Fatal(err)
		}
		w.tokens[id], replaced[id] = values, true
	}
	for seed := range uint64(5) {
		search(seed + 5)
	}
	for id := range w.tokens {
		if want := map[bool]int{false: 1, true: 2}[replaced[id]]; source.read[id] != want {
			t.Errorf("item %d, replaced %v: read %d times, want %d", id, replaced[id], source.read[id], want)
		}
	}
}

// sparse has no tokens of items whose id is a multiple of five.
type sparse struct{ twostage.Source }

func (s sparse) Read(ctx context.Context, ids []index.ID, dst blas32.General) ([]bool, error) {
	found, err := s.Source.Read(ctx, ids, dst)
	for i, id := range ids {
		found[i] = found[i] && id%5 != 0
	}
	return found, err
}

func TestItemsWithoutTokensAreCounted(t *testing.T) {
	w := newWorld(t, 100)
	opts := w.options()
	opts.Source, opts.All = sparse{opts.Source}, false
	q := newQuery(1)
	r, err := twostage.New(opts).Rank(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	want := w.want(t, q, func(id index.ID) bool { return id%5 != 0 })
	if diff := cmp.Diff(want, idsOf(r.Hits)); diff != "" || r.Missing == 0 || r.Missing+r.Candidates != 100 {
		t.Errorf("stages %+v (-want +got):\n%s", r.Stages, diff)
	}
}

func TestUnusableQueries(t *testing.T) {
	w := newWorld(t, 3)
	s := twostage.New(w.options())
	short, none := newQuery(1), newQuery(1)
	short.Vector, none.K = short.Vector[1:], 0
	if _, err := s.Rank(t.Context(), short); err == nil {
		t.Error("a prediction of another size is taken")
	}
	if _, err := s.Rank(t.Context(), none); !errors.Is(err, index.ErrQuery) {
		t.Errorf("K of 0: error %v, want ErrQuery", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := s.Rank(ended, newQuery(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

func ExampleSearcher() {
	// A store whose items have two tokens of one element each.
	top, err := os.MkdirTemp("", "example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(top)
	dir := filepath.Join(top, "index")
	format := index.TokenFormat{Kind: index.TokensFloat16, Count: 2, Dim: 1}
	store, err := local.Create(dir, local.Options{Dim: 1, Tokens: format})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	for id, tokens := range [][]float32{{1, 0}, {1, 2}} {
		b, _ := format.Encode(nil, tokens)
		if err := store.Upsert(context.Background(), []index.Item{{ID: index.ID(id), Vector: tokens[:1], Tokens: b}}); err != nil {
			fmt.Println(err)
		}
	}
	s := twostage.New(twostage.Options{
		Store: store, Scorer: scorer{}, Elements: 2, All: true,
		Source: twostage.Kept{Store: store, Format: format},
	})
	r, err := s.Rank(context.Background(), twostage.Query{Vector: scorer{}.query([]float32{1, 2}), Global: firstToken([]float32{1}), Repeats: 1, K: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Candidates, "ranked, the best is item", r.Hits[0].ID)
	// Output: 2 ranked, the best is item 1
}
