package twostage_test

import (
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/blas/blas32"

	"engram/cmd/engram/internal/twostage"
	"engram/index"
	"engram/index/local"
)

// wide is a metric of 512 coordinates, an item's first elements.
type wide struct{ scorer }

func (wide) Dim() int { return 512 }

func (wide) Map(tokens blas32.General) (blas32.General, error) {
	tokens.Cols = 512
	out := blas32.General{Rows: tokens.Rows, Cols: 512, Stride: 512}
	for i := range tokens.Rows {
		out.Data = append(out.Data, tokens.Data[i*tokens.Stride:][:512]...)
	}
	return out, nil
}

func (wide) Offsets(c blas32.General, _ int) []float32 { return make([]float32, c.Rows) }

func (wide) Confidence([]float32, int) (float64, bool) { return 0, false }

func (wide) Score(q []float32, c blas32.General, offsets []float32) ([]float32, error) {
	out := make([]float32, c.Rows)
	x := blas32.Vector{N: 512, Inc: 1, Data: q}
	for i := range out {
		out[i] = blas32.Dot(x, blas32.Vector{N: 512, Inc: 1, Data: c.Data[i*c.Stride:]}) + offsets[i]
	}
	return out, nil
}

// BenchmarkRank ranks all of 5,360 items of 65 tokens by 512 coordinates.
func BenchmarkRank(b *testing.B) {
	format := index.TokenFormat{Kind: index.TokensInt8, Count: 65, Dim: 64}
	store, err := local.Create(filepath.Join(b.TempDir(), "index"), local.Options{Dim: 64, Tokens: format})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	values := make([]float32, format.Elements())
	for from := 0; from < 5360; from += 536 {
		var items []index.Item
		for i := range 536 {
			for j := range values {
				values[j] = float32((from+i)*(j+3)%101) - 50
			}
			tokens, err := format.Encode(nil, values)
			if err != nil {
				b.Fatal(err)
			}
			items = append(items, index.Item{ID: index.ID(from + i), Vector: append([]float32(nil), values[:64]...), Tokens: tokens})
		}
		if err := store.Upsert(b.Context(), items); err != nil {
			b.Fatal(err)
		}
	}
	s := twostage.New(twostage.Options{
		Store: store, Scorer: wide{}, Elements: format.Elements(), All: true,
		Source: twostage.Kept{Store: store, Format: format},
	})
	q := twostage.Query{Vector: values[:512], Global: firstToken(values[:64]), Repeats: 1, K: 16}
	if err := s.Load(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Rank(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
}
