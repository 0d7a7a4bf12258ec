package local

import (
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/progress"
	"engram/data/vfs"
	"engram/index"
	"engram/index/internal/disk"
)

// graphNames returns the names of the files of graphs.
func graphNames(t *testing.T, s *Store) []string {
	t.Helper()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(files(t, s.folder.Path))), func(name string) bool { return !strings.HasSuffix(name, ".graph") })
}

// addRandom upserts n items of random directions, from id first on.
func addRandom(t *testing.T, s *Store, rng *rand.Rand, first, n int) {
	t.Helper()
	items := make([]index.Item, n)
	for i := range items {
		v := make([]float32, s.info.Dim)
		for j := range v {
			v[j] = float32(rng.NormFloat64())
		}
		items[i] = index.Item{ID: index.ID(first + i), Vector: v, Payload: index.Payload{"version": int64(first)}}
	}
	if err := s.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
}

// mustSearch returns what is found near the ids-th item.
func mustSearch(t *testing.T, s *Store, q index.Query) []index.Hit {
	t.Helper()
	hits, err := s.Search(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return hits
}

// checkSearches compares searches with exact ones: as many hits, with the same scores,
// and nearly all of the nearest. It returns the recall.
func checkSearches(t *testing.T, s *Store, recall float64) float64 {
	t.Helper()
	rng, found, all := rand.New(rand.NewPCG(9, 9)), 0, 0
	for range 100 {
		q := index.Query{Vector: make([]float32, s.info.Dim), K: 10, Recall: recall}
		for j := range q.Vector {
			q.Vector[j] = float32(rng.NormFloat64())
		}
		got := mustSearch(t, s, q)
		q.Exact, q.Recall = true, 0
		want := mustSearch(t, s, q)
		if len(got) != len(want) {
			t.Fatalf("%d hits, %d are exact", len(got), len(want))
		}
		for _, h := range got {
			all++
			if h.Score >= want[len(want)-1].Score {
				found++
			}
		}
	}
	return float64(found) / float64(all)
}

func checkIndexed(t *testing.T, s *Store, count, indexed int) {
	t.Helper()
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	graphs, err := s.Graphs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for _, g := range graphs {
		got += g.Items
	}
	if info.Count != count || got != indexed {
		t.Errorf("%d items, %d of them in a graph; wanted %d and %d", info.Count, got, count, indexed)
	}
}

func TestABulkLoadEndsWithAGraph(t *testing.T) {
	dir, rng := t.TempDir(), rand.New(rand.NewPCG(1, 1))
	s := mustCreate(t, dir, 12)
	s.graphRows = 1000
	for at := 0; at < 4000; at += 1000 {
		addRandom(t, s, rng, at, 1000)
		mustFlush(t, s)
	}
	checkIndexed(t, s, 4000, 0)
	var last progress.Report
	if err := s.EndBulk(t.Context(), func(r progress.Report) { last = r }); err != nil {
		t.Fatal(err)
	}
	if last.Stage != index.Indexing || last.Unit != "items" || last.Done < 3900 || last.Total != 4000 {
		t.Errorf("the last report is %+v", last)
	}
	checkIndexed(t, s, 4000, 4000)
	for recall, least := range map[float64]float64{0: .95, .8: .75, .999: .99, 1: 1} {
		if got := checkSearches(t, s, recall); got < least {
			t.Errorf("recall %.3f where %v is asked for", got, recall)
		}
	}
	// Items that come and go since are found, and are not.
	for id := range index.ID(1500) {
		remove(t, s, 2*id)
	}
	addRandom(t, s, rng, 10_000, 50)
	for range 2 {
		checkIndexed(t, s, 2550, 2500)
		if got := checkSearches(t, s, 0); got < .9 {
			t.Errorf("recall %.3f after changes", got)
		}
		if err := s.Verify(t.Context()); err != nil {
			t.Error(err)
		}
		mustClose(t, s)
		s = mustOpen(t, dir)
	}
	mustClose(t, s)
}

func TestAGraphIsBuiltWhereItIsDue(t *testing.T) {
	s, rng := mustCreate(t, t.TempDir(), 4), rand.New(rand.NewPCG(2, 1))
	defer mustClose(t, s)
	s.graphRows = 200
	step := func(rows int, optimise bool, indexed, graphs int) {
		t.Helper()
		at := int(s.current.Load().count)
		addRandom(t, s, rng, at, rows)
		var err error
		if optimise {
			err = s.Optimise(t.Context(), nil)
		} else {
			err = s.EndBulk(t.Context(), nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		checkIndexed(t, s, at+rows, indexed)
		if got := graphNames(t, s); len(got) != graphs {
			t.Errorf("%d rows: graphs %v, wanted %d", at+rows, got, graphs)
		}
	}
	step(199, true, 0, 0)
	step(1, false, 200, 1)
	step(199, false, 200, 1) // few are looked at one by one
	step(1, false, 400, 1)   // the graph is not much larger
	step(1400, false, 1800, 1)
	step(200, false, 2000, 2) // the graph is much larger than 200 rows
	step(0, true, 2000, 1)
	before := files(t, s.folder.Path)
	step(0, true, 2000, 1)
	if diff := cmp.Diff(before, files(t, s.folder.Path)); diff != "" {
		t.Errorf("with nothing to do (-before +after):\n%s", diff)
	}
}

// A segment that would be written as it is keeps its file.
func TestASegmentGetsAGraphWithoutBeingWritten(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 4)
	defer mustClose(t, s)
	addRandom(t, s, rand.New(rand.NewPCG(3, 1)), 0, 100)
	mustFlush(t, s)
	s.graphRows = 50
	if err := s.Optimise(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	checkIndexed(t, s, 100, 100)
	var names []string
	for name := range files(t, s.folder.Path) {
		names = append(names, name)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{disk.SegmentName(1), disk.GraphName(2), "lock", "manifest"}, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// The end of a bulk load does not write large tokens once more; Optimise does.
func TestLargeTokensAreWrittenOnce(t *testing.T) {
	format := index.TokenFormat{Kind: index.TokensFloat16, Count: 2, Dim: 5000}
	s, err := Create(t.TempDir(), Options{Dim: 4, Tokens: format})
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, s)
	s.graphRows = 3
	for id := range index.ID(3) {
		item := index.Item{ID: id, Vector: []float32{1, float32(id), 0, 0}, Tokens: make([]byte, format.Size())}
		if err := s.Upsert(t.Context(), []index.Item{item}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.EndBulk(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	checkIndexed(t, s, 3, 0)
	if err := s.Optimise(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	checkIndexed(t, s, 3, 3)
}

// What is written while a graph is built is seen at once, and is not lost.
func TestTheStoreIsWrittenToWhileAGraphIsBuilt(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 4)
	s.graphRows = 3
	put(t, s, 1, 1, 2, 3, 4, 5, 6)
	s.folder.FS = onCreate(func(path string) error {
		if strings.HasSuffix(path, ".graph.tmp") {
			put(t, s, 2, 2, 20)
			remove(t, s, 3)
		}
		return nil
	})
	if err := s.Optimise(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	s.folder.FS = vfs.OS{}
	want := map[index.ID]int64{1: 1, 2: 2, 4: 1, 5: 1, 6: 1, 20: 2}
	for range 2 {
		if diff := cmp.Diff(want, versions(t, s)); diff != "" {
			t.Errorf("items (-want +got):\n%s", diff)
		}
		checkIndexed(t, s, 6, 4)
		mustClose(t, s)
		s = mustOpen(t, dir)
	}
	mustClose(t, s)
}

func TestAGraphThatFailsChangesNothing(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 4)
	defer mustClose(t, s)
	s.graphRows = 3
	put(t, s, 1, 1, 2, 3, 4, 5)
	mustFlush(t, s)
	before := files(t, s.folder.Path)
	failures := 0
	for ; failures < 100; failures++ {
		s.folder.FS = &diskWith{operations: failures}
		err := s.Optimise(t.Context(), nil)
		if err == nil {
			break
		}
		after := files(t, s.folder.Path)
		delete(before, "manifest") // the number of the next file grows
		delete(after, "manifest")
		if diff := cmp.Diff(before, after); !errors.Is(err, syscall.ENOSPC) || diff != "" {
			t.Fatalf("after %d operations: error %v, want ENOSPC, and files (-before +after):\n%s", failures, err, diff)
		}
	}
	s.folder.FS = vfs.OS{}
	// Graph and manifest: create, write, sync and close each. An attempt before has left
	// a manifest to write.
	if failures < 8 || failures > 12 {
		t.Errorf("%d operations, wanted 8 to 12", failures)
	}
	checkIndexed(t, s, 5, 5)
}

// Rows whose graph is missing are scanned, by readers too, until it is built again.
func TestAMissingGraphIsBuiltAgain(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 4)
	s.graphRows = 50
	addRandom(t, s, rand.New(rand.NewPCG(4, 3)), 0, 100)
	if err := s.Optimise(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	name := graphNames(t, s)[0]
	mustClose(t, s)
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
	reader, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, dir)
	defer func() { mustClose(t, s) }()
	for _, store := range []*Store{reader, s} {
		checkIndexed(t, store, 100, 0)
		if got := checkSearches(t, store, .5); got != 1 {
			t.Errorf("recall %v of a scan", got)
		}
		if err := store.Verify(t.Context()); !errors.Is(err, index.ErrCorrupt) || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want ErrCorrupt of %s", err, name)
		}
	}
	mustClose(t, reader)
	s.graphRows = 50
	if err := s.Optimise(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	checkIndexed(t, s, 100, 100)
	if err := s.Verify(t.Context()); err != nil {
		t.Errorf("after it was built again: %v", err)
	}
}

// A graph that is damaged while it is open costs hits, and goes when it is built again.
func TestADamagedGraphIsBuiltAgain(t *testing.T) {
	dir := t.TempDir()
	s := mustCreate(t, dir, 4)
	defer func() { mustClose(t, s) }()
	s.graphRows = 50
	addRandom(t, s, rand.New(rand.NewPCG(4, 1)), 0, 100)
	if err := s.Optimise(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	spoil(t, filepath.Join(dir, graphNames(t, s)[0]), 3*disk.BlockSize)
	if err := s.Verify(t.Context()); !errors.Is(err, index.ErrCorrupt) {
		t.Errorf("error %v, want ErrCorrupt", err)
	}
	if got := checkSearches(t, s, .5); got < .5 || math.IsNaN(got) {
		t.Errorf("recall %v", got)
	}
	addRandom(t, s, rand.New(rand.NewPCG(4, 2)), 100, 1)
	again := func() {
		t.Helper()
		if err := s.Optimise(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		checkIndexed(t, s, 101, 101)
		if err := s.Verify(t.Context()); err != nil {
			t.Errorf("after it was built again: %v", err)
		}
	}
	again()
	// Where it cannot be opened its rows are scanned.
	mustClose(t, s)
	spoil(t, filepath.Join(dir, graphNames(t, s)[0]), 20)
	s = mustOpen(t, dir)
	s.graphRows = 50
	checkIndexed(t, s, 101, 0)
	if got := checkSearches(t, s, .5); got != 1 {
		t.Errorf("recall %v of a scan", got)
	}
	if err := s.Verify(t.Context()); !errors.Is(err, index.ErrCorrupt) || !strings.Contains(err.Error(), ".graph") {
		t.Errorf("error %v, want ErrCorrupt of the graph", err)
	}
	again()
}
