package app

import (
	"context"
	"errors"
	"os"
	"slices"

	"engram/data/progress"
	"engram/embed/dataset"
	comparison "engram/embed/scan/study"
)

// StudySpec says which decoders to compare, on what.
type StudySpec struct {
	Data   Dataset
	Design comparison.Design
	Seeds  int    // the design's seeds are 1 to Seeds
	Out    string // folder that keeps what is done
	CSV    string // file for the rows; "": none
}

// Study is what a study found.
type Study struct {
	Matched
	Rows []comparison.Row `json:"rows"`
}

// studyImages are the numbers of training images of a study where none are named.
func studyImages() []int { return []int{84, 250, 1000, 5000} }

// Study compares presets over levels of noise, numbers of training images and seeds.
// Of MindEye's data it uses the training images, so that nothing is chosen on the
// others.
func (a *App) Study(ctx context.Context, spec StudySpec, watch progress.Func) (_ *Study, err error) {
	s, err := a.openStudy(ctx, spec.Data, dataset.MindEye.Training, watch)
	if err != nil {
		return nil, err
	}
	rt, err := a.Runtime(ctx, watch)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, rt)
	design := spec.Design
	for seed := range spec.Seeds {
		design.Seeds = append(design.Seeds, uint64(seed+1))
	}
	if len(design.Images) == 0 {
		design.Images = imageNumbers(len(slices.Compact(slices.Sorted(slices.Values(s.Images)))) - design.Test)
	}
	runner := comparison.Runner{Runtime: rt, Session: a.Session(), Data: s.Data, Design: design, Dir: spec.Out, Watch: watch}
	cells, err := runner.Run(ctx)
	if err != nil {
		return nil, err
	}
	out := &Study{Matched: s.Matched, Rows: comparison.Summarise(cells, design.Base)}
	if spec.CSV == "" {
		return out, nil
	}
	f, err := os.Create(spec.CSV)
	if err != nil {
		return nil, err
	}
	return out, errors.Join(comparison.WriteCSV(f, out.Rows), f.Close())
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
