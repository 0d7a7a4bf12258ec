package eval

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/blas/blas32"
)

// Gallery is image retrieval from galleries that grow, up to a whole index.
type Gallery struct {
	Predicted blas32.General // [n, D]
	Images    blas32.General // [m, D], the right ones among them
	Right     []int          // for each prediction the row of Images that was seen
	Sizes     []int          // ascending, from 1 to m: 300, 1000, 10000, m
	Seed      uint64         // of the order in which images join
}

// Ranks returns a row for each size: for each prediction, the rank of the right
// image by cosine among so many images, ties as in Ranks. The gallery of size s
// is the right image and the first s−1 others in one random order, so that each
// gallery contains the smaller ones. The last size m does not depend on the
// seed.
func (g Gallery) Ranks(ctx context.Context) ([][]float64, error) {
	images, err := newRows(g.Images, Cosine, imageNames())
	if err != nil {
		return nil, err
	}
	predicted, err := newRows(g.Predicted, Cosine, predictedNames())
	if err != nil {
		return nil, err
	}
	if err := g.check(); err != nil {
		return nil, err
	}
	ranks := make([][]float64, len(g.Sizes))
	for s := range ranks {
		ranks[s] = make([]float64, predicted.Rows)
	}
	order := rand.New(rand.NewPCG(g.Seed, 0)).Perm(images.Rows)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for j := range predicted.Rows {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			for s, r := range g.grow(images, predicted, j, order) {
				ranks[s][j] = r
			}
			return nil
		})
	}
	return ranks, group.Wait()
}

// grow returns the rank of prediction j's image for every size.
func (g Gallery) grow(images, predicted rows, j int, order []int) []float64 {
	score := func(i int) float64 { return images.dot(i, predicted, j) / images.length[i] }
	right := score(g.Right[j])
	ranks := make([]float64, 0, len(g.Sizes))
	size, above, tied := 1, 0, 0
	record := func() {
		for len(ranks) < len(g.Sizes) && g.Sizes[len(ranks)] == size {
			ranks = append(ranks, rank(above, tied))
		}
	}
	record()
	for _, i := range order {
		if len(ranks) == len(g.Sizes) {
			break
		}
		if i == g.Right[j] {
			continue
		}
		switch s := score(i); {
		case s > right:
			above++
		case s == right:
			tied++
		}
		size++
		record()
	}
	return ranks
}

func (g Gallery) check() error {
	if g.Images.Cols != g.Predicted.Cols {
		return fmt.Errorf("gallery: images have %d elements, predictions %d", g.Images.Cols, g.Predicted.Cols)
	}
	if len(g.Right) != g.Predicted.Rows {
		return fmt.Errorf("gallery: wanted a right image for each of %d predictions, found %d", g.Predicted.Rows, len(g.Right))
	}
	for j, i := range g.Right {
		if i < 0 || i >= g.Images.Rows {
			return fmt.Errorf("gallery: the right image of prediction %d is %d, of %d images", j, i, g.Images.Rows)
		}
	}
	if len(g.Sizes) == 0 || !slices.IsSorted(g.Sizes) || g.Sizes[0] < 1 || g.Sizes[len(g.Sizes)-1] > g.Images.Rows {
		return fmt.Errorf("gallery: wanted ascending sizes from 1 to %d, found %v", g.Images.Rows, g.Sizes)
	}
	return nil
}
