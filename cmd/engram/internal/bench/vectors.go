package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"

	"engram/embed"
	"engram/index"
	"engram/index/local"

	"golang.org/x/sync/errgroup"
)

// classes is how many values the field class of payloads has: a filter for one
// of them leaves a hundredth of the items.
const classes = 100

// chosen is the class that a filter asks for.
const chosen = 7

// vectors are random rows with codes, and queries.
type vectors struct {
	rows    *local.Matrix
	queries [][]float32
}

// generate makes the vectors.
func (b *bench) generate(ctx context.Context) error {
	rows := local.NewMatrix(b.Rows, b.Dim)
	const chunk = 1024
	group, stopped := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for lo := 0; lo < b.Rows && stopped.Err() == nil; lo += chunk {
		group.Go(func() error {
			rng := rand.New(rand.NewPCG(1, uint64(lo)))
			for i := lo; i < min(b.Rows, lo+chunk); i++ {
				if err := random(rng, rows.Row(i)); err != nil {
					return err
				}
				rows.Encode(i)
			}
			return nil
		})
	}
	if err := errors.Join(group.Wait(), ctx.Err()); err != nil {
		return err
	}
	b.vectors = &vectors{rows: rows, queries: make([][]float32, 16)}
	rng := rand.New(rand.NewPCG(2, 0))
	for i := range b.vectors.queries {
		b.vectors.queries[i] = make([]float32, b.Dim)
		if err := random(rng, b.vectors.queries[i]); err != nil {
			return err
		}
	}
	return nil
}

// random fills v with a direction.
func random(rng *rand.Rand, v []float32) error {
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return embed.Normalize(v)
}

// items returns rows lo to hi with payloads.
func (v *vectors) items(lo, hi int) []index.Item {
	list := make([]index.Item, 0, hi-lo)
	for i := lo; i < hi; i++ {
		list = append(list, index.Item{ID: index.ID(i), Vector: v.rows.Row(i), Payload: index.Payload{
			index.KeyPath: fmt.Sprintf("%012d.jpg", i), "class": int64(i % classes),
		}})
	}
	return list
}
