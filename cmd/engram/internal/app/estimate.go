package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"engram/data/progress"
	"engram/index"
	"engram/index/ingest"
	"engram/index/open"
	"engram/index/source"
)

// sampleTime is how long an estimate tries a build out.
const sampleTime = 3 * time.Second

// Estimate is what a build would take, and what it would leave out of its sources.
type Estimate struct {
	*ingest.Estimate

	Sources []source.Summary `json:"sources"`
}

// Estimate says what a build would take, from a sample that is not stored. Out
// may be "".
func (a *App) Estimate(ctx context.Context, spec BuildSpec, watch progress.Func) (_ *Estimate, err error) {
	in, err := a.openInput(ctx, spec, watch)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, in)
	if err := a.placeKnown(ctx, spec, in); err != nil {
		return nil, err
	}
	job := in.job(spec)
	if job.Ledger, err = a.knownLedger(ctx, spec); err != nil {
		return nil, err
	}
	if job.Ledger != nil {
		defer closeInto(&err, job.Ledger)
	}
	of := index.Info{Dim: in.dim}
	if of.Tokens, err = spec.tokens(in); err != nil {
		return nil, err
	}
	e, err := job.Estimate(ctx, of, sampleTime)
	if err != nil {
		return nil, err
	}
	sources := summaries(in.sources)
	for i := range sources {
		sources[i].Sidecars = nil // counted in the sample only
	}
	return &Estimate{e, sources}, nil
}

// placeKnown labels the sources as the build would.
func (a *App) placeKnown(ctx context.Context, spec BuildSpec, in *input) error {
	if spec.Out == "" {
		return in.place(ctx, &Index{})
	}
	x, err := a.OpenIndex(ctx, spec.Out)
	if errors.Is(err, index.ErrNotFound) {
		return in.place(ctx, &Index{})
	}
	if err != nil {
		return err
	}
	return errors.Join(in.place(ctx, x), x.Close())
}

// knownLedger opens the ledger of an earlier build, nil where there is none.
func (a *App) knownLedger(ctx context.Context, spec BuildSpec) (*ingest.Ledger, error) {
	if spec.Out == "" {
		return nil, nil
	}
	dir, err := open.FindLedgerDir(ctx, spec.Out, a.storeOptions())
	if err != nil || dir == "" {
		return nil, err
	}
	dir = partDir(dir, spec.Out, spec.Part)
	_, err = os.Stat(filepath.Join(dir, ingest.LedgerName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return ingest.OpenLedger(dir)
}
