package local

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"engram/index"
)

var soak = flag.Duration("soak", time.Second, "how long an index is under load while memory and open files are watched")

// soakItems is how many ids there are; about half are items at a time.
const (
	soakItems = 20_000
	soakDim   = 32
)

// use is what a process uses.
type use struct {
	memory     int64 // of no file, bytes
	goroutines int
	files      int   // that are open or mapped
	disk       int64 // bytes of the index
}

// lookAt returns what this process and an index use now; 0 where the system does not tell.
func lookAt(t *testing.T, s *Store) (u use) {
	t.Helper()
	debug.FreeOSMemory()
	status, _ := os.ReadFile("/proc/self/status") // not on every system
	for line := range strings.Lines(string(status)) {
		if n, _ := fmt.Sscanf(line, "RssAnon: %d kB", &u.memory); n == 1 {
			u.memory <<= 10
		}
	}
	open, _ := os.ReadDir("/proc/self/fd")
	u.files = len(open)
	maps, _ := os.ReadFile("/proc/self/maps")
	u.files += strings.Count(string(maps), s.folder.Path)
	u.goroutines = runtime.NumGoroutine()
	s.flusher.Lock() // or else files come and go
	defer s.flusher.Unlock()
	u.disk = size(t, s)
	return u
}

// An index is under a load of writes, deletes, searches with filters, flushes, merges,
// graphs, snapshots and readers. Memory, goroutines, open files and the disk stay as they
// are. The longer run is go test ./index/local -run Soak -v -soak 10m -timeout 20m.
func TestSoak(t *testing.T) {
	s := mustCreate(t, filepath.Join(t.TempDir(), "index"), soakDim)
	before := lookAt(t, s)
	s.memoryLimit, s.graphRows, s.segmentRows, s.calm, s.maxLog = 1<<20, 2000, 2000, 0, 4<<20
	mustLog(t, s, Grouped)
	if err := s.IndexPayload(t.Context(), map[string]index.PayloadKind{"class": index.Integer}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), *soak)
	defer stop()
	var group sync.WaitGroup
	done := make([]int, len(soakWork))
	for i, work := range soakWork {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 1))
			for ; ctx.Err() == nil; done[i]++ {
				if err := work(ctx, s, rng); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var seen []use
	for looked := time.Now(); ctx.Err() == nil; time.Sleep(*soak / 60) {
		u := lookAt(t, s)
		if seen = append(seen, u); time.Since(looked) >= *soak/10 {
			looked = time.Now()
			t.Logf("%6.1f MiB, %d goroutines, %d files, %6.1f MiB on disk", float64(u.memory)/(1<<20), u.goroutines, u.files, float64(u.disk)/(1<<20))
		}
	}
	group.Wait()
	mustClose(t, s)
	t.Logf("upserts %d, deletes %d, payloads %d, searches %d, flushes and merges %d, snapshots and readers %d", done[0], done[1], done[2], done[3], done[4], done[5])
	if after := lookAt(t, s); after.files > before.files || after.goroutines > before.goroutines {
		t.Errorf("%d open files and %d goroutines are left, there were %d and %d", after.files, after.goroutines, before.files, before.goroutines)
	}
	if *soak >= time.Minute { // or else the load is still growing
		checkFlat(t, seen)
	}
}

// checkFlat compares the second quarter of what was seen with the last one.
func checkFlat(t *testing.T, seen []use) {
	t.Helper()
	quarter := len(seen) / 4
	for name, of := range map[string]func(use) int64{
		"bytes of memory": func(u use) int64 { return u.memory }, "goroutines": func(u use) int64 { return int64(u.goroutines) },
		"open files": func(u use) int64 { return int64(u.files) }, "bytes on disk": func(u use) int64 { return u.disk },
	} {
		median := func(from int) int64 {
			var values []int64
			for _, u := range seen[from : from+quarter] {
				values = append(values, of(u))
			}
			slices.Sort(values)
			return values[len(values)/2]
		}
		if first, last := median(quarter), median(3*quarter); last > first+first/2 {
			t.Errorf("%s: %d in the second quarter, %d in the last", name, first, last)
		}
	}
}

// soakWork is what goes on at the same time, each again and again.
var soakWork = []func(context.Context, *Store, *rand.Rand) error{
	func(ctx context.Context, s *Store, rng *rand.Rand) error {
		items := make([]index.Item, 1+rng.IntN(500))
		for i := range items {
			v := make([]float32, soakDim)
			for j := range v {
				v[j] = float32(rng.NormFloat64())
			}
			items[i] = index.Item{ID: index.ID(rng.IntN(soakItems)), Vector: v, Payload: index.Payload{"class": int64(rng.IntN(10))}}
		}
		return s.Upsert(ctx, items)
	},
	func(ctx context.Context, s *Store, rng *rand.Rand) error {
		ids := make([]index.ID, 1+rng.IntN(300))
		for i := range ids {
			ids[i] = index.ID(rng.IntN(soakItems))
		}
		_, err := s.Delete(ctx, ids)
		return err
	},
	func(ctx context.Context, s *Store, rng *rand.Rand) error {
		_, err := s.SetPayloads(ctx, map[index.ID]index.Payload{index.ID(rng.IntN(soakItems)): {"class": int64(rng.IntN(10))}})
		return err
	},
	func(ctx context.Context, s *Store, rng *rand.Rand) error {
		v := make([]float32, soakDim)
		v[rng.IntN(soakDim)], v[rng.IntN(soakDim)] = 1, 2
		q := index.Query{Vector: v, K: 10, WithPayload: true, Exact: rng.IntN(4) == 0}
		if rng.IntN(2) == 0 {
			q.Filter = index.Equal{Key: "class", Value: int64(rng.IntN(10))}
		}
		_, err := s.Search(ctx, q)
		return err
	},
	func(ctx context.Context, s *Store, rng *rand.Rand) error {
		if rng.IntN(20) == 0 {
			return s.Optimise(ctx, nil)
		}
		time.Sleep(20 * time.Millisecond)
		return s.Flush(ctx)
	},
	func(ctx context.Context, s *Store, _ *rand.Rand) error {
		dir := s.folder.Path + ".copy"
		if err := s.Snapshot(ctx, dir); err != nil {
			return err
		}
		for _, dir := range []string{dir, s.folder.Path} {
			reader, err := OpenReadOnly(dir)
			if err != nil {
				return err
			}
			if err := reader.Close(); err != nil {
				return err
			}
		}
		return os.RemoveAll(dir)
	},
}
