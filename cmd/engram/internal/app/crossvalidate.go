package app

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"engram/embed/scan"
)

// crossValidates says whether presets are cross-validated.
func (spec *EvalSpec) crossValidates() bool {
	return len(spec.Decoders) == 0 && spec.Data.MindEye == ""
}

// candidates returns how many images the right one is chosen among: all of them, or in a
// cross-validation, whose number of folds it sets, the least that a fold holds out.
func (spec *EvalSpec) candidates(s *study) (int, error) {
	if !spec.crossValidates() {
		return s.Targets.Rows, nil
	}
	seen := len(slices.Compact(slices.Sorted(slices.Values(s.Images))))
	if spec.Folds == 0 {
		spec.Folds = max(2, min(defaultFolds, seen/2))
	}
	if spec.Folds > 1 && spec.Folds <= seen && seen/spec.Folds < 2 {
		return 0, fmt.Errorf("--folds is %d, wanted %d at most: of %d images seen a fold holds out one, which has no other to be told from", spec.Folds, seen/2, seen)
	}
	return max(1, seen/max(spec.Folds, 1)), nil
}

// defaultFolds is into how many parts many images are divided.
const defaultFolds = 10

// crossValidate scores a preset on images that are held out.
func (c *scoring) crossValidate(ctx context.Context, preset string) (*scored, error) {
	folds, err := scan.KFoldByImage(c.study.Images, c.spec.Folds, c.spec.Seed)
	if err != nil {
		return nil, err
	}
	opts := c.options(preset)
	start := time.Now()
	cv, err := scan.CrossValidate(ctx, c.rt, c.study.Data, opts, folds, c.similarities()...)
	if err != nil {
		return nil, err
	}
	seconds := time.Since(start).Seconds()
	if err := c.writePredictions(cv.Predicted); err != nil {
		return nil, err
	}
	all, err := newScore(preset, cv.Similarity, c.study.Images, seconds)
	if err != nil {
		return nil, err
	}
	s := scoreOf(preset, cv.HeldOut, seconds)
	s.AmongTrained = &all.Figures
	if preset == scan.PresetAuto {
		s.Chosen = chosenInFolds(cv.Presets)
	}
	return &scored{Score: s, averaged: cv.Averaged, amongTrained: cv.AmongTrained}, nil
}

// chosenInFolds says which presets auto chose, the most frequent one first.
func chosenInFolds(presets []string) string {
	counts := map[string]int{}
	for _, preset := range presets {
		counts[preset]++
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(counts[b]-counts[a], strings.Compare(a, b)) })
	for i, name := range names {
		names[i] = fmt.Sprintf("%s in %d", name, counts[name])
	}
	return fmt.Sprintf("%s of %d folds", strings.Join(names, ", "), len(presets))
}
