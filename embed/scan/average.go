package scan

import (
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
)

// Average returns the mean scan of every image that was seen, [n, V], over the
// first so many of its trials, or over all where it has fewer, and these images in
// the order in which they first appear. images holds the image of each trial.
func Average(voxels blas32.General, images []int, repeats int) (means blas32.General, seen []int, err error) {
	groups := trialsByImage(images)
	means = matrix.New(len(groups), voxels.Cols)
	for i, trials := range groups {
		var scans [][]float32
		for _, trial := range trials[:min(repeats, len(trials))] {
			scans = append(scans, matrix.Row(voxels, trial))
		}
		mean, err := MeanOfRepeats(scans, voxels.Cols)
		if err != nil {
			return means, nil, err
		}
		copy(matrix.Row(means, i), mean)
		seen = append(seen, images[trials[0]])
	}
	return means, seen, nil
}

// RepeatCounts returns over how many trials of an image scans are averaged for a
// report: 1, 2 and 3, as far as an image has so many, and the most that one has.
// images holds the image of each trial.
func RepeatCounts(images []int) []int {
	most := 1
	for _, trials := range trialsByImage(images) {
		most = max(most, len(trials))
	}
	counts := []int{1, 2, 3}
	return append(counts[:min(len(counts), most-1)], most)
}

// Repeats returns the scans of the images that were seen often enough, one matrix
// [images, V] for each repeat, as noise ceilings need them, or none where no image
// was seen twice. Images that were seen less often are left out, and further
// repeats of others: the number of repeats is the one that leaves the most
// deviations of a trial from the mean of its image, images × (repeats − 1).
func Repeats(voxels blas32.General, images []int) []blas32.General {
	groups := trialsByImage(images)
	best, most := 1, 0
	for repeats := 2; ; repeats++ {
		n := len(seenOften(groups, repeats))
		if n == 0 {
			break
		}
		if n*(repeats-1) > most {
			best, most = repeats, n*(repeats-1)
		}
	}
	if best == 1 {
		return nil
	}
	chosen := seenOften(groups, best)
	out := make([]blas32.General, best)
	for k := range out {
		rows := make([]int, len(chosen))
		for i, trials := range chosen {
			rows[i] = trials[k]
		}
		out[k] = matrix.Pick(voxels, rows)
	}
	return out
}

// seenOften returns the groups of so many trials or more.
func seenOften(groups [][]int, repeats int) (out [][]int) {
	for _, trials := range groups {
		if len(trials) >= repeats {
			out = append(out, trials)
		}
	}
	return out
}
