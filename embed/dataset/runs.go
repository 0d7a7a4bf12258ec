package dataset

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"engram/data/pattern"
)

// openRuns opens the recordings that a pattern names as one, in natural order (see
// pattern.Paths). They must have the same voxels. It returns nil where path names one
// file, and is no pattern.
func (r Recording) openRuns() (_ *Voxels, err error) {
	if _, err := os.Stat(r.Path); err == nil || !strings.ContainsAny(r.Path, "*?[{") {
		return nil, nil
	}
	paths, err := pattern.Paths(r.Path)
	if err != nil {
		return nil, err
	}
	runs := runs{}
	defer func() {
		if err != nil {
			err = errors.Join(err, runs.Close())
		}
	}()
	all := &Voxels{path: r.Path}
	for _, path := range paths {
		run, err := Recording{Path: path, Mask: r.Mask, Labels: r.Labels}.Open()
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
		first := runs[0]
		if _, err := first.Order.Check(run.Order); err != nil {
			return nil, fmt.Errorf("%s and %s: runs of one recording must have the same voxels, found %d and %d: %w", first.path, path, first.Count, run.Count, err)
		}
		all.Trials += run.Trials
		all.Warnings = append(all.Warnings, run.Warnings...)
	}
	first, last := runs[0], runs[len(runs)-1]
	all.Count, all.Order, all.closer, all.read = first.Count, first.Order, runs, runs.read
	all.shape = []int{all.Trials, all.Count}
	all.about = fmt.Sprintf("%d runs in natural order, %s … %s", len(runs), first.about, last.path)
	return all, nil
}

// runs are recordings that follow each other.
type runs []*Voxels

// read reads as many scans as dst holds, scan from of all runs first.
func (r runs) read(dst []float32, from int) error {
	for _, run := range r {
		if len(dst) == 0 {
			return nil
		}
		if from >= run.Trials {
			from -= run.Trials
			continue
		}
		n := min(len(dst), (run.Trials-from)*run.Count)
		if err := run.read(dst[:n], from); err != nil {
			return err
		}
		dst, from = dst[n:], 0
	}
	return nil
}

// Close closes all.
func (r runs) Close() error {
	var faults []error
	for _, run := range r {
		faults = append(faults, run.Close())
	}
	return errors.Join(faults...)
}
