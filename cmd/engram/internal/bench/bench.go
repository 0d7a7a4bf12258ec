package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"engram/cmd/engram/internal/app"
	"engram/data/progress"
	"engram/embed/clip"
	"engram/index"
	"engram/index/open"
	"engram/index/plan"
)

// Options say what is measured, and with how much of it.
type Options struct {
	Dir    string        // folder on the disk that is measured; what is written there is removed
	Rows   int           // vectors to search and to import
	Dim    int           // their elements
	Images int           // generated images to decode and encode
	Bytes  int           // of memory and of a file, several times what caches hold
	Runs   int           // at most, of each step
	Step   time.Duration // after this long a step makes no further run
}

// Spec says what Run measures.
type Spec struct {
	Options
	Model  string // the encoder's
	Qdrant string // host:port of a server on this machine; "": none
}

// Subject is what Measure measures beside the machine.
type Subject struct {
	Encoder *clip.Encoder
	Text    *clip.TextEncoder // nil where the model has none
	// Remote is an empty store on a server of this machine, or nil. It answers
	// with its graph, however few items it has.
	Remote index.Bulk
}

// Result is the median of the runs of one step.
type Result struct {
	Name string  `json:"name"`
	Unit string  `json:"unit"` // of what a second is measured
	Rate float64 `json:"rate"` // units per second, the median
	Low  float64 `json:"low"`  // of the slowest run
	High float64 `json:"high"` // of the fastest run
	Runs int     `json:"runs"`
}

// Report says what was measured, where, and what plans follow from.
type Report struct {
	Machine Machine    `json:"machine"`
	Model   string     `json:"model"` // name and version of the encoder's
	Rows    int        `json:"rows"`
	Dim     int        `json:"dim"`
	Results []Result   `json:"results"`
	Rates   plan.Rates `json:"rates"`
}

// bench is a measurement under way.
type bench struct {
	Options
	Subject
	dir     string // of its own, in Options.Dir
	report  Report
	vectors *vectors
}

// step measures something and adds its results to the report.
type step func(context.Context) error

// Run opens what a spec names and measures it. On the server it makes a
// collection, which it drops at the end.
func Run(ctx context.Context, a *app.App, spec Spec, watch progress.Func) (_ *Report, err error) {
	b, err := a.OpenModel(ctx, spec.Model, watch)
	if err != nil {
		return nil, err
	}
	m, err := a.OpenImageEncoder(ctx, b, watch)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	subject := Subject{Encoder: m.Encoder}
	if _, ok := b.Graphs["text"]; ok {
		text, err := a.OpenTextEncoder(ctx, b, watch)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, text.Close()) }()
		subject.Text = text.TextEncoder
	}
	if spec.Qdrant != "" {
		name := fmt.Sprintf("qdrant://%s/engram-bench-%x", spec.Qdrant, time.Now().UnixNano())
		var drop func(context.Context) error
		empty := open.Empty{Dim: spec.Dim, Collection: open.Collection{PayloadIndexes: map[string]string{"class": "integer"}}}
		subject.Remote, drop, err = a.Scratch(ctx, name, empty)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, drop(ctx)) }()
	}
	return Measure(ctx, spec.Options, subject, watch)
}

// Measure measures. Rates that nothing here measures are plan.DefaultRates.
// Stage: "measuring", in steps.
func Measure(ctx context.Context, opts Options, subject Subject, watch progress.Func) (_ *Report, err error) {
	if err := opts.check(); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	b := &bench{Options: opts, Subject: subject}
	if b.dir, err = os.MkdirTemp(opts.Dir, "engram-bench-"); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer func() {
		if e := os.RemoveAll(b.dir); err == nil {
			err = e
		}
	}()
	name := subject.Encoder.Model()
	b.report = Report{
		Machine: thisMachine(), Model: name.Name + " " + name.Version, Rows: opts.Rows, Dim: opts.Dim,
		Rates: plan.DefaultRates(),
	}
	b.report.Rates.Device = subject.Encoder.Device()
	steps := []step{b.memory, b.disk, b.generate, b.scan, b.embedded, b.images}
	if subject.Text != nil {
		steps = append(steps, b.texts)
	}
	if subject.Remote != nil {
		steps = append(steps, b.server)
	}
	measured := watch.Stage("measuring", "steps", int64(len(steps)))
	for i, measure := range steps {
		if i > 0 {
			measured(int64(i), int64(len(steps)))
		}
		if err := measure(ctx); err != nil {
			return nil, fmt.Errorf("bench: %w", err)
		}
	}
	measured(int64(len(steps)), int64(len(steps)))
	b.report.Rates.Machine = b.report.describe(subject.Remote != nil)
	return &b.report, nil
}

// maxElements bounds rows times elements, which take 5 bytes of memory each.
const maxElements = 1 << 32

func (o Options) check() error {
	if o.Rows <= chosen || o.Dim < 1 || o.Images < 1 || o.Bytes < 1 || o.Runs < 1 {
		return fmt.Errorf("%d rows of %d elements, %d images, %d bytes and %d runs, wanted more than %d rows and 1 or more of the others",
			o.Rows, o.Dim, o.Images, o.Bytes, o.Runs, chosen)
	}
	if o.Rows > maxElements/o.Dim {
		return fmt.Errorf("%d rows of %d elements, wanted %d elements at most", o.Rows, o.Dim, maxElements)
	}
	return nil
}

// measure times work, which does amount units of something, and returns the
// rate. The first run warms up and does not count, unless it takes all the time
// there is.
func (b *bench) measure(ctx context.Context, name, unit string, amount float64, work step) (float64, error) {
	var rates []float64
	began := time.Now()
	for len(rates) <= b.Runs && (len(rates) == 0 || time.Since(began) <= b.Step) {
		rate, err := timed(ctx, amount, work)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		rates = append(rates, rate)
	}
	if len(rates) > 1 {
		rates = rates[1:]
	}
	slices.Sort(rates)
	return b.add(Result{Name: name, Unit: unit, Rate: median(rates), Low: rates[0], High: rates[len(rates)-1], Runs: len(rates)}), nil
}

// once times work that cannot be done twice.
func (b *bench) once(ctx context.Context, name, unit string, amount float64, work step) (float64, error) {
	rate, err := timed(ctx, amount, work)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return b.add(Result{Name: name, Unit: unit, Rate: rate, Low: rate, High: rate, Runs: 1}), nil
}

// add adds a result to the report and returns its rate.
func (b *bench) add(r Result) float64 {
	b.report.Results = append(b.report.Results, r)
	return r.Rate
}

// timed returns the amount that work does in a second.
func timed(ctx context.Context, amount float64, work step) (float64, error) {
	start := time.Now()
	if err := work(ctx); err != nil {
		return 0, err
	}
	return amount / max(time.Since(start).Seconds(), 1e-9), ctx.Err()
}

// median returns the middle of sorted numbers. There is at least one.
func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
