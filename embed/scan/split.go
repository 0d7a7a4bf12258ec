package scan

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Fold is one division of trials: row numbers in ascending order, each trial in
// exactly one of the two.
type Fold struct{ Train, Test []int }

// KFold deals n trials at random into k test sets whose sizes differ by one at
// most. The same seed gives the same folds everywhere. It needs 2 ≤ k ≤ n.
func KFold(n, k int, seed uint64) ([]Fold, error) {
	trials := make([]int, max(n, 0))
	for i := range trials {
		trials[i] = i
	}
	return KFoldByImage(trials, k, seed)
}

// KFoldByImage deals images, not trials, into k test sets: images[i] identifies
// what was seen in trial i, and all trials of one image stay together, so that
// no decoder is tested on an image that it was trained on.
func KFoldByImage[I comparable](images []I, k int, seed uint64) ([]Fold, error) {
	groups := shuffledGroups(images, seed)
	if k < 2 || k > len(groups) {
		return nil, fmt.Errorf("split: wanted 2 to %d folds of %d images, found %d", len(groups), len(groups), k)
	}
	folds := make([]Fold, k)
	from := 0
	for f := range folds {
		size := len(groups) / k
		if f < len(groups)%k {
			size++
		}
		folds[f] = divide(groups, from, from+size)
		from += size
	}
	return folds, nil
}

// SplitByImage holds out a share of the images, 0 < share < 1, and all their
// trials: the nearest whole number of images, but at least one on either side.
func SplitByImage[I comparable](images []I, share float64, seed uint64) (Fold, error) {
	groups := shuffledGroups(images, seed)
	if !(share > 0 && share < 1) || len(groups) < 2 {
		return Fold{}, fmt.Errorf("split: wanted a share between 0 and 1 of two images at least, found %v of %d", share, len(groups))
	}
	held := min(max(int(share*float64(len(groups))+0.5), 1), len(groups)-1)
	return divide(groups, 0, held), nil
}

// shuffledGroups returns the trials of every image, the images in random order.
func shuffledGroups[I comparable](images []I, seed uint64) [][]int {
	groups := trialsByImage(images)
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(groups), func(i, j int) {
		groups[i], groups[j] = groups[j], groups[i]
	})
	return groups
}

// trialsByImage returns the trials of every image, images in the order in which
// they first appear.
func trialsByImage[I comparable](images []I) [][]int {
	var groups [][]int
	of := make(map[I]int)
	for trial, image := range images {
		g, known := of[image]
		if !known {
			g = len(groups)
			of[image] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], trial)
	}
	return groups
}

// divide tests on groups[from:to] and trains on the others.
func divide(groups [][]int, from, to int) Fold {
	fold := Fold{
		Train: slices.Concat(slices.Concat(groups[:from]...), slices.Concat(groups[to:]...)),
		Test:  slices.Concat(groups[from:to]...),
	}
	slices.Sort(fold.Train)
	slices.Sort(fold.Test)
	return fold
}
