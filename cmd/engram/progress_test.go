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

// A stage that comes again, as in a later job of a server, has a rate of its own.
func TestProgressOfAStageThatComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		d := (&console{streams: streams{stderr: &log, getenv: func(string) string { return "" }}}).display()
		for range 2 {
			for done := range int64(4) {
				d.report(progress.Report{Stage: "reading", Unit: "rows", Done: done + 1, Total: 4})
				time.Sleep(2 * time.Second)
			}
			time.Sleep(time.Hour)
		}
		d.finish()
		if n := strings.Count(log.String(), "rows=3 of=4 per_second=0.5 left=2s"); n != 2 {
			t.Errorf("%d lines have the rate of their stage, wanted 2:\n%s", n, log.String())
		}
	})
}

// Bytes are shown as megabytes. What a download had from before is part of no rate.
func TestProgressOfBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log, terminal bytes.Buffer
		c := &console{streams: streams{stderr: &log, getenv: func(string) string { return "" }}}
		lines, bar := c.display(), c.display()
		bar.stderr, bar.terminal = &terminal, true
		for i := range int64(6) {
			r := progress.Report{Stage: "downloading", Unit: "bytes", Done: (300 + 10*i) * 1e6, Total: 400e6}
			lines.report(r)
			bar.report(r)
			time.Sleep(2 * time.Second)
		}
		bar.finish()
		if want := "msg=downloading done=\"320.0 MB\" of=\"400.0 MB\" per_second=\"5.0 MB\" left=16s\n"; !strings.Contains(log.String(), want) {
			t.Errorf("lines are\n%swant one with %s", log.String(), want)
		}
		for _, want := range []string{"downloading (300.0 MB are there)", "(40/100 MB, 5.0 MB/s)"} {
			if !strings.Contains(terminal.String(), want) {
				t.Errorf("the bar is %q, want %q in it", terminal.String(), want)
			}
		}
		if strings.Contains(terminal.String(), "bytes/s") {
			t.Errorf("the bar shows two rates: %q", terminal.String())
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
