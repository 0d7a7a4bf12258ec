package local

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/vfs/crashfs"
	"engram/index"
)

// awaitGraphs returns a function that waits until n more graphs were built in the
// background.
func awaitGraphs(t *testing.T, s *Store) (wait func(n int)) {
	t.Helper()
	built := make(chan Event, 100)
	s.Watch(func(e Event) {
		if e.Items > 0 && e.Step != Begun {
			built <- e
		}
	})
	return func(n int) {
		t.Helper()
		for range n {
			select {
			case e := <-built:
				if e.Step != Finished || e.Err != nil {
					t.Fatalf("event %+v, want a graph", e)
				}
			case <-t.Context().Done():
				t.Fatal("no graph was built")
			}
		}
	}
}

func idsFrom(first index.ID, n int) []index.ID {
	ids := make([]index.ID, n)
	for i := range ids {
		ids[i] = first + index.ID(i)
	}
	return ids
}

// A flush of a segment that is large enough has its graph built in the background; the
// graph is there after opening, with deletes and writes of meanwhile.
func TestGraphsAreBuiltInTheBackground(t *testing.T) {
	s := mustCreateStamped(t, t.TempDir(), 4)
	s.graphRows, s.segmentRows, s.calm = 50, 50, 0
	mustLog(t, s, Logged)
	wait := awaitGraphs(t, s)
	put(t, s, 1, idsFrom(0, 49)...)
	mustFlush(t, s) // too small
	put(t, s, 1, idsFrom(100, 60)...)
	mustFlush(t, s)
	remove(t, s, 3, 103, 104)
	put(t, s, 2, 105, 200)
	wait(1)
	checkIndexed(t, s, 107, 57)
	if diff := cmp.Diff(versions(t, s), onDisk(t, s)); diff != "" {
		t.Errorf("on disk (-want +got):\n%s", diff)
	}
	want := versions(t, s)
	mustClose(t, s)
	opened := mustOpen(t, s.folder.Path)
	defer mustClose(t, opened)
	checkIndexed(t, opened, 107, 57)
	if err := opened.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(want, versions(t, opened)); diff != "" {
		t.Errorf("after opening (-want +got):\n%s", diff)
	}
}

// A bulk load builds no graphs before its end, and Close ends the building of one.
func TestNoGraphsAreBuiltInTheBackgroundOfABulkLoad(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 4)
	s.graphRows, s.segmentRows, s.calm = 50, 50, 0
	if err := s.BeginBulk(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(t, s, 1, idsFrom(0, 60)...)
	mustFlush(t, s)
	s.writer.Lock()
	begun := s.endGraphs != nil
	s.writer.Unlock()
	if begun {
		t.Error("a graph is being built")
	}
	if err := s.EndBulk(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	put(t, s, 1, idsFrom(1000, 5000)...)
	mustFlush(t, s) // begins a graph
	mustClose(t, s)
	mustClose(t, mustOpen(t, s.folder.Path))
}

// The power goes before each operation while a graph is built in the background.
func TestAPowerLossWhileAGraphIsAttached(t *testing.T) {
	t.Parallel()
	fsys, dir := newDisk(t)
	s, err := CreateFS(fsys, dir, Options{Dim: 4, Tokens: stamped})
	if err != nil {
		t.Fatal(err)
	}
	s.graphRows, s.segmentRows, s.calm = 50, 50, 0
	wait := awaitGraphs(t, s)
	put(t, s, 1, idsFrom(0, 60)...)
	mustFlush(t, s)
	wait(1)
	put(t, s, 1, idsFrom(100, 70)...)
	state := versions(t, s)
	before := map[index.ID]int64{}
	for id := range state {
		if id < 100 {
			before[id] = 1
		}
	}
	crashes := uint64(0)
	fsys.Before(func(crashfs.Op, string) error {
		for range 4 {
			crashes++
			left, dir := powerLoss(t, fsys, rand.New(rand.NewPCG(crashes, 9)))
			check(t, left, dir, []map[index.ID]int64{before, state})
		}
		return nil
	})
	mustFlush(t, s)
	wait(1)
	fsys.Before(nil)
	checkIndexed(t, s, 130, 130)
	mustClose(t, s)
	if crashes < 40 {
		t.Errorf("%d crashes, want at least 40", crashes)
	}
}
