package scan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestFoldsCoverEveryTrialOnceAndKeepImagesTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		images := rapid.SliceOfN(rapid.IntRange(0, 9), 30, 60).Draw(t, "images")
		distinct := len(trialsByImage(images))
		if distinct < 2 {
			t.Skip("a single image cannot be split into two parts")
		}
		k := rapid.IntRange(2, distinct).Draw(t, "k")
		folds, err := KFoldByImage(images, k, rapid.Uint64().Draw(t, "seed"))
		if err != nil || len(folds) != k {
			t.Fatalf("%d folds, %v", len(folds), err)
		}
		var tested []int
		sizes := make([]int, k)
		for f, fold := range folds {
			checkFold(t, fold, images)
			tested = append(tested, fold.Test...)
			sizes[f] = len(trialsByImage(pick(images, fold.Test)))
		}
		slices.Sort(tested)
		for i, trial := range tested {
			if i != trial {
				t.Fatalf("tested trials %v", tested)
			}
		}
		if len(tested) != len(images) || slices.Max(sizes)-slices.Min(sizes) > 1 {
			t.Fatalf("%d of %d trials tested, images per fold %v", len(tested), len(images), sizes)
		}
	})
}

func checkFold(t *rapid.T, fold Fold, images []int) {
	if len(fold.Train)+len(fold.Test) != len(images) || !slices.IsSorted(fold.Train) || !slices.IsSorted(fold.Test) {
		t.Fatalf("%d + %d of %d trials: %v", len(fold.Train), len(fold.Test), len(images), fold)
	}
	trained := pick(images, fold.Train)
	for _, trial := range fold.Test {
		if slices.Contains(trained, images[trial]) {
			t.Fatalf("image %d is trained and tested", images[trial])
		}
	}
}

func pick(images, trials []int) []int {
	var out []int
	for _, trial := range trials {
		out = append(out, images[trial])
	}
	return out
}

// once returns n images, each seen once.
func once(n int) []int {
	images := make([]int, max(n, 0))
	for i := range images {
		images[i] = i
	}
	return images
}

func TestSplitsFollowTheSeed(t *testing.T) {
	a, err := KFoldByImage(once(20), 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := KFoldByImage(once(20), 4, 1)
	other, _ := KFoldByImage(once(20), 4, 2)
	if diff := cmp.Diff(a, again); diff != "" {
		t.Errorf("the same seed divides differently:\n%s", diff)
	}
	if cmp.Equal(a, other) {
		t.Error("another seed divides equally")
	}
}

func TestSplitsRefuse(t *testing.T) {
	for _, c := range []struct{ n, k int }{{10, 1}, {10, 11}, {0, 2}, {-3, 2}} {
		if _, err := KFoldByImage(once(c.n), c.k, 0); err == nil || !strings.HasPrefix(err.Error(), "split: wanted 2 to ") {
			t.Errorf("%d images, %d folds: %v", c.n, c.k, err)
		}
	}
}
