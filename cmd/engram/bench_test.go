package main

import (
	"path/filepath"
	"strings"
	"testing"

	"engram/index/plan"
)

func TestBenchFeedsPlan(t *testing.T) {
	c := newCLI(t)
	rates := filepath.Join(t.TempDir(), "rates.json")
	table := c.must("bench", "--rows", "2000", "--dim", "64", "--images", "2", "--mib", "1", "--runs", "1", "--step", "1ms", "--json", rates)
	for _, part := range []string{"machine  ", "read memory, one core", "exact search, int8", "import, embedded", "encode images"} {
		if !strings.Contains(table, part) {
			t.Errorf("the table has no %q:\n%s", part, table)
		}
	}
	var out struct{ Plans []plan.Plan }
	c.json(&out, "plan", "--items", "1000", "--rates", rates)
	if got := out.Plans[0].Rates; !strings.Contains(got.Machine, "bundle pixels 1 on cpu") || got.Scan == plan.DefaultRates().Scan {
		t.Errorf("the plan is made from %+v", got)
	}
	c.refuse([]string{"0 rows of 768 elements"}, "bench", "--rows", "0")
	c.refuse([]string{"no-such-folder"}, "bench", "--dir", "no-such-folder")
	c.refuse([]string{"127.0.0.1:1"}, "bench", "--qdrant", "127.0.0.1:1")
	c.refuse([]string{"--json", "no-such-folder"}, "bench", "--rows", "10", "--dim", "2", "--images", "1", "--mib", "1", "--runs", "1", "--step", "1ms",
		"--json", filepath.Join(t.TempDir(), "no-such-folder", "x.json"))
}
