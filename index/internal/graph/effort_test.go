package graph

import (
	"math/rand/v2"
	"slices"
	"testing"

	"engram/data/simd"
	"engram/index"
	"engram/index/internal/column"
	"engram/index/internal/flat"
)

func TestEfforts(t *testing.T) {
	g := &Graph{Levels: []Level{
		{K: 10, Effort: 16, Unseen: .8, Distant: .7}, {K: 10, Effort: 32, Unseen: .97, Distant: .9}, {K: 10, Effort: 64, Unseen: .99, Distant: .99},
		{K: 100, Effort: 128, Unseen: .9, Distant: .9}, {K: 100, Effort: 244, Unseen: .95, Distant: .95},
	}}
	for _, c := range []struct {
		k             int
		recall        float64
		near, distant int
	}{
		{10, .7, 16, 16}, {10, .75, 16, 32}, {10, .9, 32, 32}, {10, .95, 32, 64}, {10, .995, 0, 0},
		{1, .7, 16, 16}, {30, .75, 40, 53}, {100, .9, 128, 128}, {55, .9, 80, 80}, {200, .9, 256, 256}, {50, .99, 0, 0},
	} {
		got, ok := g.Efforts(c.k, c.recall)
		if want := (Efforts{c.near, c.distant}); got != want || ok != (c.near > 0) {
			t.Errorf("efforts of %d hits with recall %v: %+v, %v, wanted %+v", c.k, c.recall, got, ok, want)
		}
	}
}

// A walk is made as long as it costs less than a scan, which takes longer for more hits.
func TestTheCheaperWayIsTaken(t *testing.T) {
	const n = 6000
	rows := clustered(rand.New(rand.NewPCG(4, 4)), n, 32, 0)
	g := mustBuild(t, rows, Options{Threads: 2})
	g.Near = -1 // no query is distant
	for _, c := range []struct {
		k, effort int
		walked    bool
	}{{10, 227, true}, {10, 228, false}, {100, 552, true}, {100, 553, false}, {400, 1535, true}, {3000, 12000, false}} {
		var report Report
		g.Levels = []Level{{K: c.k, Effort: c.effort, Unseen: 1, Distant: 1}}
		s := Searcher{Graphs: []*Graph{g}, Recall: .98, Report: &report}
		mustSearch(t, s, []column.Part{{Rows: rows}}, rows.Vector(7), c.k)
		if walked := report.Walked == n && report.Scanned == 0; walked != c.walked {
			t.Errorf("%d hits by an effort of %d among %d rows: walked is %v, wanted %v", c.k, c.effort, n, walked, c.walked)
		}
	}
}

// A query that lies apart from all rows is known by its scores, and is searched with the
// effort that such queries take.
func TestDistantQueries(t *testing.T) {
	const dim, k = 64, 5
	rng := rand.New(rand.NewPCG(9, 1))
	rows := clustered(rng, 5000, dim, 0)
	// Rows share an offset, and distant queries have another one.
	for row := range rows.IDs {
		v := rows.Vector(row)
		v[0] += 1
		unit, err := index.Unit(v, dim)
		if err != nil {
			t.Fatal(err)
		}
		copy(v, unit)
		rows.Quantise(row)
	}
	g := mustBuild(t, rows, Options{Threads: 2})
	entered := func(q []float32) int {
		s := &search{walker: walker{kernels: simd.Best()}}
		s.query.Set(q)
		if err := s.walkFor(g, column.Part{Rows: rows}, k, Efforts{Near: 16, Distant: 48}); err != nil {
			t.Fatal(err)
		}
		return len(s.beam)
	}
	kinds := map[int]int{}
	for row := range 200 {
		kinds[entered(rows.Vector(row*21))]++
	}
	if kinds[48] > 20 {
		t.Errorf("%d of 200 rows are distant", kinds[48])
	}
	order := rng.Perm(len(rows.IDs))
	parts := []column.Part{{Rows: rows}}
	filtered := []column.Part{chosen(rows, order, len(order)/2)}
	near, all, nearFiltered := 0, 0, 0
	walk := Searcher{Graphs: []*Graph{g}, Recall: .9}
	for row := range 100 {
		q := slices.Clone(rows.Vector(row * 43))
		q[0], q[1] = 0, q[1]-q[0]
		unit, err := index.Unit(q, dim)
		if err != nil {
			t.Fatal(err)
		}
		if got := entered(unit); got != 48 {
			t.Errorf("a walk for a distant query keeps %d rows, wanted 48", got)
		}
		exact := mustSearch(t, flat.Scan{}, parts, unit, k)
		for _, m := range mustSearch(t, walk, parts, unit, k) {
			if all++; m.Score >= exact[k-1].Score {
				near++
			}
		}
		exact = mustSearch(t, flat.Scan{}, filtered, unit, k)
		for _, m := range mustSearch(t, walk, filtered, unit, k) {
			if m.Score >= exact[k-1].Score {
				nearFiltered++
			}
		}
	}
	if nearFiltered < all*85/100 {
		t.Errorf("%d of %d matches of distant queries with a filter are among the nearest", nearFiltered, all)
	}
	if near < all*85/100 {
		t.Errorf("%d of %d matches of distant queries are among the nearest", near, all)
	}
}

