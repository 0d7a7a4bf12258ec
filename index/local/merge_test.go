package local

import (
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
	"engram/index/internal/column"
	"engram/index/internal/disk"
)

// segmentFiles returns how many segment files there are and their bytes.
func segmentFiles(t *testing.T, s *Store) (n int, bytes int64) {
	t.Helper()
	for name, size := range files(t, s.folder.Path) {
		if strings.HasSuffix(name, ".seg") {
			n++
			bytes += size
		}
	}
	return n, bytes
}

func TestSegmentsStayFewWhenTheIndexGrows(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 4)
	defer mustClose(t, s)
	want := map[index.ID]int64{}
	for id := range index.ID(120) {
		put(t, s, 1, id)
		want[id] = 1
		mustFlush(t, s)
		// At most fanIn of each size class: 1, 8, 64.
		if n, _ := segmentFiles(t, s); n > 3*fanIn {
			t.Fatalf("%d segments after %d flushes", n, id+1)
		}
	}
	if diff := cmp.Diff(want, versions(t, s)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

func TestDiskAndMemoryAreGivenBack(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 256)
	defer mustClose(t, s)
	var ids []index.ID
	for id := range index.ID(2000) {
		ids = append(ids, id)
	}
	for version := range int64(5) {
		put(t, s, version, ids...)
		mustFlush(t, s)
	}
	_, full := segmentFiles(t, s)
	if limit := int64(2 * 2000 * disk.RowSizes(256).Total()); full > limit {
		t.Errorf("%d bytes for 2,000 rows written five times, want at most %d", full, limit)
	}
	remove(t, s, ids[:1500]...)
	mustFlush(t, s)
	if n, left := segmentFiles(t, s); n != 1 || left > full/3 {
		t.Errorf("%d segments with %d bytes for a quarter of the rows, %d before", n, left, full)
	}
	remove(t, s, ids[1500:]...)
	mustFlush(t, s)
	if n, _ := segmentFiles(t, s); n != 0 {
		t.Errorf("%d segments for no rows", n)
	}
	if parts := s.current.Load().parts; len(parts) != 0 {
		t.Errorf("%d parts in memory for no rows", len(parts))
	}
}

// A segment that was merged away stays mapped while somebody reads it, and no
// longer.
func TestASegmentIsClosedWhenItsLastReaderIsDone(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 4)
	put(t, s, 1, 1, 2, 3)
	mustFlush(t, s)
	old := s.current.Load().parts[0].segment

	next, stop := iter.Pull2(s.All(t.Context()))
	if item, err, ok := next(); item.ID != 1 || err != nil || !ok {
		t.Fatalf("first item %v, %v", item, err)
	}
	remove(t, s, 2, 3)
	mustFlush(t, s)
	if n := old.users.Load(); n != 1 {
		t.Errorf("%d users of the old segment during the iteration, want 1", n)
	}
	for _, want := range []index.ID{2, 3} {
		if item, err, _ := next(); item.ID != want || err != nil {
			t.Errorf("item %d, error %v; want %d", item.ID, err, want)
		}
	}
	stop()
	if n := old.users.Load(); n != 0 {
		t.Errorf("%d users of the old segment after the iteration, want 0", n)
	}
	current := s.current.Load().parts[0].segment
	mustClose(t, s)
	if n := current.users.Load(); n != 0 {
		t.Errorf("%d users of the segment after closing, want 0", n)
	}
}

func TestRowsInMemoryLieInFewSegments(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 4)
	defer mustClose(t, s)
	for id := range index.ID(1000) {
		put(t, s, 1, id*7919%1000)
		if n := len(s.current.Load().parts); n > 11 { // 1 + log2(1000)
			t.Fatalf("%d segments for %d rows", n, id+1)
		}
	}
	if n := len(versions(t, s)); n != 1000 {
		t.Errorf("%d items, want 1000", n)
	}
}

// A segment that is full is not written again because there are many, however
// large the index grows; smaller ones are.
func TestFullSegmentsAreLeftAlone(t *testing.T) {
	const dim = 1 << 16
	segments := func(n, bytes int) (parts []part) {
		rows := bytes / disk.RowSizes(dim).Total()
		for i := range n {
			s := &disk.Segment{Rows: column.Rows{Dim: dim, IDs: make([]index.ID, rows)}}
			parts = append(parts, part{segment: &segment{Segment: s, file: uint64(i + 1)}, live: rows})
		}
		return parts
	}
	inMemory := segments(1, 1<<30)
	inMemory[0].segment.file = 0
	for _, test := range []struct{ size, merged int }{{fullSegment + disk.RowSizes(dim).Total(), 1}, {fullSegment / 2, 11}} {
		parts := append(segments(20, test.size), inMemory...)
		kept, merged, err := plan(t.Context(), parts)
		if err != nil || len(merged) != test.merged || len(kept)+len(merged) != len(parts) {
			t.Errorf("of 20 segments of %d bytes %d stay and %d are written with the one in memory, error %v; want %d written",
				test.size, len(kept), len(merged), err, test.merged)
		}
	}
}

func TestABulkLoadKeepsMoreInMemory(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 4)
	defer mustClose(t, s)
	s.memoryLimit = 1
	put(t, s, 1, 1)
	put(t, s, 1, 2) // begins to flush the first
	join(s)
	if n, _ := segmentFiles(t, s); n != 1 {
		t.Fatalf("%d segments before the load, want 1", n)
	}
	if err := s.BeginBulk(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id := range index.ID(100) {
		put(t, s, 2, id)
	}
	if n, _ := segmentFiles(t, s); n != 1 {
		t.Errorf("%d segments in the course of the load, want 1", n)
	}
	if err := s.EndBulk(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if s.memoryLimit != defaultMemoryLimit || s.dirty {
		t.Errorf("after the load the limit is %d, unflushed %v", s.memoryLimit, s.dirty)
	}
	want := map[index.ID]int64{}
	for id := range index.ID(100) {
		want[id] = 2
	}
	if diff := cmp.Diff(want, versions(t, s)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}
