package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"engram/index"
	"engram/index/ingest"
	"engram/index/plan"
)

// sampleTime is how long a dry run tries things out.
const sampleTime = 3 * time.Second

// estimateIndex prints what a build would take.
func (a *console) estimateIndex(ctx context.Context, f buildFlags, asJSON bool) (err error) {
	p, err := a.prepare(ctx, f)
	if err != nil {
		return err
	}
	defer closeInto(&err, p)
	if p.job.Ledger, err = a.knownManifest(ctx, f); err != nil {
		return err
	}
	if p.job.Ledger != nil {
		defer closeInto(&err, p.job.Ledger)
	}
	e, err := p.job.Estimate(ctx, p.dim, sampleTime)
	if err != nil {
		return err
	}
	if asJSON {
		return a.printJSON(e)
	}
	about := ""
	if e.Guessed {
		about = "about "
	}
	fmt.Fprintf(a.stdout, "shards  %d to read, %d unchanged\n", e.Shards, e.Skipped)
	fmt.Fprintf(a.stdout, "rows    %s%d in %s\n", about, e.Rows, plan.Bytes.Format(float64(e.Bytes)))
	fmt.Fprintf(a.stdout, "sample  %d rows at %.1f rows/s, not stored\n", e.Sampled, e.Rate)
	fmt.Fprintf(a.stdout, "time    about %s at this rate\n", plan.Hours.Format(e.Seconds/3600))
	fmt.Fprintf(a.stdout, "memory  about %s\n", plan.Bytes.Format(float64(e.Memory)))
	_, err = fmt.Fprintf(a.stdout, "disk    about %s in the embedded engine\n", plan.Bytes.Format(float64(e.Disk)))
	return err
}

// knownManifest opens the manifest of an earlier build, nil where there is none.
func (a *console) knownManifest(ctx context.Context, f buildFlags) (*ingest.Ledger, error) {
	dir := f.out
	if isCollection(f.out) {
		store, _, err := a.openIndex(ctx, f.out)
		if errors.Is(err, index.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		labels, err := store.Labels(ctx)
		if err == nil {
			dir, err = a.labelledDir(labels)
		}
		if err := errors.Join(err, store.Close()); err != nil {
			return nil, err
		}
	}
	dir = f.partDir(dir)
	_, err := os.Stat(filepath.Join(dir, ingest.LedgerName))
	if f.out == "" || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return ingest.OpenLedger(dir)
}
