package main

import (
	"log/slog"
	"math"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far a long step has come: a bar on a terminal; elsewhere a
// log line for every tenth, but at most one a second. It shows nothing before
// the first call of set. One goroutine at a time may use it.
type progress struct {
	app        *app
	what, unit string
	log        *slog.Logger
	start      time.Time
	bar        *progressbar.ProgressBar // nil until the first set, and where lines are logged
	tenths     int64                    // that were logged
	logged     time.Time                // of the last line
}

// newProgress returns the progress of a step such as "indexing", counted in a
// unit such as "images", or in "bytes".
func (a *app) newProgress(what, unit string) *progress {
	now := time.Now()
	return &progress{app: a, what: what, unit: unit, log: a.logger(), start: now, logged: now}
}

// onTerminal reports whether stderr is a terminal that somebody watches.
func (a *app) onTerminal() bool {
	file, ok := a.stderr.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && a.getenv("NO_COLOR") == "" && a.getenv("CI") == ""
}

// set shows that done of total units are done; a total of 0 is not known yet,
// and may change as long as it is a guess. A bar measures its rate from the first
// call on, which is best one of 0 units.
func (p *progress) set(done, total int64) {
	if total <= 0 && p.app.onTerminal() {
		total = -1 // a bar that only counts
	}
	if p.bar == nil && p.app.onTerminal() {
		p.bar = p.newBar(total)
	}
	if p.bar != nil {
		if p.bar.GetMax64() != total {
			p.bar.ChangeMax64(total)
		}
		_ = p.bar.Set64(done) // a bar that cannot be drawn is no reason to stop
		return
	}
	if total <= 0 || done*10/total <= p.tenths || time.Since(p.logged) < time.Second {
		return
	}
	p.tenths, p.logged = done*10/total, time.Now()
	rate := float64(done) / time.Since(p.start).Seconds()
	left := time.Duration(float64(total-done) / rate * float64(time.Second)).Round(time.Second)
	p.log.Info(p.what, p.unit, done, "of", total, "per_second", math.Round(10*rate)/10, "left", left)
}

func (p *progress) newBar(total int64) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(p.app.stderr),
		progressbar.OptionSetDescription(p.what),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetWidth(30),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString(p.unit),
		progressbar.OptionShowBytes(p.unit == "bytes"),
		progressbar.OptionClearOnFinish(),
	)
}

// finish takes the bar off the terminal.
func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
