package local

import (
	"context"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
)

// Four writers share an index with searches, flushes, graphs, snapshots and readers. Each
// writer has ids of its own; at the end the index has what each wrote last, and so has a
// reader that applies the log.
func TestMixedLoad(t *testing.T) {
	t.Parallel()
	s := mustCreate(t, t.TempDir(), 4)
	s.memoryLimit, s.graphRows, s.segmentRows, s.firstGrown, s.calm = 8000, 60, 60, 20, 0
	mustLog(t, s, Grouped)
	const writers, writes = 4, 40
	ctx, stop := context.WithCancel(t.Context())
	var others, group sync.WaitGroup
	for _, work := range []func(int) error{
		func(i int) error {
			_, err := s.Search(t.Context(), index.Query{Vector: []float32{1, float32(i % 50), 0, 0}, K: 5, WithPayload: true})
			return err
		},
		func(i int) error { return s.Flush(t.Context()) },
		func(int) error { return s.grow(t.Context()) },
		func(int) error { return s.Optimise(t.Context(), nil) },
		func(int) error { return s.Snapshot(t.Context(), filepath.Join(t.TempDir(), "copy")) },
		func(int) error {
			reader, err := OpenReadOnly(s.folder.Path)
			if err != nil {
				return err
			}
			return reader.Close()
		},
	} {
		others.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := work(i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	models := make([]map[index.ID]int64, writers)
	for w := range models {
		group.Go(func() {
			var err error
			if models[w], err = writeOwn(t.Context(), s, w, writes); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	stop()
	others.Wait()
	want := map[index.ID]int64{}
	for _, m := range models {
		maps.Copy(want, m)
	}
	if diff := cmp.Diff(want, versions(t, s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, onDisk(t, s)); diff != "" {
		t.Errorf("on disk (-want +got):\n%s", diff)
	}
	mustClose(t, s)
}

// writeOwn writes items whose ids are writer's own, and returns which versions it left.
func writeOwn(ctx context.Context, s *Store, writer, writes int) (map[index.ID]int64, error) {
	rng := rand.New(rand.NewPCG(uint64(writer), 1))
	model := map[index.ID]int64{}
	for v := range int64(writes) {
		var ids []index.ID
		for range 1 + rng.IntN(8) {
			ids = append(ids, index.ID(1000*writer+rng.IntN(60)))
		}
		var err error
		switch rng.IntN(5) {
		case 0:
			for _, id := range ids {
				delete(model, id)
			}
			_, err = s.Delete(ctx, ids)
		case 1:
			payloads := map[index.ID]index.Payload{}
			for _, id := range ids {
				payloads[id] = index.Payload{"version": v}
				if _, there := model[id]; there {
					model[id] = v
				}
			}
			_, err = s.SetPayloads(ctx, payloads)
		default:
			for _, id := range ids {
				model[id] = v
			}
			err = s.Upsert(ctx, version(v, ids...))
		}
		if err != nil {
			return nil, err
		}
	}
	return model, nil
}

// BenchmarkDurability upserts items of 512 elements from 128 goroutines, one item a
// call, and reports items per second: with each durability.
func BenchmarkDurability(b *testing.B) {
	for _, d := range []Durability{AtFlush, Logged, Grouped, Synced} {
		b.Run(string(d), func(b *testing.B) {
			s, err := Create(b.TempDir(), Options{Dim: 512})
			if err != nil {
				b.Fatal(err)
			}
			if err := s.SetDurability(d); err != nil {
				b.Fatal(err)
			}
			vector := make([]float32, 512)
			for i := range vector {
				vector[i] = float32(i%7) - 3
			}
			var next atomic.Uint64
			b.SetParallelism(64) // goroutines per core, on two cores
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					id := index.ID(next.Add(1))
					if err := s.Upsert(b.Context(), []index.Item{{ID: id, Vector: vector, Payload: index.Payload{"path": "a.jpg"}}}); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "items/s")
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
