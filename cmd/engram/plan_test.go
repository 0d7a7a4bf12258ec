package main

import (
	"path/filepath"
	"strings"
	"testing"

	"engram/index"
	"engram/index/plan"
)

func TestPlan(t *testing.T) {
	c := &cli{t: t}
	table := c.must("plan")
	for _, part := range []string{"COCO train2017", "embedded, int8", "LAION-5B", "5,850,000,000 × 768", "qdrant, int8 × 1", "nodes"} {
		if !strings.Contains(table, part) {
			t.Errorf("the table has no %q:\n%s", part, table)
		}
	}
	if text := c.must("plan", "--items", "1000", "--explain"); !strings.Contains(text, "memCodes = n * 64*ceil(D/64)\n  = 1000 * 64*ceil(768/64)") {
		t.Errorf("the codes are not explained:\n%s", text)
	}
}

// The README of index/plan shows what the command prints.
func TestThePlanInTheREADME(t *testing.T) {
	table := (&cli{t: t}).must("plan")
	if !strings.Contains(readTop(t, "index/plan/README.md"), "```\n$ engram plan\n"+table+"```\n") {
		t.Errorf("index/plan/README.md does not show what engram plan prints:\n%s", table)
	}
}

func TestPlanTakesFlagsAndRates(t *testing.T) {
	c := &cli{t: t}
	rates := filepath.Join(t.TempDir(), "rates.json")
	writeFile(t, rates, []byte(`{"rates": {"machine": "slow", "scan_bytes_per_s": 1000}}`))
	plans := func(args ...string) []plan.Plan {
		var out struct{ Plans []plan.Plan }
		c.json(&out, append([]string{"plan"}, args...)...)
		return out.Plans
	}
	got := plans("--items", "2000", "--rates", rates, "--engine", "local")
	if ms, _ := got[0].Value("scanMs"); len(got) != 1 || ms != 2000*768 || got[0].Rates.Machine != "slow" {
		t.Errorf("%d plans, the scan takes %v ms on %q, wanted 1, %d and slow", len(got), ms, got[0].Rates.Machine, 2000*768)
	}
	// So slow a scan makes a graph worth its while.
	if got := plans("--items", "2000", "--rates", rates)[0].Demand.Engine; got != plan.Qdrant {
		t.Errorf("the engine is %s, wanted qdrant", got)
	}
	for i, p := range plans("--replicas", "3", "--quantisation", "binary", "--engine", "qdrant", "--ram", "100") {
		want := plan.Known()[i]
		if p.Demand.Items != want.Items || p.Demand.Dim != want.Dim || p.Demand.Replicas != 3 || p.Demand.Quantisation != index.Binary || p.Demand.Memory != 1e11 {
			t.Errorf("plan %d is for %+v", i, p.Demand)
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	c := &cli{t: t}
	bad := filepath.Join(t.TempDir(), "bad.json")
	writeFile(t, bad, []byte("[]"))
	c.refuse([]string{"items is 0, wanted 1"}, "plan", "--items", "0")
	c.refuse([]string{"LAION-400M: the embedded engine takes"}, "plan", "--engine", "local")
	c.refuse([]string{`engine is "x"`}, "plan", "--engine", "x")
	c.refuse([]string{"no-such-file"}, "plan", "--rates", "no-such-file")
	c.refuse([]string{"memory of a node is -1e+09 bytes"}, "plan", "--ram", "-1")
	c.refuse([]string{bad, "unusable rates"}, "plan", "--rates", bad)
	c.refuse([]string{"--token-kind needs --tokens"}, "plan", "--token-kind", "int8")
}
