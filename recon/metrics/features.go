package metrics

import (
	"context"
	"fmt"

	"engram/embed"
	"engram/embed/eval"
	"engram/embed/pixels"

	"gonum.org/v1/gonum/blas/blas32"
)

// Encoder sees features in pictures: clip.Encoder, opened from a model of kind
// features or clip.
type Encoder interface {
	Encode(ctx context.Context, images []*pixels.Image) ([]embed.Vector, error)
}

// FeatureScores are what reconstructions are worth to a network.
type FeatureScores struct {
	// TwoWay is how often a reconstruction is more like what was seen than like
	// another picture; chance is one half.
	TwoWay float64
	// Distance is the mean of 1 − Pearson's r between the features of a
	// reconstruction and of what was seen.
	Distance float64
	// TwoWays and Distances are the same of each reconstruction.
	TwoWays, Distances []float64
}

// Features scores reconstructions, made, beside what was seen, two or more.
func Features(ctx context.Context, encoder Encoder, seen, made []*pixels.Image) (FeatureScores, error) {
	a, err := encoder.Encode(ctx, seen)
	if err != nil {
		return FeatureScores{}, fmt.Errorf("metrics: what was seen: %w", err)
	}
	b, err := encoder.Encode(ctx, made)
	if err != nil {
		return FeatureScores{}, fmt.Errorf("metrics: reconstructions: %w", err)
	}
	return Compare(ctx, a, b)
}

// Compare scores the features of reconstructions, made, and the features of what was
// seen, [n, D] each, n ≥ 2: by Pearson's r, as the literature does.
func Compare(ctx context.Context, seen, made []embed.Vector) (FeatureScores, error) {
	if len(seen) != len(made) || len(seen) < 2 {
		return FeatureScores{}, fmt.Errorf("metrics: %d reconstructions of %d pictures, wanted one of each of 2 or more", len(made), len(seen))
	}
	similarity, err := eval.Similarity(ctx, eval.Pearson, matrixOf(seen), matrixOf(made))
	if err != nil {
		return FeatureScores{}, fmt.Errorf("metrics: %w", err)
	}
	var s FeatureScores
	if s.TwoWay, err = eval.TwoWay(similarity); err != nil {
		return s, fmt.Errorf("metrics: %w", err)
	}
	n := float64(len(seen))
	for j := range seen {
		right, below := similarity.At(j, j), 0.
		for i := range seen {
			if similarity.At(i, j) < right {
				below++
			}
		}
		s.TwoWays, s.Distances = append(s.TwoWays, below/(n-1)), append(s.Distances, 1-right)
		s.Distance += (1 - right) / n
	}
	return s, nil
}

func matrixOf(vectors []embed.Vector) blas32.General {
	m := blas32.General{Rows: len(vectors), Cols: len(vectors[0]), Stride: len(vectors[0])}
	for _, v := range vectors {
		m.Data = append(m.Data, v...)
	}
	return m
}
