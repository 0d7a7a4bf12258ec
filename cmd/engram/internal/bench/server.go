package bench

import (
	"context"
	"math"
	"runtime"

	"engram/index"
)

// server measures how fast a server on this machine takes vectors in and makes
// its graph of them, once, and how it searches them.
func (b *bench) server(ctx context.Context) error {
	info, err := b.Remote.Info(ctx)
	if err != nil {
		return err
	}
	if err := b.Remote.BeginBulk(ctx); err != nil {
		return err
	}
	rows := float64(b.Rows)
	upload, err := b.once(ctx, "import, "+info.Engine, "rows", rows, func(ctx context.Context) error { return b.fill(ctx, b.Remote) })
	if err != nil {
		return err
	}
	link, err := b.once(ctx, "build the graph, "+info.Engine, "rows", rows, func(ctx context.Context) error { return b.Remote.EndBulk(ctx, nil) })
	if err != nil {
		return err
	}
	search, err := b.search(ctx, b.Remote, info.Engine)
	if err != nil {
		return err
	}
	rates := &b.report.Rates
	rates.Upload = upload * 4 * float64(b.Dim)
	// Rates of graphs are given for 200,000 rows of 768 elements.
	scale := math.Log(max(2, rows)) / math.Log(200_000) * float64(b.Dim) / 768
	rates.Link = link * scale / float64(runtime.GOMAXPROCS(0))
	rates.Walk = 1000 / search / scale
	return nil
}

// fill puts all vectors into a store.
func (b *bench) fill(ctx context.Context, store index.Store) error {
	for lo := 0; lo < b.Rows; lo += batchRows {
		if err := store.Upsert(ctx, b.vectors.items(lo, min(b.Rows, lo+batchRows))); err != nil {
			return err
		}
	}
	return store.Flush(ctx)
}
