package bench_test

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"engram/cmd/engram/internal/bench"
	"engram/data/progress"
	"engram/embed/clip"
	"engram/embed/ort/orttest"
	"engram/index/local"
	"engram/index/plan"
)

// small are options of a bench that takes less than a few seconds.
func small(t *testing.T) (bench.Options, bench.Subject) {
	t.Helper()
	m, err := clip.WritePixels(t.TempDir(), 32)
	if err != nil {
		t.Fatal(err)
	}
	encoder, err := clip.Open(orttest.Runtime(t), m, clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := encoder.Close(); err != nil {
			t.Error(err)
		}
	})
	return bench.Options{Dir: t.TempDir(), Rows: 2000, Dim: 64, Images: 3, Bytes: 3 << 19, Runs: 2, Step: 100 * time.Millisecond}, bench.Subject{Encoder: encoder}
}

// server stands in for one: an embedded store that is told of bulk loads.
type server struct {
	*local.Store
	calls []string
}

func (s *server) BeginBulk(context.Context) error {
	s.calls = append(s.calls, "begin")
	return nil
}

func (s *server) EndBulk(context.Context, progress.Func) error {
	s.calls = append(s.calls, "end")
	return nil
}

func TestRun(t *testing.T) {
	opts, subject := small(t)
	store, err := local.Create(t.TempDir(), local.Options{Dim: opts.Dim})
	if err != nil {
		t.Fatal(err)
	}
	remote := &server{Store: store}
	subject.Remote = remote
	var steps []int64
	watch := func(r progress.Report) { steps = append(steps, r.Done, r.Total) }
	report, err := bench.Measure(t.Context(), opts, subject, watch)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		if !(r.Rate > 0) || r.Low > r.Rate || r.High < r.Rate || r.Runs < 1 || r.Runs > opts.Runs {
			t.Errorf("%+v, wanted a median above 0 of at most %d runs", r, opts.Runs)
		}
	}
	if n := steps[len(steps)-1]; n != 7 || steps[len(steps)-2] != n {
		t.Errorf("the steps were %v, wanted 7 at the end", steps)
	}
	checkRates(t, report, opts.Dim)
	if info, err := remote.Info(t.Context()); err != nil || info.Count != opts.Rows || !slices.Equal(remote.calls, []string{"begin", "end"}) {
		t.Errorf("the server has %+v (%v) after %v, wanted %d items of one bulk load", info, err, remote.calls, opts.Rows)
	}
	if err := remote.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(opts.Dir); err != nil || len(left) > 0 {
		t.Errorf("%d files are left (%v)", len(left), err)
	}
}

// checkRates compares the rates with the results that they follow from, and
// makes a plan with them.
func checkRates(t *testing.T, report *bench.Report, dim int) {
	t.Helper()
	rate := map[string]float64{}
	for _, r := range report.Results {
		rate[r.Name] = r.Rate // the last import is the server's
	}
	got, row := report.Rates, 4*float64(dim)
	if got.Scan != rate["exact search, int8"] || got.Decode != rate["decode images"] || got.Encode != rate["encode images"] ||
		got.Import != rate["import, embedded"]*row || got.Upload != rate["import, local"]*row || got.Device != "cpu" {
		t.Errorf("the rates are %+v, the results %v", got, rate)
	}
	scale := math.Log(float64(report.Rows)) / math.Log(200_000) * float64(dim) / 768
	link, walk := rate["build the graph, local"]*scale/float64(report.Machine.Cores), 1000/rate["search, local"]/scale
	if math.Abs(got.Link-link) > 1e-9*link || math.Abs(got.Walk-walk) > 1e-9*walk {
		t.Errorf("the rates of graphs are %v and %v, wanted %v and %v", got.Link, got.Walk, link, walk)
	}
	for _, d := range plan.Known() {
		if _, err := plan.New(d, got); err != nil {
			t.Errorf("a plan from these rates: %v", err)
		}
	}
}

func TestACancelledRunLeavesNothing(t *testing.T) {
	opts, subject := small(t)
	ctx, cancel := context.WithCancel(t.Context())
	watch := func(r progress.Report) {
		if r.Done == 4 { // the index is being filled
			cancel()
		}
	}
	if _, err := bench.Measure(ctx, opts, subject, watch); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v, wanted context.Canceled", err)
	}
	if left, err := os.ReadDir(opts.Dir); err != nil || len(left) > 0 {
		t.Errorf("%d files are left (%v)", len(left), err)
	}
}

func TestUnusableOptions(t *testing.T) {
	for name, change := range map[string]func(*bench.Options){
		"few rows":    func(o *bench.Options) { o.Rows = 7 },
		"many rows":   func(o *bench.Options) { o.Rows = math.MaxInt },
		"no elements": func(o *bench.Options) { o.Dim = -1 },
		"no images":   func(o *bench.Options) { o.Images = 0 },
		"no bytes":    func(o *bench.Options) { o.Bytes = 0 },
		"no runs":     func(o *bench.Options) { o.Runs = 0 },
		"no folder":   func(o *bench.Options) { o.Dir = "no-such-folder" },
	} {
		opts, subject := small(t)
		change(&opts)
		if report, err := bench.Measure(t.Context(), opts, subject, nil); err == nil {
			t.Errorf("%s: it ran: %+v", name, report)
		}
	}
}
