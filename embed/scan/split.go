package scan

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Fold is one division of trials: row numbers in ascending order, each trial in
// exactly one of the two.
type Fold struct{ Train, Test []int }

// KFoldByImage deals images at random, not trials, into k test sets whose numbers
// of images differ by one at most: images[i] identifies what was seen in trial i,
// and all trials of one image stay together, so that no decoder is tested on an
// image that it was trained on. The same seed gives the same folds everywhere. It
// needs k of at least 2 and at most the number of images.
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
