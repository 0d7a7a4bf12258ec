package twostage_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/blas/blas32"

	"engram/cmd/engram/internal/twostage"
	"engram/embed"
	"engram/index"
	"engram/index/local"
)

// pearson is a metric whose coordinates are directions from a mean, as scan.Metric
// has it for Pearson's r.
type pearson struct {
	scorer
	mean []float32
}

func (p pearson) Pearson() ([]float32, bool) { return p.mean, true }

func (p pearson) Dim() int { return len(p.mean) }

func (p pearson) direction(v []float32) []float32 {
	out := make([]float32, len(v))
	mean := 0.
	for i, x := range v {
		out[i] = x - p.mean[i]
		mean += float64(out[i]) / float64(len(v))
	}
	for i := range out {
		out[i] -= float32(mean)
	}
	_ = embed.Normalize(out)
	return out
}

// Map is not for items whose tokens are stored.
func (pearson) Map(blas32.General) (blas32.General, error) {
	return blas32.General{}, errors.New("the tokens were mapped")
}

// tokenIndex is an index of n items with random tokens, and the tokens as they are
// stored.
func tokenIndex(t testing.TB, n int, format index.TokenFormat) (twostage.Options, [][]float32) {
	t.Helper()
	store, err := local.Create(filepath.Join(t.TempDir(), "index"), local.Options{Dim: format.Dim, Tokens: format})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	rng := rand.New(rand.NewPCG(3, 4))
	var all [][]float32
	for i := range n {
		values := make([]float32, format.Elements())
		for j := range values {
			values[j] = float32(rng.NormFloat64() + 2)
		}
		b, err := format.Encode(nil, values)
		if err != nil {
			t.Fatal(err)
		}
		item := index.Item{ID: index.ID(i), Vector: append([]float32(nil), values[:format.Dim]...), Tokens: b}
		if err := store.Upsert(t.Context(), []index.Item{item}); err != nil {
			t.Fatal(err)
		}
		if err := format.Decode(values, b); err != nil {
			t.Fatal(err)
		}
		all = append(all, values)
	}
	if err := store.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	mean := make([]float32, format.Elements())
	for j := range mean {
		mean[j] = float32(rng.NormFloat64()*.1 + 2)
	}
	return twostage.Options{
		Store: store, Scorer: pearson{mean: mean}, Elements: format.Elements(), Dim: format.Dim,
		Source: twostage.Kept{Store: store, Format: format},
	}, all
}

func TestStoredTokensAreScoredAsTheyLie(t *testing.T) {
	for _, dim := range []int{1, 15, 16, 40} {
		t.Run(fmt.Sprint(dim), func(t *testing.T) {
			const n = 30
			opts, tokens := tokenIndex(t, n, index.TokenFormat{Kind: index.TokensInt8, Count: 7, Dim: dim})
			p := opts.Scorer.(pearson)
			predicted := tokens[11]
			r, err := twostage.New(opts).Rank(t.Context(), twostage.Query{
				Vector: p.direction(predicted), Global: firstToken(predicted[:dim]), Repeats: 1, K: n, Candidates: n,
			})
			if err != nil || len(r.Hits) != n || r.Hits[0].ID != 11 || r.All {
				t.Fatalf("found %+v, error %v; wanted all %d items, 11 first", r, err, n)
			}
			query := p.direction(predicted)
			for _, h := range r.Hits {
				want := 0.
				for i, x := range p.direction(tokens[h.ID]) {
					want += float64(x) * float64(query[i])
				}
				if math.Abs(want-float64(h.Score)) > 1e-5 {
					t.Errorf("item %d scores %v, wanted %v", h.ID, h.Score, want)
				}
			}
		})
	}
}

func TestTokensWithoutADirectionAreRefused(t *testing.T) {
	opts, tokens := tokenIndex(t, 2, index.TokenFormat{Kind: index.TokensInt8, Count: 2, Dim: 8})
	p := opts.Scorer.(pearson)
	copy(p.mean, tokens[1])
	_, err := twostage.New(opts).Rank(t.Context(), twostage.Query{
		Vector: p.direction(tokens[0]), Global: firstToken(tokens[0][:8]), Repeats: 1, K: 2, Candidates: 2,
	})
	if !errors.Is(err, embed.ErrZero) {
		t.Errorf("error %v, wanted %v", err, embed.ErrZero)
	}
}

// BenchmarkStored ranks 100 candidates of 257 tokens of 768 elements, CLIP ViT-L/14's,
// as int8.
func BenchmarkStored(b *testing.B) {
	const n = 100
	opts, tokens := tokenIndex(b, n, index.TokenFormat{Kind: index.TokensInt8, Count: 257, Dim: 768})
	s := twostage.New(opts)
	q := twostage.Query{Vector: opts.Scorer.(pearson).direction(tokens[3]), Global: firstToken(tokens[3][:768]), Repeats: 1, K: 16, Candidates: n}
	for b.Loop() {
		if _, err := s.Rank(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
}
