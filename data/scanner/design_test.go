package scanner

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTrials(t *testing.T) {
	t.Parallel()
	images := []int{4, 8, 15, 16, 23, 42}
	trials, err := Schedule{SessionTrials: 4}.Trials(images)
	if err != nil {
		t.Fatal(err)
	}
	if len(trials) != 18 {
		t.Fatalf("there are %d trials, want 18", len(trials))
	}
	repeats := make(map[int][]int)
	length := make(map[int]int)
	for i, trial := range trials {
		if trial.Place != length[trial.Session] || trial.Session < trials[max(0, i-1)].Session {
			t.Errorf("trial %d is %+v after %d of its session", i, trial, length[trial.Session])
		}
		length[trial.Session]++
		repeats[trial.Image] = append(repeats[trial.Image], trial.Repeat)
	}
	for _, image := range images {
		if diff := cmp.Diff([]int{0, 1, 2}, repeats[image]); diff != "" {
			t.Errorf("image %d: %s", image, diff)
		}
	}
	if diff := cmp.Diff(map[int]int{0: 3, 1: 3, 2: 3, 3: 3, 4: 3, 5: 3}, length); diff != "" {
		t.Errorf("trials of each session: %s", diff)
	}
	again, err := Schedule{SessionTrials: 4}.Trials(images)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(trials, again) {
		t.Error("the same seed gives two schedules")
	}
	if other, _ := (Schedule{SessionTrials: 4, Seed: 1}).Trials(images); slices.Equal(trials, other) {
		t.Error("another seed gives the same schedule")
	}
	if _, err := (Schedule{Repeats: -1}).Trials(images); err == nil {
		t.Error("-1 repeats were accepted")
	}
}

func TestNoImageIsSeenTwiceInASession(t *testing.T) {
	t.Parallel()
	seen := make(map[[2]int]bool)
	for _, trial := range trialsOf(t, Schedule{}, 1600) {
		at := [2]int{trial.Image, trial.Session}
		if seen[at] || trial.Place >= 750 || trial.Session >= 9 {
			t.Fatalf("%+v is seen twice or out of place", trial)
		}
		seen[at] = true
	}
}
