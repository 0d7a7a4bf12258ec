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
			t.Skip("one image")
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

func TestSplitByImageHoldsOutTheShare(t *testing.T) {
	images := []string{"a", "b", "a", "c", "d", "e", "e", "f", "g", "h", "i", "j"}
	fold, err := SplitByImage(images, 0.2, 7)
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]bool{}
	for _, trial := range fold.Test {
		held[images[trial]] = true
	}
	if len(held) != 2 {
		t.Errorf("held out %v, want 2 of 10 images", held)
	}
	for _, trial := range fold.Train {
		if held[images[trial]] {
			t.Errorf("image %s is on both sides", images[trial])
		}
	}
	for share, want := range map[float64]int{0.001: 1, 0.999: 9} {
		fold, err := SplitByImage([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, share, 7)
		if err != nil || len(fold.Test) != want {
			t.Errorf("share %v: %d held out, want %d; %v", share, len(fold.Test), want, err)
		}
	}
}

func TestSplitsFollowTheSeed(t *testing.T) {
	a, err := KFold(20, 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := KFold(20, 4, 1)
	other, _ := KFold(20, 4, 2)
	if diff := cmp.Diff(a, again); diff != "" {
		t.Errorf("the same seed divides differently:\n%s", diff)
	}
	if cmp.Equal(a, other) {
		t.Error("another seed divides equally")
	}
}

func TestSplitsRefuse(t *testing.T) {
	for _, c := range []struct{ n, k int }{{10, 1}, {10, 11}, {0, 2}, {-3, 2}} {
		if _, err := KFold(c.n, c.k, 0); err == nil || !strings.HasPrefix(err.Error(), "split: wanted 2 to ") {
			t.Errorf("%d trials, %d folds: %v", c.n, c.k, err)
		}
	}
	for _, share := range []float64{0, 1, -1} {
		if _, err := SplitByImage([]int{1, 2, 3}, share, 0); err == nil {
			t.Errorf("share %v is accepted", share)
		}
	}
	if _, err := SplitByImage([]int{1, 1}, 0.5, 0); err == nil {
		t.Error("one image is divided")
	}
}
