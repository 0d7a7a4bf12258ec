package app

import (
	"fmt"
	"slices"

	"engram/embed/dataset"

	"gonum.org/v1/gonum/blas/blas32"
)

// sampled is how many elements of a target find others that may be equal.
const sampled = 16

// equalTargets returns for each row of targets the first row that has the same elements,
// and how many rows have one before them. No comparison can tell images of such rows
// apart: as candidates they would tie, and a fold would train on what it holds out.
func equalTargets(targets blas32.General) (first []int, equal int) {
	first = make([]int, targets.Rows)
	known := map[[sampled]float32][]int{}
	row := func(i int) []float32 { return targets.Data[i*targets.Stride:][:targets.Cols] }
	for i := range first {
		var key [sampled]float32
		for k := range key {
			key[k] = row(i)[k*(targets.Cols-1)/(sampled-1)]
		}
		first[i] = i
		at := slices.IndexFunc(known[key], func(j int) bool { return slices.Equal(row(i), row(j)) })
		if at < 0 {
			known[key] = append(known[key], i)
			continue
		}
		first[i] = known[key][at]
		equal++
	}
	return first, equal
}

// mergeEqual takes images whose targets are equal for one image, which their trials
// repeat, as where a file of stimuli has an image for each trial. Targets that stay in
// their file are not compared.
func (s *study) mergeEqual(seen *dataset.Seen) {
	if s.file != nil || s.Targets.Cols == 0 {
		return
	}
	first, equal := equalTargets(s.Targets)
	if equal == 0 {
		return
	}
	for trial, image := range seen.Images {
		if image != dataset.NoImage {
			seen.Images[trial] = first[image]
		}
	}
	s.Warnings = append(s.Warnings, fmt.Sprintf("%d of %d images are equal to others before them in the space of %s: the trials that saw equal images are repeats of one image", equal, len(first), s.target().Name))
}
