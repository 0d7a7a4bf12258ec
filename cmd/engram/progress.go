package main

import (
	"context"
	"io"
	"log/slog"
	"math"
	"os"
	"time"

	"engram/data/progress"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// display shows the progress of some work, stage after stage: a bar on a
// terminal; elsewhere a log line for every tenth of a stage, but at most one a
// second. It shows nothing before the first report. One goroutine at a time may
// use it.
type display struct {
	stderr   io.Writer
	terminal bool // stderr is one that somebody watches
	log      *slog.Logger

	stage  progress.Report // the latest report
	start  time.Time       // of the stage
	bar    *progressbar.ProgressBar
	tenths int64     // of the stage that were logged
	logged time.Time // of the last line
}

// display returns a display on stderr.
func (c *console) display() *display {
	file, ok := c.stderr.(*os.File)
	terminal := ok && term.IsTerminal(int(file.Fd())) && c.getenv("NO_COLOR") == "" && c.getenv("CI") == ""
	return &display{stderr: c.stderr, terminal: terminal, log: c.logger()}
}

// report shows a report; it is a progress.Func. A stage's rate is measured from
// its first report on, which is best one of 0 units.
func (d *display) report(r progress.Report) {
	if r.Stage != d.stage.Stage || d.start.IsZero() {
		d.finish()
		now := time.Now()
		d.start, d.logged, d.tenths = now, now, 0
	}
	d.stage = r
	if d.terminal {
		d.draw()
	} else {
		d.write()
	}
}

// draw shows the latest report as a bar. A total that is not known makes it a
// bar that only counts.
func (d *display) draw() {
	total := d.stage.Total
	if total <= 0 {
		total = -1
	}
	if d.bar == nil {
		d.bar = d.newBar(total)
	}
	if d.bar.GetMax64() != total {
		d.bar.ChangeMax64(total)
	}
	_ = d.bar.Set64(d.stage.Done) // a bar that cannot be drawn is no reason to stop
}

// write shows the latest report as a log line, if it is time for one.
func (d *display) write() {
	done, total := d.stage.Done, d.stage.Total
	if total <= 0 || done*10/total <= d.tenths || time.Since(d.logged) < time.Second {
		return
	}
	d.tenths, d.logged = done*10/total, time.Now()
	rate := float64(done) / time.Since(d.start).Seconds()
	left := time.Duration(float64(total-done) / rate * float64(time.Second)).Round(time.Second)
	d.log.Info(d.stage.Stage, d.stage.Unit, done, "of", total, "per_second", math.Round(10*rate)/10, "left", left)
}

func (d *display) newBar(total int64) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(d.stderr),
		progressbar.OptionSetDescription(d.stage.Stage),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetWidth(30),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString(d.stage.Unit),
		progressbar.OptionShowBytes(d.stage.Unit == "bytes"),
		progressbar.OptionClearOnFinish(),
	)
}

// finish takes the bar off the terminal.
func (d *display) finish() {
	if d.bar != nil {
		_ = d.bar.Clear()
		d.bar = nil
	}
}

// operation is what the methods of app.App are.
type operation[Spec, Result any] func(context.Context, Spec, progress.Func) (Result, error)

// show does an operation and shows its progress.
func show[Spec, Result any](ctx context.Context, c *console, do operation[Spec, Result], spec Spec) (Result, error) {
	d := c.display()
	defer d.finish()
	return do(ctx, spec, d.report)
}
