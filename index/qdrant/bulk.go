package qdrant

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"engram/data/progress"
	"engram/index"

	api "github.com/qdrant/go-client/qdrant"
	"golang.org/x/sync/errgroup"
)

var _ index.Bulk = (*Store)(nil)

// streams is how many requests of a bulk load are under way at a time.
const streams = 4

// catchUp is after how many requests of a bulk load one waits until the server
// has applied it and those before. Without, its queue would grow in its memory.
const catchUp = 32

// lastBytes bounds the points that are sent again at the end of a bulk load.
const lastBytes = 64 << 20

// bulk is the state of a bulk load.
type bulk struct {
	on   atomic.Bool
	sent atomic.Int64 // requests

	mu   sync.Mutex
	last []*api.PointStruct // the latest points (see keepLast)
}

// BeginBulk implements index.Bulk. The server builds no graph until EndBulk.
// Upserts are confirmed when the server has them in its log, several requests at
// a time; searches may miss them until EndBulk.
//
// A server that is away, as while it starts again, is waited for up to a minute in each
// call until EndBulk, instead of a few seconds.
//
// A load that breaks off is begun again, and upserts what it did before or goes
// on where it was: items have the same ids.
func (s *Store) BeginBulk(ctx context.Context) error {
	release, err := s.writing(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := s.setIndexing(ctx, 0); err != nil {
		return err
	}
	s.bulk.on.Store(true)
	s.patient.Store(true)
	return nil
}

// Loading reports whether the server builds no graph, as during a bulk load of
// whatever program, or after one that was killed.
func (s *Store) Loading(ctx context.Context) (bool, error) {
	release, err := s.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	info, err := s.collection(ctx, s.opts.Collection)
	if err != nil {
		return false, err
	}
	optimisers := info.GetConfig().GetOptimizerConfig()
	return optimisers != nil && optimisers.IndexingThreshold != nil && optimisers.GetIndexingThreshold() == 0, nil
}

// setIndexing sets the size in KB from which on the server builds a graph, 0 for
// never.
func (s *Store) setIndexing(ctx context.Context, threshold uint64) error {
	return s.update(ctx, &api.OptimizersConfigDiff{IndexingThreshold: &threshold})
}

// update changes the settings of the server's optimisers. Without a change it
// wakes them up.
func (s *Store) update(ctx context.Context, change *api.OptimizersConfigDiff) error {
	_, err := call(ctx, s.server, "update collection "+s.opts.Collection, func(ctx context.Context) (bool, error) {
		return true, s.client.UpdateCollection(ctx, &api.UpdateCollection{CollectionName: s.opts.Collection, OptimizersConfig: change})
	})
	return err
}

// upsertBulk is Upsert while a bulk load goes on.
func (s *Store) upsertBulk(ctx context.Context, items []index.Item) error {
	release, err := s.reading(ctx)
	if err != nil {
		return err
	}
	defer release()
	points, err := s.encode(items)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(streams)
	for batch := range batches(points) {
		group.Go(func() error { return s.sendBulk(ctx, batch) })
	}
	return group.Wait()
}

func (s *Store) sendBulk(ctx context.Context, batch []*api.PointStruct) error {
	s.keepLast(batch)
	return s.send(ctx, batch, s.bulk.sent.Add(1)%catchUp == 0)
}

// keepLast notes a request as the latest one. It keeps as many points as a full
// request has, or fewer where tokens make them large.
func (s *Store) keepLast(batch []*api.PointStruct) {
	size := 4*s.config.dim + 4*s.config.tokens.Count*tokenWidth(s.config.tokens)
	most := min(batchPoints, max(16, lastBytes/size))
	s.bulk.mu.Lock()
	defer s.bulk.mu.Unlock()
	s.bulk.last = append(s.bulk.last, batch...)
	s.bulk.last = slices.Clone(s.bulk.last[max(0, len(s.bulk.last)-most):])
}

// dropLast forgets points that were deleted, or else the end of a bulk load would
// bring them back.
func (s *Store) dropLast(ids []*api.PointId) {
	gone := make(map[uint64]bool, len(ids))
	for _, id := range ids {
		gone[id.GetNum()] = true
	}
	s.bulk.mu.Lock()
	defer s.bulk.mu.Unlock()
	s.bulk.last = slices.DeleteFunc(s.bulk.last, func(p *api.PointStruct) bool { return gone[p.GetId().GetNum()] })
}

// Upload upserts the items of a sequence as a bulk load, from BeginBulk to
// EndBulk, in requests that several goroutines prepare and send. Of items with
// the same id any one may stay. The sequence's first error ends the load.
func (s *Store) Upload(ctx context.Context, items iter.Seq2[index.Item, error], watch progress.Func) error {
	if err := s.BeginBulk(ctx); err != nil {
		return err
	}
	group, sending := errgroup.WithContext(ctx)
	group.SetLimit(streams)
	batch := make([]index.Item, 0, batchPoints)
	send := func() {
		full := slices.Clone(batch)
		batch = batch[:0]
		group.Go(func() error { return s.upsertBulk(sending, full) })
	}
	for item, err := range items {
		if err == nil {
			err = sending.Err()
		}
		if err != nil {
			group.Go(func() error { return err })
			break
		}
		if batch = append(batch, item); len(batch) == batchPoints {
			send()
		}
	}
	if len(batch) > 0 {
		send()
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return s.EndBulk(ctx, watch)
}

// EndBulk implements index.Bulk. It waits until the server has applied all and
// built the graph. It reports how many vectors the graph has: fewer than all at the
// end, as the server leaves small parts without one.
func (s *Store) EndBulk(ctx context.Context, watch progress.Func) error {
	release, err := s.writing(ctx)
	if err != nil {
		return err
	}
	defer release()
	// Each shard works off its queue in order: once it has the latest points again,
	// which are enough to lie in all shards, it has the others.
	if last := s.bulk.last; len(last) > 0 {
		if err := s.send(ctx, last, true); err != nil {
			return err
		}
	}
	if err := s.setIndexing(ctx, indexingThreshold); err != nil {
		return err
	}
	if err := s.waitGreen(ctx, watch); err != nil {
		return err
	}
	s.bulk.last = nil
	s.bulk.on.Store(false)
	s.patient.Store(false)
	return nil
}

// Waits between looks at a collection that is being optimised.
const (
	firstLook = 20 * time.Millisecond
	slowLook  = time.Second
)

// waitGreen waits until the server has nothing left to do.
func (s *Store) waitGreen(ctx context.Context, watch progress.Func) error {
	for wait := firstLook; ; wait = min(2*wait, slowLook) {
		info, err := s.collection(ctx, s.opts.Collection)
		if err != nil {
			return err
		}
		watch.Report(progress.Report{
			Stage: index.Indexing, Unit: "items", Done: int64(info.GetIndexedVectorsCount()), Total: int64(info.GetPointsCount()),
		})
		switch info.GetStatus() {
		case api.CollectionStatus_Green:
			if info.GetUpdateQueue().GetLength() == 0 {
				return nil
			}
		case api.CollectionStatus_Red:
			return fmt.Errorf("qdrant: collection %s at %s is broken: %s", s.opts.Collection, s.addr, info.GetOptimizerStatus().GetError())
		case api.CollectionStatus_Grey:
			// After a restart the server only goes on when it is told something.
			if err := s.update(ctx, &api.OptimizersConfigDiff{}); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("qdrant: wait for collection %s: %w", s.opts.Collection, ctx.Err())
		case <-time.After(wait):
		}
	}
}
