package local

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/vfs/crashfs"
	"engram/index"
)

// flushGrown writes items whose rows are in a graph before they are flushed.
func flushGrown(t *testing.T, s *Store, version int64, ids ...index.ID) {
	t.Helper()
	put(t, s, version, ids...)
	if err := s.grow(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustFlush(t, s)
}

// graphsOnDisk returns how many rows each segment with a graph has.
func graphsOnDisk(s *Store) (rows []int) {
	for _, p := range s.current.Load().parts {
		if p.segment.graph != 0 {
			rows = append(rows, p.live)
		}
	}
	return rows
}

// A flush writes the graph that rows in memory have; three such segments become one in the
// background, with what is written meanwhile, and a segment with many dead rows is
// written anew.
func TestSegmentsWithGraphsAreMerged(t *testing.T) {
	s := mustCreateStamped(t, t.TempDir(), 4)
	s.graphRows, s.segmentRows, s.firstGrown = 5000, 5000, 60
	mustLog(t, s, Logged)
	wait := awaitGraphs(t, s)
	flushGrown(t, s, 1, idsFrom(0, 200)...)
	flushGrown(t, s, 1, idsFrom(1000, 300)...)
	if diff := cmp.Diff([]int{200, 300}, graphsOnDisk(s)); diff != "" {
		t.Errorf("rows of segments with graphs (-want +got):\n%s", diff)
	}
	flushGrown(t, s, 2, idsFrom(150, 150)...) // fifty of them replace others
	remove(t, s, 2, 3, 1000, 299)
	put(t, s, 3, 4, 160, 1001, 5000)
	wait(1)
	if diff := cmp.Diff([]int{600 - 4 - 3}, graphsOnDisk(s)); diff != "" {
		t.Errorf("rows of segments with graphs (-want +got):\n%s", diff)
	}
	want := versions(t, s)
	if want[150] != 2 || want[160] != 3 || want[1001] != 3 || want[100] != 1 || len(want) != 600-4+1 {
		t.Errorf("%d items, %v", len(want), want)
	}
	if diff := cmp.Diff(want, onDisk(t, s)); diff != "" {
		t.Errorf("on disk (-want +got):\n%s", diff)
	}
	remove(t, s, idsFrom(1001, 299)...)
	mustFlush(t, s)
	wait(1)
	for _, p := range s.current.Load().parts {
		if p.segment.graph != 0 && p.live != len(p.segment.IDs) {
			t.Errorf("%d of %d rows are live after a merge", p.live, len(p.segment.IDs))
		}
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	want = versions(t, s)
	mustClose(t, s)
	opened := mustOpen(t, s.folder.Path)
	if diff := cmp.Diff(want, versions(t, opened)); diff != "" {
		t.Errorf("after opening (-want +got):\n%s", diff)
	}
	mustClose(t, opened)
}

// beginMerge writes the rows of three segments with graphs as one, as the background does,
// and returns the merge, which goes on once the test lets it.
func beginMerge(t *testing.T) (*Store, *flushing) {
	t.Helper()
	s := mustCreateStamped(t, t.TempDir(), 4)
	s.graphRows, s.segmentRows, s.firstGrown = 100, 5000, 60
	mustLog(t, s, Logged)
	s.bulk = true // no merge begins by itself
	for i := range index.ID(3) {
		flushGrown(t, s, 1, idsFrom(1000*i, 100)...)
	}
	due := s.current.Load().dueMerge()
	if len(due) != 3 {
		t.Fatalf("%d segments are due for merging, wanted 3", len(due))
	}
	for _, p := range due {
		p.segment.users.Add(1)
		t.Cleanup(p.segment.release)
	}
	f := &flushing{store: s}
	if err := f.writeMerged(t.Context(), due); err != nil {
		t.Fatal(err)
	}
	return s, f
}

// Rows that are deleted and replaced by a flush while their segments are merged are so in
// the new segment, also where the process is killed right after.
func TestAFlushWhileSegmentsAreMerged(t *testing.T) {
	s, f := beginMerge(t)
	remove(t, s, 1, 1001)
	put(t, s, 2, 2, 1002)
	mustFlush(t, s)
	remove(t, s, 3, 2003)
	put(t, s, 3, 4, 2004)
	g, err := f.mergedGraph(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.flusher.Lock()
	s.making = nil
	if err = f.nameMerged(t.Context(), g); err == nil {
		s.replaceMerged(f)
	}
	s.flusher.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	want := versions(t, s)
	if want[2] != 2 || want[4] != 3 || want[2004] != 3 || len(want) != 300-4 {
		t.Errorf("%d items, %v", len(want), want)
	}
	flushed := map[index.ID]int64{}
	for id, version := range want {
		flushed[id] = min(version, 2)
	}
	flushed[3], flushed[2003], flushed[4], flushed[2004] = 1, 1, 1, 1 // nothing is logged in a bulk load
	if diff := cmp.Diff(flushed, onDisk(t, s)); diff != "" {
		t.Errorf("on disk (-want +got):\n%s", diff)
	}
	mustFlush(t, s)
	if diff := cmp.Diff(want, onDisk(t, s)); diff != "" {
		t.Errorf("on disk after a flush (-want +got):\n%s", diff)
	}
	mustClose(t, s)
}

// An index that was optimised while its segments were merged is as that left it.
func TestSegmentsAreReplacedWhileTheyAreMerged(t *testing.T) {
	s, f := beginMerge(t)
	want := versions(t, s)
	if err := s.Optimise(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := f.finishMerged(); !errors.Is(err, errReplaced) {
		t.Errorf("error %v, wanted that the segments were replaced", err)
	}
	if err := f.undo(); err != nil {
		t.Error(err)
	}
	s.making = nil
	if diff := cmp.Diff(want, onDisk(t, s)); diff != "" {
		t.Errorf("on disk (-want +got):\n%s", diff)
	}
	mustClose(t, s)
}

// The power goes before each operation of a merge of segments with graphs.
func TestAPowerLossWhileGraphsAreMerged(t *testing.T) {
	t.Parallel()
	fsys, dir := newDisk(t)
	s, err := CreateFS(fsys, dir, Options{Dim: 4, Tokens: stamped})
	if err != nil {
		t.Fatal(err)
	}
	s.graphRows, s.segmentRows, s.firstGrown = 5000, 5000, 60
	wait := awaitGraphs(t, s)
	flushGrown(t, s, 1, idsFrom(0, 80)...)
	flushGrown(t, s, 1, idsFrom(100, 80)...)
	put(t, s, 1, idsFrom(200, 80)...)
	if err := s.grow(t.Context()); err != nil {
		t.Fatal(err)
	}
	state := versions(t, s)
	before := map[index.ID]int64{}
	for id := range state {
		if id < 200 {
			before[id] = 1
		}
	}
	crashes := uint64(0)
	fsys.Before(func(crashfs.Op, string) error {
		for range 2 {
			crashes++
			left, dir := powerLoss(t, fsys, rand.New(rand.NewPCG(crashes, 19)))
			check(t, left, dir, []map[index.ID]int64{before, state})
		}
		return nil
	})
	mustFlush(t, s)
	remove(t, s, 5) // which is not flushed
	wait(1)
	fsys.Before(nil)
	if diff := cmp.Diff([]int{239}, graphsOnDisk(s)); diff != "" {
		t.Errorf("rows of segments with graphs (-want +got):\n%s", diff)
	}
	mustClose(t, s)
	if crashes < 40 {
		t.Errorf("%d crashes, want at least 40", crashes)
	}
}
