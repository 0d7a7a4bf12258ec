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

// A follower looks by itself.
func TestAFollowerLooksByItself(t *testing.T) {
	t.Parallel()
	s := mustCreate(t, t.TempDir(), 4)
	follower, err := Follow(s.folder.Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	mustLog(t, s, Logged)
	put(t, s, 1, 1, 2)
	for {
		if info, err := follower.Info(t.Context()); err != nil {
			t.Fatal(err)
		} else if info.Count == 2 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	mustClose(t, follower)
	mustClose(t, s)
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