// Where most rows are copies of one, the levels say what the other rows get.
func TestCopiesDoNotHideOtherRows(t *testing.T) {
	const n, dim, k = 6000, 32, 10
	rng := rand.New(rand.NewPCG(3, 3))
	rows := clustered(rng, n, dim, 0)
	var others []int
	for row := range n {
		if row > 0 && row%100 < 97 {
			copy(rows.Vector(row), rows.Vector(0))
			rows.Quantise(row)
		} else {
			others = append(others, row)
		}
	}
	g := mustBuild(t, rows, Options{Threads: 2})
	parts := []column.Part{{Rows: rows}}
	found := 0.
	const queries = 100
	for range queries {
		q := slices.Clone(rows.Vector(others[rng.IntN(len(others))]))
		centre := make([]float64, dim)
		for i, x := range q {
			centre[i] = 5 * float64(x)
		}
		unitNear(rng, q, centre)
		want, err := flat.Scan{}.Search(t.Context(), nil, parts, q, k)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Searcher{Graphs: []*Graph{g}, Recall: .95}.Search(t.Context(), nil, parts, q, k)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got {
			if m.Score >= want[k-1].Score {
				found++
			}
		}
	}
	if recall := found / queries / k; recall < .95 {
		t.Errorf("rows beside copies have a recall of %.3f, wanted .95", recall)
	}
}

// Where each vector is there 20 times, every walk to a row finds its copies. The levels say more
// or less what a query for others gets, of which whole sets of copies are missed (NOTES.md).
func TestCopiesOfEveryRowDoNotHideOthers(t *testing.T) {
	const n, copies, dim, k, queries = 10000, 20, 64, 10, 100
	rng := rand.New(rand.NewPCG(3, 4))
	all := column.New(dim, n+queries)
	for row := range n + queries {
		if row >= n/copies && row < n {
			copy(all.Vector(row), all.Vector(row%(n/copies)))
		} else {
			unitNear(rng, all.Vector(row), make([]float64, dim))
		}
		all.Quantise(row)
	}
	rows := firstRows(&all, n)
	s := Searcher{Graphs: []*Graph{mustBuild(t, rows, Options{Threads: 2})}, Recall: .95}
	parts, found := []column.Part{{Rows: rows}}, 0
	for row := n; row < n+queries; row++ {
		want := mustSearch(t, flat.Scan{}, parts, all.Vector(row), k)
		for _, m := range mustSearch(t, s, parts, all.Vector(row), k) {
			if m.Score >= want[k-1].Score {
				found++
			}
		}
	}
	if recall := float64(found) / (queries * k); recall < .85 {
		t.Errorf("a recall of %.3f where .95 was asked for, wanted .85 at least", recall)
	}
}

// A distant query may take less effort than one like the rows, though it begins at more
// entries.
func TestADistantQueryOfLessEffort(t *testing.T) {
	rows := clustered(rand.New(rand.NewPCG(4, 4)), 3000, 24, 0)
	g := *mustBuild(t, rows, Options{})
	g.Near = 2 // every query is distant
	g.First = min(g.First, len(g.Entries)/2)
	s := &search{walker: walker{kernels: simd.Best()}}
	s.query.Set(rows.Vector(5))
	if err := s.walkFor(&g, column.Part{Rows: rows}, 10, Efforts{Near: 500, Distant: 20}); err != nil || len(s.best) != 10 || s.best[0].Row != 5 {
		t.Errorf("found %v, error %v, wanted row 5 and 9 others", s.best, err)
	}
}

// Where half of the rows are dead a walk keeps twice as many, and finds what a scan finds.
func TestDeadRowsMakeAWalkWider(t *testing.T) {
	const n, k = 6000, 10
	rng := rand.New(rand.NewPCG(5, 5))
	rows := clustered(rng, n, 24, 0)
	g := mustBuild(t, rows, Options{Threads: 2})
	dead := column.Bits(nil).Clone(n)
	for row := range n {
		if rng.IntN(2) == 0 {
			dead.Set(row)
		}
	}
	parts := []column.Part{{Rows: rows, Dead: dead, Live: n - dead.Count()}}
	found, scanned := 0., 0
	const queries = 100
	for range queries {
		q := rows.Vector(rng.IntN(n))
		report := new(Report)
		got, err := Searcher{Graphs: []*Graph{g}, Recall: .9, Report: report}.Search(t.Context(), nil, parts, q, k)
		if err != nil {
			t.Fatal(err)
		}
		want, err := flat.Scan{}.Search(t.Context(), nil, parts, q, k)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got {
			if m.Score >= want[k-1].Score {
				found++
			}
		}
		scanned += report.Scanned / n
	}
	if recall := found / queries / k; recall < .9 || scanned > queries/10 {
		t.Errorf("recall %.3f where .9 was asked for; %d of %d searches scanned", recall, scanned, queries)
	}
}
