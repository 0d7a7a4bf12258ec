package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/cmd/engram/internal/sweep"
	"engram/data/npy"
	"engram/index/plan"
	"engram/index/qdrant/double"
)

func TestBenchOfAServer(t *testing.T) {
	c := newCLI(t)
	c.env = map[string]string{"ENGRAM_QDRANT_API_KEY": "secret"}
	server, err := double.Start(double.Options{APIKey: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	rates := filepath.Join(t.TempDir(), "rates.json")
	bench := []string{"bench", "--rows", "600", "--dim", "16", "--images", "1", "--mib", "1", "--runs", "1", "--step", "1ms", "--qdrant", server.Addr()}
	table := c.must(append(bench, "--json", rates)...)
	for _, part := range []string{"import, qdrant", "build the graph, qdrant", "search with a filter, qdrant"} {
		if !strings.Contains(table, part) {
			t.Errorf("the table has no %q:\n%s", part, table)
		}
	}
	var out struct{ Plans []plan.Plan }
	c.json(&out, "plan", "--items", "1000", "--rates", rates)
	want := plan.DefaultRates()
	if got := out.Plans[0].Rates; got.Upload == want.Upload || got.Link == want.Link || got.Walk == want.Walk {
		t.Errorf("the plan is made from %+v", got)
	}
	if made, dropped := server.Calls("Collections/Create"), server.Calls("Collections/Delete"); made != 1 || dropped != 1 {
		t.Errorf("it made %d collections and dropped %d, wanted 1 and 1", made, dropped)
	}
	c.env["ENGRAM_QDRANT_API_KEY"] = "wrong"
	c.refuse([]string{"refuses the API key"}, bench...)
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
}

func TestBenchFeedsPlan(t *testing.T) {
	c := newCLI(t)
	rates := filepath.Join(t.TempDir(), "rates.json")
	table := c.must("bench", "--model", "scenes-clip", "--rows", "2000", "--dim", "64", "--images", "2", "--mib", "1", "--runs", "1", "--step", "1ms", "--json", rates)
	for _, part := range []string{"machine  ", "read memory, one core", "exact search, int8", "import, embedded", "encode images", "encode texts", "encode one text"} {
		if !strings.Contains(table, part) {
			t.Errorf("the table has no %q:\n%s", part, table)
		}
	}
	var out struct{ Plans []plan.Plan }
	c.json(&out, "plan", "--items", "1000", "--rates", rates)
	if got := out.Plans[0].Rates; !strings.Contains(got.Machine, "model scenes-clip 2 on cpu") || got.Scan == plan.DefaultRates().Scan {
		t.Errorf("the plan is made from %+v", got)
	}
	c.refuse([]string{"0 rows of 768 elements"}, "bench", "--rows", "0")
	c.refuse([]string{"no-such-folder"}, "bench", "--dir", "no-such-folder")
	c.refuse([]string{"127.0.0.1:1"}, "bench", "--qdrant", "127.0.0.1:1")
	c.refuse([]string{"--json", "no-such-folder"}, "bench", "--json", filepath.Join(t.TempDir(), "no-such-folder", "x.json"))
}

func TestBenchOfSearches(t *testing.T) {
	c := newCLI(t)
	dir := t.TempDir()
	items, queries, truth := filepath.Join(dir, "items.npy"), filepath.Join(dir, "queries.npy"), filepath.Join(dir, "truth.npy")
	const n, dim = 40, 8
	vectors, nearest := make([]float32, n*dim), make([]int32, dim*16)
	for i := range n { // item i is next to axis i mod dim, the nearer the lower i is
		vectors[i*dim+i%dim], vectors[i*dim+(i+1)%dim] = 1, float32(i)*1e-3
	}
	for axis := range dim {
		for j := range 16 {
			nearest[axis*16+j] = int32(axis + j*dim) // five of them are there
		}
	}
	axes := make([]float32, dim*dim)
	for i := range dim {
		axes[i*dim+i] = 1
	}
	for path, a := range map[string]any{items: vectors, queries: axes, truth: nearest} {
		shape := map[string][]int{items: {n, dim}, queries: {dim, dim}, truth: {dim, 16}}[path]
		if err := npy.WriteFile(path, shape, a); err != nil {
			t.Fatal(err)
		}
	}
	var report sweep.Report
	measure := func(args ...string) {
		t.Helper()
		path := filepath.Join(dir, "report.json")
		args = append([]string{"bench", "--runs", "1", "--threads", "1", "--recall", ".9", "--json", path}, args...)
		if table := c.must(args...); !strings.Contains(table, "recall@10") {
			t.Errorf("the table is\n%s", table)
		}
		report = sweep.Report{}
		text, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(text, &report)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	measure("--vectors", items, "--queries", queries, "--outside-queries", items, "--truth", truth)
	if len(report.Points) != 4 || report.Items != n || report.Build == nil || report.Build.Disk < 4*n*dim {
		t.Fatalf("the report is %+v", report)
	}
	for _, p := range report.Points {
		want := map[string]float64{"in": 5. / 16, "out": 1}[p.Queries]
		if p.Recall16 != want || !(p.Rate > 0) || p.P99 < p.P50 {
			t.Errorf("%+v, wanted a recall@16 of %v", p, want)
		}
	}
	measure("--hard", "2000", "--dim", "16")
	if p := report.Points[len(report.Points)-1]; p.Queries != "out" || p.Asked != 0 || p.Recall10 != 1 || report.Batch <= 0 {
		t.Errorf("the exact searches from outside are %+v", p)
	}
	c.refuse([]string{"wanted a number above 0"}, "bench", "--hard", "100", "--recall", "2")
	c.refuse([]string{"--recall", "many"}, "bench", "--hard", "100", "--recall", "many")
	c.refuse([]string{"--threads", "many"}, "bench", "--hard", "100", "--threads", "many")
	c.refuse([]string{"--hard is 0, wanted 1 vector or more"}, "bench", "--hard", "0")
	c.refuse([]string{"--queries is for --vectors, --hard, --index, --server"}, "bench", "--queries", items)
	c.refuse([]string{"--out is for --vectors, --hard"}, "bench", "--index", "x", "--out", "y")
	c.refuse([]string{"--server needs --queries"}, "bench", "--server", "http://localhost:1")
	c.refuse([]string{"--hard and --index are given, wanted one of them"}, "bench", "--hard", "100", "--index", "x")
	c.refuse([]string{"[8 16]", "40 queries, 16 or more ids"}, "bench", "--vectors", items, "--queries", items, "--truth", truth)
}

func TestBenchOfWrites(t *testing.T) {
	c, path := newCLI(t), filepath.Join(t.TempDir(), "report.json")
	table := c.must("bench", "--hard", "500", "--dim", "8", "--writes", "500ms", "--write-rate", "400", "--durability", "call", "--json", path)
	if !strings.Contains(table, "upserts/s") || !strings.Contains(table, "durability call") {
		t.Errorf("the table is\n%s", table)
	}
	var report sweep.WritesReport
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	if err != nil || len(report.Steps) != 3 {
		t.Fatalf("the report is %+v, error %v", report, err)
	}
	const most = 800 // twice the rate: a writer that was held up catches up
	for i, s := range report.Steps {
		if (s.Searches > 0) != (i != 2) || (s.Upserts > 0) != (i != 0) || s.Upserts > most || (s.Recall > .9) != (i != 2) || s.UpsertP99 < s.UpsertP50 {
			t.Errorf("step %d is %+v", i, s)
		}
	}
	c.refuse([]string{"sometimes"}, "bench", "--hard", "100", "--writes", "1s", "--durability", "sometimes")
	c.refuse([]string{"--writes is for --vectors, --hard"}, "bench", "--index", "x", "--writes", "1s")
	c.refuse([]string{"--write-rate is for --writes"}, "bench", "--hard", "100", "--write-rate", "5")
	c.refuse([]string{"wanted a number above 0"}, "bench", "--hard", "100", "--writes", "1s", "--write-rate", "-5")
	c.refuse([]string{"--write-rate is NaN, wanted a number above 0"}, "bench", "--hard", "100", "--writes", "1s", "--write-rate", "nan")
	c.refuse([]string{"--recall is not for --writes"}, "bench", "--hard", "100", "--writes", "1s", "--recall", ".9")
	c.refuse([]string{"--durability is for --writes"}, "bench", "--hard", "100", "--durability", "log")
	c.refuse([]string{"wanted a time above 0"}, "bench", "--hard", "100", "--writes", "-1s")
}

func TestBenchOfFilters(t *testing.T) {
	c := newCLI(t)
	path := filepath.Join(t.TempDir(), "report.json")
	table := c.must("bench", "--hard", "1000", "--dim", "16", "--filtered", "--runs", "1", "--json", path)
	for _, part := range []string{"by a scan", "by a walk", "ratio", "random", "around", "another", "away"} {
		if !strings.Contains(table, part) {
			t.Errorf("the table has no %q:\n%s", part, table)
		}
	}
	var report sweep.FiltersReport
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	if err != nil {
		t.Fatal(err)
	}
	var counts []int
	outside := map[string]int{} // matches of queries from outside
	for _, p := range report.Points {
		pure := p.Scan
		if p.Walk > 0 {
			pure = min(pure, p.Walk)
		}
		if p.Recall10 < .95 || !(p.Time > 0 && p.P99 > 0 && pure > 0) || p.Ratio != p.Time/pure || (p.Walk > 0) != (p.WalkRecall10 >= .95) {
			t.Errorf("%+v, wanted nearly all of the nearest", p)
		}
		answered := 0
		for _, n := range p.Paths {
			answered += n
		}
		if answered != report.Queries {
			t.Errorf("%+v, wanted the paths of %d queries", p, report.Queries)
		}
		if outside[p.Filter] += p.Matches; p.Queries == "in" {
			outside[p.Filter] -= p.Matches
		}
		if p.Filter == "away" {
			counts = append(counts, p.Matches)
		}
	}
	if outside["random"] == 0 || outside["another"] == 0 || len(report.Points) != 6*7 {
		t.Errorf("%d points, with matches of queries from outside %v, wanted 7 of 6 kinds", len(report.Points), outside)
	}
	if want := []int{1000, 990, 900, 500, 100, 10, 1}; !slices.Equal(counts, want) {
		t.Errorf("matches of %v, wanted %v", counts, want)
	}
	c.refuse([]string{"--filtered is for --vectors, --hard"}, "bench", "--index", "x", "--filtered")
	c.refuse([]string{"--recall is not for --filtered"}, "bench", "--hard", "100", "--filtered", "--recall", ".9")
	c.refuse([]string{"--filtered is not for --writes"}, "bench", "--hard", "100", "--filtered", "--writes", "1s")
	c.refuse([]string{"3 items, wanted 8 or more"}, "bench", "--hard", "3", "--filtered")
}
