package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"engram/data/progress"
	"engram/embed/dataset"
	"engram/embed/ort"
	comparison "engram/embed/scan/study"
)

// StudySpec says which decoders to compare, on what.
type StudySpec struct {
	Data     Dataset
	Subjects []string // names that replace {subject} in paths, or MindEye's numbers; none: one subject
	Design   comparison.Design
	Seeds    int    // the design's seeds are 1 to Seeds
	Out      string // folder that keeps what is done, for several subjects in a folder of each
	CSV      string // file for the rows; "": none
}

// Study is what a study found.
type Study struct {
	Matched
	Subjects []string                 `json:"subjects,omitempty"`
	Rows     []comparison.Row         `json:"rows,omitempty"`
	Ablation []comparison.AblationRow `json:"ablation,omitempty"`
}

// studyImages are the numbers of training images of a study where none are named.
func studyImages() []int { return []int{84, 250, 1000, 5000} }

// Study compares presets over levels of noise, numbers of training images and seeds.
// Of MindEye's data it uses the training images, so that nothing is chosen on the
// others.
func (a *App) Study(ctx context.Context, spec StudySpec, watch progress.Func) (*Study, error) {
	out, cells, err := a.compare(ctx, spec, watch)
	if err != nil {
		return nil, err
	}
	out.Rows = comparison.Summarise(cells, spec.Design.Base)
	return out, spec.writeCSV(func(w io.Writer) error { return comparison.WriteCSV(w, out.Rows) })
}

// Ablation compares the parts of a decoder as Study compares presets, with paired
// tests.
func (a *App) Ablation(ctx context.Context, spec StudySpec, watch progress.Func) (*Study, error) {
	out, cells, err := a.compare(ctx, spec, watch)
	if err != nil {
		return nil, err
	}
	if out.Ablation, err = comparison.Ablate(cells); err != nil {
		return nil, err
	}
	return out, spec.writeCSV(func(w io.Writer) error { return comparison.WriteAblationCSV(w, out.Ablation) })
}

// writeCSV writes the file for the rows, if there is to be one.
func (spec StudySpec) writeCSV(write func(io.Writer) error) error {
	if spec.CSV == "" {
		return nil
	}
	f, err := os.Create(spec.CSV)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// compare runs the cells of all subjects.
func (a *App) compare(ctx context.Context, spec StudySpec, watch progress.Func) (_ *Study, cells []comparison.Done, err error) {
	if err := checkPresets(spec.Design.Presets); err != nil {
		return nil, nil, err
	}
	rt, err := a.Runtime(ctx, watch)
	if err != nil {
		return nil, nil, err
	}
	defer closeInto(&err, rt)
	for seed := range spec.Seeds {
		spec.Design.Seeds = append(spec.Design.Seeds, uint64(seed+1))
	}
	if len(spec.Subjects) == 0 {
		return a.compareSubject(ctx, rt, spec, watch)
	}
	out := &Study{Subjects: spec.Subjects}
	data := make([]Dataset, len(spec.Subjects))
	for i, name := range spec.Subjects {
		if slices.Contains(spec.Subjects[:i], name) || name != filepath.Base(name) {
			return nil, nil, fmt.Errorf("--subjects: wanted different names without %q, found %s", filepath.Separator, name)
		}
		of, err := EvalSpec{Data: spec.Data}.of(name)
		if err != nil {
			return nil, nil, err
		}
		data[i] = of.Data
		if err := data[i].present(); err != nil {
			return nil, nil, fmt.Errorf("subject %s: %w", name, err)
		}
	}
	for i, name := range spec.Subjects {
		one := spec
		one.Data, one.Subjects, one.Out = data[i], []string{name}, filepath.Join(spec.Out, name)
		found, some, err := a.compareSubject(ctx, rt, one, watch)
		if err != nil {
			return nil, nil, fmt.Errorf("subject %s: %w", name, err)
		}
		out.Matched, cells = found.Matched, append(cells, some...)
	}
	return out, cells, nil
}

// compareSubject runs the cells of one subject.
func (a *App) compareSubject(ctx context.Context, rt *ort.Runtime, spec StudySpec, watch progress.Func) (*Study, []comparison.Done, error) {
	s, err := a.openStudy(ctx, spec.Data, dataset.MindEye.Training, watch)
	if err != nil {
		return nil, nil, err
	}
	design := spec.Design
	if len(design.Images) == 0 {
		design.Images = imageNumbers(len(slices.Compact(slices.Sorted(slices.Values(s.Images)))) - design.Test)
	}
	runner := comparison.Runner{Runtime: rt, Session: a.Session(), Data: s.Data, Design: design, Dir: spec.Out, Watch: watch}
	if len(spec.Subjects) > 0 {
		runner.Subject = spec.Subjects[0]
	}
	cells, err := runner.Run(ctx)
	return &Study{Matched: s.Matched}, cells, err
}

// imageNumbers returns the numbers of training images that so many images allow, the
// last one being all of them where they are fewer than the list goes.
func imageNumbers(most int) (numbers []int) {
	for _, n := range studyImages() {
		if n >= most {
			return append(numbers, most)
		}
		numbers = append(numbers, n)
	}
	return numbers
}
