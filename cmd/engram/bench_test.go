package main

import (
	"path/filepath"
	"strings"
	"testing"

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
