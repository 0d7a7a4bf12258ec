package local

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"engram/data/racetest"
	"engram/index"
	"engram/index/internal/invariants"
)

// newGraphed returns an index of 3,000 rows on the disk with a graph, opened for reading.
func newGraphed(t *testing.T) (_ *Store, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "index")
	s := mustCreate(t, dir, 128)
	s.graphRows = 1000
	addRandom(t, s, rand.New(rand.NewPCG(1, 1)), 0, 3000)
	if err := s.Optimise(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	s, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, dir
}

// ways are queries that are answered in different ways.
var ways = map[string]index.Query{"walk": {K: 10}, "scan": {K: 10, Exact: true}}

// Vectors that are scored are read, so that they do not stay in the memory of the process.
func TestSearchesTakeNoMemoryOfVectors(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: the memory of a map is read from /proc, which Linux alone has")
	}
	s, _ := newGraphed(t)
	vectors := s.current.Load().parts[0].segment.Vectors
	for name, q := range ways {
		rng := rand.New(rand.NewPCG(2, 2))
		for range 200 {
			q.Vector = make([]float32, 128)
			for i := range q.Vector {
				q.Vector[i] = float32(rng.NormFloat64())
			}
			mustSearch(t, s, q)
		}
		// The system brings 64 KiB at a time into memory, such as the checksums behind.
		if kib := mappedResident(t, uintptr(unsafe.Pointer(&vectors[0]))); kib > len(vectors)*4/1024/4 {
			t.Errorf("%s: %d KiB of vectors of %d KiB are in memory", name, kib, len(vectors)*4/1024)
		}
	}
}

// mappedResident returns how many KiB of the map with an address are in memory.
func mappedResident(t *testing.T, address uintptr) int {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Skip("SKIPPED: the kernel shows no memory of maps: ", err)
	}
	defer f.Close()
	inside := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var from, to uintptr
		var kib int
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x ", &from, &to); n == 2 {
			inside = from <= address && address < to
		} else if n, _ := fmt.Sscanf(lines.Text(), "Rss: %d kB", &kib); inside && n == 1 {
			return kib
		}
	}
	t.Fatal("no map has the vectors")
	return 0
}

// A vector that cannot be read is an error of the search, whichever way it goes.
func TestAVectorThatCannotBeRead(t *testing.T) {
	s, dir := newGraphed(t)
	names, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	// The vectors are the last and by far the largest section; the first third of the file
	// has all others.
	if err := os.Truncate(names[0], int64(len(s.current.Load().parts[0].segment.IDs)*160)); err != nil {
		t.Fatal(err)
	}
	for name, q := range ways {
		q.Vector = make([]float32, 128)
		q.Vector[3] = 1
		if _, err := s.Search(t.Context(), q); !errors.Is(err, index.ErrCorrupt) {
			t.Errorf("%s: error %v, wanted index.ErrCorrupt", name, err)
		}
	}
}

// A search says how it went where it is asked.
func TestSearchesAreExplained(t *testing.T) {
	s, _ := newGraphed(t)
	odd := index.Equal{Key: "none", Value: int64(1)}
	for name, test := range map[string]struct {
		query index.Query
		want  index.SearchPath
	}{
		"walk": {index.Query{K: 10, Recall: .2}, index.ByWalk}, "exact": {index.Query{K: 10, Exact: true}, index.ByScan},
		"few matches": {index.Query{K: 10, Filter: odd}, index.ByScan}, "all": {index.Query{K: 10, Recall: .2, Filter: index.Not{Filter: odd}}, index.ByFilteredWalk},
		"recall of 1": {index.Query{K: 10, Recall: 1}, index.ByScan},
	} {
		q := test.query
		q.Vector = make([]float32, 128)
		q.Vector[5] = 1
		q.Explain = new(index.Explanation)
		mustSearch(t, s, q)
		e := *q.Explain
		if e.Path != test.want || e.Recall == nil || e.Items+e.Scanned != 3000 {
			t.Errorf("%s: %+v, wanted %s of 3,000 items", name, e, test.want)
			continue
		}
		if walked := test.want != index.ByScan; (e.Effort > 0) != walked || !walked && *e.Recall != 1 || *e.Recall < q.Recall {
			t.Errorf("%s: %+v with a recall of %v", name, e, *e.Recall)
		}
		batch := []index.Query{q, q}
		batch[0].Explain, batch[1].Explain = new(index.Explanation), new(index.Explanation)
		if _, err := s.SearchBatch(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&e, batch[1].Explain); diff != "" {
			t.Errorf("%s in a batch (-want +got):\n%s", name, diff)
		}
	}
}

// A search allocates its answer and nothing else, by a walk, by a scan, and with a filter
// that indexes decide, and nothing at all where it is given memory for the answer.
func TestASearchAllocatesItsAnswer(t *testing.T) {
	if racetest.Enabled {
		t.Skip("SKIPPED under the race detector, which allocates: a run without it counts")
	}
	if invariants.Enabled {
		t.Skip("SKIPPED with the tag invariants: assertions allocate their messages")
	}
	s, dir := newGraphed(t)
	mustClose(t, s)
	s = mustOpen(t, dir)
	defer s.Close()
	if err := s.IndexPayload(t.Context(), map[string]index.PayloadKind{"n": index.Integer}); err != nil {
		t.Fatal(err)
	}
	filter := index.Filter(index.Not{Filter: index.Equal{Key: "n", Value: int64(5)}})
	for name, q := range map[string]index.Query{
		"walk": {K: 10, Recall: .2}, "exact": {K: 10, Exact: true},
		"filtered walk": {K: 10, Recall: .2, Filter: filter}, "filtered scan": {K: 10, Exact: true, Filter: filter},
	} {
		q.Vector = make([]float32, 128)
		q.Vector[3] = 1
		search := func() { mustSearch(t, s, q) }
		search() // the first one makes what later ones use again
		if n := testing.AllocsPerRun(100, search); n > 1 {
			t.Errorf("%s: %v allocations, wanted the answer's", name, n)
		}
		if q.Into = mustSearch(t, s, q); len(q.Into) == 0 {
			t.Errorf("%s: nothing found", name)
		}
		if n := testing.AllocsPerRun(100, search); n > 0 {
			t.Errorf("%s: %v allocations with memory for the answer, wanted none", name, n)
		}
	}
}
