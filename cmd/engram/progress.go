package main

import (
	"context"
	"fmt"
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
	first  int64           // units that were done at the start, as of a download that goes on
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
// its first report on, and again where the work has had to begin anew.
func (d *display) report(r progress.Report) {
	if r.Stage != d.stage.Stage || d.start.IsZero() || r.Done < d.first || d.done() && r.Done < d.stage.Done {
		d.finish()
		now := time.Now()
		d.start, d.logged, d.tenths, d.first = now, now, 0, r.Done
		if r.Total > 0 {
			d.tenths = r.Done * 10 / r.Total
		}
	}
	d.stage = r
	if d.terminal {
		d.draw()
	} else {
		d.write()
	}
}

// done reports whether the latest report ends its stage.
func (d *display) done() bool { return d.stage.Total > 0 && d.stage.Done >= d.stage.Total }

// bytesUnit is the unit that is shown as megabytes.
const bytesUnit = "bytes"

// draw shows the latest report as a bar. A total that is not known makes it a
// bar that only counts. The bar of a download that goes on is the rest of it,
// because the bar takes its rate from all that it shows.
func (d *display) draw() {
	done, total := d.stage.Done, d.stage.Total
	if d.stage.Unit == bytesUnit {
		done, total = done-d.first, total-d.first
	}
	if total <= 0 {
		total = -1
	}
	if d.bar == nil {
		d.bar = d.newBar(total)
	}
	if d.bar.GetMax64() != total {
		d.bar.ChangeMax64(total)
	}
	_ = d.bar.Set64(done) // a bar that cannot be drawn is no reason to stop
}

// write shows the latest report as a log line, if it is time for one.
func (d *display) write() {
	done, total := d.stage.Done, d.stage.Total
	if total <= 0 || done*10/total <= d.tenths || time.Since(d.logged) < time.Second {
		return
	}
	d.tenths, d.logged = done*10/total, time.Now()
	rate := float64(done-d.first) / time.Since(d.start).Seconds()
	left := time.Duration(float64(total-done) / rate * float64(time.Second)).Round(time.Second)
	if d.stage.Unit == bytesUnit {
		d.log.Info(d.stage.Stage, "done", megabytes(float64(done)), "of", megabytes(float64(total)), "per_second", megabytes(rate), "left", left)
		return
	}
	d.log.Info(d.stage.Stage, d.stage.Unit, done, "of", total, "per_second", math.Round(10*rate)/10, "left", left)
}

// megabytes writes a number of bytes in units of 10⁶.
func megabytes(n float64) string { return fmt.Sprintf("%.1f MB", n/1e6) }

func (d *display) newBar(total int64) *progressbar.ProgressBar {
	description := d.stage.Stage
	options := []progressbar.Option{
		progressbar.OptionSetWriter(d.stderr),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionSetWidth(30),
		progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(),
	}
	if d.stage.Unit == bytesUnit {
		if d.first > 0 {
			description += " (" + megabytes(float64(d.first)) + " are there)"
		}
		options = append(options, progressbar.OptionShowBytes(true))
	} else {
		options = append(options, progressbar.OptionShowIts(), progressbar.OptionSetItsString(d.stage.Unit))
	}
	return progressbar.NewOptions64(total, append(options, progressbar.OptionSetDescription(description))...)
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
