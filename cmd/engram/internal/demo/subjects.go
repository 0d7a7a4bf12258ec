package demo

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"engram/cmd/engram/internal/app"
	"engram/data/progress"
)

const (
	subjectsDir  = "subjects" // in the folder of a demo
	measuredName = "measured"
	measuredFile = "measured.json"
)

// Measured is what was measured of one simulated subject.
type Measured struct {
	Seed   uint64   `json:"seed"`
	Chosen Chosen   `json:"chosen"`
	Served []Served `json:"served"`
	Scores []Score  `json:"scores"`
	Stages []Done   `json:"stages"`
}

// RunSubjects measures one simulated subject for each seed, one after another, and
// sums them up. Each subject has scenes, scans and decoders of its own. No scan is
// reconstructed. The figures of a finished subject are kept in the folder subjects of
// Options.Dir; its scenes and scans are deleted. A cancelled run returns the context's
// error; another one goes on from there. Options.Seed and MindEye are not used.
func RunSubjects(ctx context.Context, a *app.App, opts Options, seeds []uint64, watch progress.Func) (*SubjectsReport, error) {
	if len(seeds) == 0 {
		return nil, errors.New("subjects: wanted 1 seed at least, found none")
	}
	opts.Dir, opts.MindEye = filepath.Join(opts.Dir, subjectsDir), ""
	var out *SubjectsReport
	for i, seed := range seeds {
		if slices.Contains(seeds[:i], seed) {
			return nil, fmt.Errorf("subjects: seed %d is named twice", seed)
		}
		opts.Seed = seed
		report, err := measure(ctx, a, opts, watch)
		if err != nil {
			return nil, fmt.Errorf("seed %d: %w", seed, err)
		}
		if out == nil {
			out = newSubjectsReport(report)
		}
		out.Subjects = append(out.Subjects, Measured{seed, report.Chosen, report.Served, report.Scores, report.Stages})
		debug.FreeOSMemory() // the next subject begins with as little memory as the first
	}
	if err := sweep(opts.Dir, isMeasured); err != nil {
		return nil, err
	}
	return out, out.sum()
}

// isMeasured says whether a folder holds the figures of a finished subject.
func isMeasured(folder string) bool { return strings.HasPrefix(folder, measuredName+"-") }

// measure brings the figures of one subject about, unless they are kept.
func measure(ctx context.Context, a *app.App, opts Options, watch progress.Func) (_ *Report, err error) {
	d := newDemo(a, opts, func(r progress.Report) {
		r.Stage = fmt.Sprintf("seed %d: %s", opts.Seed, r.Stage)
		watch.Report(r)
	})
	if err := d.openPainters(ctx); err != nil {
		return nil, err
	}
	if err := d.openEmbedding(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.encoder.Close()) }()
	var made folders
	steps := d.measuring(&made)
	for _, step := range steps {
		s := step.stage()
		dir, err := s.folder(d.Dir)
		if err != nil {
			return nil, err
		}
		*step.dir = dir
	}
	dir, err := d.run(ctx, stage{name: measuredName, version: 1, inputs: []any{
		filepath.Base(made.scores), filepath.Base(made.served),
	}, build: func(ctx context.Context, dir string) error { return d.measureInto(ctx, dir, steps, made) }})
	if err != nil {
		return nil, err
	}
	report := d.newReport()
	if err := readJSON(filepath.Join(dir, measuredFile), &report); err != nil {
		return nil, err
	}
	return &report, sweep(d.Dir, func(folder string) bool { return isMeasured(folder) || !d.kept[folder] })
}

// measureInto runs the steps, whose folders are known, and writes the report to dir.
func (d *demo) measureInto(ctx context.Context, dir string, steps []step, made folders) error {
	for _, step := range steps {
		if _, err := d.run(ctx, step.stage()); err != nil {
			return err
		}
	}
	report := d.newReport()
	if err := report.readMeasured(made); err != nil {
		return err
	}
	return writeJSON(filepath.Join(dir, measuredFile), report)
}
