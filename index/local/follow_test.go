package local

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"engram/index"
)

// A follower sees what another process flushes, logs, merges and deletes, and keeps the
// segments open that it has open already.
func TestAFollowerSeesWhatIsWritten(t *testing.T) {
	s := mustCreateStamped(t, t.TempDir(), 4)
	follower, err := Follow(s.folder.Path, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	follows := func(what string) {
		t.Helper()
		if err := follower.refresh(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(versions(t, s), versions(t, follower)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	mustLog(t, s, Logged)
	put(t, s, 1, 1, 2, 3)
	follows("what is logged")
	mustFlush(t, s)
	if err := s.SetLabel(t.Context(), "name", "new"); err != nil {
		t.Fatal(err)
	}
	follows("what is flushed")
	if labels, err := follower.Labels(t.Context()); err != nil || labels["name"] != "new" {
		t.Errorf("labels %v, error %v", labels, err)
	}
	open := follower.current.Load().parts[0].segment
	put(t, s, 2, 3, 4)
	remove(t, s, 1)
	follows("deleted rows of a segment")
	if parts := follower.current.Load().parts; parts[0].segment != open || parts[0].live != 1 {
		t.Errorf("the segment was opened again, or has %d live rows, want 1", parts[0].live)
	}
	before, err := follower.acquire(t.Context()) // as a search does that is under way
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Optimise(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	mustFlush(t, s)
	follows("what is merged")
	if item, err := before.parts[0].segment.Item(0); err != nil || item.ID != 1 {
		t.Errorf("a search that had begun reads item %d, error %v", item.ID, err)
	}
	before.release()
	if _, err := follower.Delete(t.Context(), []index.ID{1}); !errors.Is(err, index.ErrReadOnly) {
		t.Errorf("a write: error %v, want ErrReadOnly", err)
	}
	mustClose(t, s)
	last := versions(t, follower)
	if err := os.RemoveAll(s.folder.Path); err != nil {
		t.Fatal(err)
	}
	mustClose(t, mustCreate(t, s.folder.Path, 5))
	if err := follower.refresh(); err == nil {
		t.Error("an index of another dimension was taken over")
	}
	if diff := cmp.Diff(last, versions(t, follower)); diff != "" {
		t.Errorf("after the index was replaced (-want +got):\n%s", diff)
	}
	mustClose(t, follower)
}

// A follower looks by itself. Once it has found nothing new for a while, its searches have
// the rows of the log put into a graph.
func TestAFollowerLooksByItself(t *testing.T) {
	t.Parallel()
	s := mustCreate(t, t.TempDir(), 4)
	follower, err := Follow(s.folder.Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	mustLog(t, s, Logged)
	put(t, s, 1, idsFrom(0, firstGrown)...)
	for {
		if info, err := follower.Info(t.Context()); err != nil {
			t.Fatal(err)
		} else if info.Count == firstGrown {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	for range 2 * scansOfRow {
		mustSearch(t, follower, index.Query{Vector: []float32{1, 0, 0, 0}, K: 1})
	}
	if follower.growing.Load() {
		t.Error("rows that the next look may replace are put into a graph")
	}
	for follower.current.Load().parts[0].segment.Graph() == nil {
		mustSearch(t, follower, index.Query{Vector: []float32{1, 0, 0, 0}, K: 1})
		time.Sleep(10 * time.Millisecond)
	}
	mustClose(t, follower)
	mustClose(t, s)
}

// What a follower reads takes the place of a graph that it has made of the log, and of one
// that it is making.
func TestAFollowerReadsWhileItMakesAGraph(t *testing.T) {
	s := mustCreateStamped(t, t.TempDir(), 4)
	mustLog(t, s, Logged)
	put(t, s, 1, idsFrom(0, 100)...)
	follower, err := OpenReadOnly(s.folder.Path)
	if err != nil {
		t.Fatal(err)
	}
	follower.firstGrown = 30
	follows := func() {
		t.Helper()
		if err := follower.refresh(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(versions(t, s), versions(t, follower)); diff != "" {
			t.Errorf("items (-want +got):\n%s", diff)
		}
	}
	mustGrow(t, follower, nil)
	if diff := cmp.Diff(versions(t, s), versions(t, follower)); diff != "" {
		t.Errorf("items in a graph (-want +got):\n%s", diff)
	}
	put(t, s, 2, idsFrom(50, 100)...)
	remove(t, s, 1, 2, 60)
	follows()
	mustGrow(t, follower, func() {
		put(t, s, 3, 3, 55, 200)
		remove(t, s, 4, 70)
		follows()
	})
	if diff := cmp.Diff(versions(t, s), versions(t, follower)); diff != "" {
		t.Errorf("after a graph that came too late (-want +got):\n%s", diff)
	}
	mustGrow(t, follower, func() {
		mustFlush(t, s)
		follows()
	})
	mustGrowNothing(t, follower)
	if diff := cmp.Diff(versions(t, s), versions(t, follower)); diff != "" {
		t.Errorf("after a flush (-want +got):\n%s", diff)
	}
	mustClose(t, s)
	mustClose(t, follower)
}

// mustGrowNothing checks that no rows in memory are there for a graph.
func mustGrowNothing(t *testing.T, s *Store) {
	t.Helper()
	if g := s.beginInsertion(); g != nil {
		g.release()
		t.Error("there are rows in memory, wanted none after a flush")
	}
}

// Where an index is deleted and made again in its folder, files have the names of others. A
// follower takes none of these for the ones that it has open.
func TestAFollowerOfAnIndexThatIsMadeAgain(t *testing.T) {
	build := func(dir string, version int64, ids ...index.ID) *Store {
		s := mustCreateStamped(t, dir, 4)
		put(t, s, version, ids...)
		mustFlush(t, s)
		return s
	}
	dir := t.TempDir()
	mustClose(t, build(dir, 1, 1, 2, 3))
	follower, err := Follow(dir, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	if err := Drop(dir); err != nil {
		t.Fatal(err)
	}
	again := build(dir, 2, 1, 7, 8)
	if err := follower.refresh(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(versions(t, again), versions(t, follower)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	mustClose(t, again)
	mustClose(t, follower)
}
