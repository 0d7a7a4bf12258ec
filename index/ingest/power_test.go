package ingest_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"engram/data/vfs/crashfs"
	"engram/index"
	"engram/index/ingest"
	"engram/index/local"
)

// computer is a machine with an index on its disk.
type computer struct {
	fsys *crashfs.FS
	dir  string
}

func newComputer(t *rapid.T, disk string) computer {
	t.Helper()
	fsys, err := crashfs.New(disk)
	if err != nil {
		t.Fatal(err)
	}
	return computer{fsys, filepath.Join(disk, "index")}
}

// open opens the index and its ledger, or begins them.
func (c computer) open() (*local.Store, *ingest.Ledger, error) {
	store, err := local.OpenFS(c.fsys, c.dir)
	if errors.Is(err, index.ErrNotFound) {
		store, err = local.CreateFS(c.fsys, c.dir, local.Options{Dim: 2})
	}
	if err != nil {
		return nil, nil, err
	}
	ledger, err := ingest.OpenLedgerFS(c.fsys, c.dir)
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	return store, ledger, nil
}

// build brings the index in line with a source, unless the process is killed. It
// returns the items.
func (c computer) build(t *rapid.T, source library) (map[index.ID]index.Item, error) {
	t.Helper()
	store, ledger, err := c.open()
	if err != nil {
		return nil, err
	}
	_, err = ingest.Job{
		Shards: source.shards(), Encoder: &pairs{}, Store: store, Ledger: ledger,
		Batch: 2, Prune: true, Checkpoint: 50 * time.Microsecond,
	}.Run(context.Background())
	items := map[index.ID]index.Item{}
	for item, e := range store.All(context.Background()) {
		err = errors.Join(err, e)
		items[item.ID] = item
	}
	return items, errors.Join(err, store.Close(), ledger.Close())
}

// A machine builds an index of a source that changes. The process is killed, and
// the power goes, at any moment. In the end the index equals a fresh one:
// so the ledger has never had a row that the store had not, and has never
// forgotten one that was to be deleted.
func TestAfterPowerLossesTheIndexIsThatOfAFreshBuild(t *testing.T) {
	newDir := t.TempDir
	rapid.Check(t, func(t *rapid.T) {
		c := newComputer(t, newDir())
		source := library{}
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			source.change(t)
			var operations atomic.Int64
			operations.Store(rapid.Int64Range(0, 60).Draw(t, "operations"))
			c.fsys.Before(func(crashfs.Op, string) error {
				if operations.Add(-1) < 0 {
					return errKilled
				}
				return nil
			})
			if _, err := c.build(t, source); err != nil && !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			c.fsys.Before(nil)
			if rapid.Bool().Draw(t, "power loss") {
				left := newDir()
				if err := c.fsys.Crash(left, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))); err != nil {
					t.Fatal(err)
				}
				c = newComputer(t, left)
			}
		}
		got, err := c.build(t, source)
		if err != nil {
			t.Fatal(err)
		}
		want, err := newComputer(t, newDir()).build(t, source)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("the index differs from a fresh one (-want +got):\n%s", diff)
		}
	})
}

// The rows go to a server, which lives on when the power goes, and only the ledger
// is on this machine's disk. A process is killed while it records that a shard
// is begun, the next one stores a row of it, and then the power goes. The ledger
// must still know that the shard was begun: a row that the source has no longer
// is to be deleted.
func TestAPowerLossDoesNotForgetAShardThatWasBegun(t *testing.T) {
	for seed := range uint64(30) {
		dir, server := t.TempDir(), newMemory()
		fsys := mustNew(t, dir)
		old := library{"a": {{"0", "a", false}, {"1", "b", false}}}
		written, dead := false, false
		err := buildOn(t, fsys, dir, old, server, func(op crashfs.Op, _ string) error {
			dead = dead || written && op == crashfs.Sync
			written = written || op == crashfs.Write
			if dead {
				return errKilled
			}
			return nil
		})
		if !dead || !errors.Is(err, errKilled) {
			t.Fatalf("the first process ended by itself: %v", err)
		}
		err = buildOn(t, fsys, dir, old, server, func(crashfs.Op, string) error {
			if len(server.durable) > 0 {
				return errKilled
			}
			return nil
		})
		if len(server.durable) == 0 || !errors.Is(err, errKilled) {
			t.Fatalf("%d rows on the server, error %v", len(server.durable), err)
		}
		left := t.TempDir()
		if err := fsys.Crash(left, rand.New(rand.NewPCG(seed, 0))); err != nil {
			t.Fatal(err)
		}
		if err := buildOn(t, mustNew(t, left), left, library{"a": {{"2", "a", false}}}, server, nil); err != nil {
			t.Fatal(err)
		}
		if len(server.durable) != 1 {
			t.Fatalf("seed %d: the server has %d rows, want one", seed, len(server.durable))
		}
	}
}

func mustNew(t *testing.T, dir string) *crashfs.FS {
	t.Helper()
	fsys, err := crashfs.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}

// buildOn builds an index on a server with its ledger in a folder.
func buildOn(t *testing.T, fsys *crashfs.FS, dir string, source library, server index.Store, before func(crashfs.Op, string) error) error {
	t.Helper()
	fsys.Before(before)
	defer fsys.Before(nil)
	ledger, err := ingest.OpenLedgerFS(fsys, dir)
	if err != nil {
		return err
	}
	_, err = ingest.Job{Shards: source.shards(), Encoder: &pairs{}, Store: server, Ledger: ledger}.Run(t.Context())
	return errors.Join(err, ledger.Close())
}

// The disk is full in the midst of a line. The lines after it do not follow half
// of it, however the next one is written.
func TestALineThatWasNotWrittenLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	fsys := mustNew(t, dir)
	c := computer{fsys, filepath.Join(dir, "index")}
	store, ledger, err := c.open()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.dir, ingest.LedgerName)
	full := true
	fsys.Before(func(op crashfs.Op, at string) error {
		if op == crashfs.Sync && at == path && full {
			return syscall.ENOSPC
		}
		return nil
	})
	job := ingest.Job{
		Shards: library{"a": {{"0", "a", false}}}.shards(), Encoder: &pairs{}, Store: store, Ledger: ledger,
	}
	if _, err := job.Run(t.Context()); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("error %v, want ENOSPC", err)
	}
	if text, err := os.ReadFile(path); err != nil || len(text) != 0 {
		t.Errorf("the ledger has %q, %v, want nothing", text, err)
	}
	full = false
	mustRun(t, job)
	if err := errors.Join(store.Close(), ledger.Close()); err != nil {
		t.Fatal(err)
	}
	store, ledger, err = c.open()
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	defer ledger.Close()
	if !ledger.Finished() {
		t.Error("the ledger has no end")
	}
}
