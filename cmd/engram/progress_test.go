package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"engram/data/progress"
)

// Without a terminal there is a line for each tenth at most, and no more than
// one a second.
func TestProgressLines(t *testing.T) {
	for _, test := range []struct {
		name string
		step time.Duration // between units
		want int           // lines
	}{
		{"100 units of a second", time.Second, 10},
		{"100 units of a twentieth", 50 * time.Millisecond, 5},
		{"100 units at once", 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				a := &console{streams: streams{stderr: &log, getenv: func(string) string { return "" }}}
				d := a.display()
				counted := progress.Func(d.report).Stage("counting", "sheep", 100)
				for i := range int64(100) {
					time.Sleep(test.step)
					counted(i+1, 100)
				}
				d.finish()
				lines := strings.Count(log.String(), "\n")
				if lines != test.want {
					t.Errorf("%d lines, want %d:\n%s", lines, test.want, log.String())
				}
				if lines > 0 && !strings.Contains(log.String(), "msg=counting sheep=") {
					t.Errorf("lines do not say what is counted:\n%s", log.String())
				}
			})
		})
	}
}

// Each stage has a rate and lines of its own.
func TestProgressStages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := &console{streams: streams{stderr: &log, getenv: func(string) string { return "" }}}
		d := c.display()
		for _, stage := range []struct {
			name string
			each time.Duration
		}{{"reading", 2 * time.Second}, {"indexing", 5 * time.Second}} {
			counted := progress.Func(d.report).Stage(stage.name, "rows", 4)
			time.Sleep(stage.each)
			counted(1, 4)
		}
		d.finish()
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 2 || !strings.Contains(lines[0], "msg=reading rows=1 of=4 per_second=0.5 left=6s") ||
			!strings.Contains(lines[1], "msg=indexing rows=1 of=4 per_second=0.2 left=15s") {
			t.Errorf("lines are\n%s", log.String())
		}
	})
}

// A stage whose total is not known yet has no lines.
func TestProgressOfUnknownTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := &console{streams: streams{stderr: &log, getenv: func(string) string { return "" }}}
		d := c.display()
		for i := range int64(100) {
			time.Sleep(time.Second)
			d.report(progress.Report{Stage: "reading", Unit: "rows", Done: i})
		}
		d.finish()
		if log.Len() > 0 {
			t.Errorf("lines are\n%s", log.String())
		}
	})
}
