package copyindex_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"engram/data/progress"
	"engram/data/space"
	"engram/index"
	"engram/index/copyindex"
	"engram/index/local"
)

var errBroken = errors.New("broken")

// mustCopy copies and returns the report without its time and digest.
func mustCopy(t testing.TB, from, to index.Store, opts copyindex.Options) copyindex.Report {
	t.Helper()
	report, err := copyindex.Copy(t.Context(), from, to, opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Digest) != 64 || report.Seconds <= 0 {
		t.Errorf("digest %q, %v s", report.Digest, report.Seconds)
	}
	report.Digest, report.Seconds = "", 0
	return *report
}

func TestCopyIsLikeItsSource(t *testing.T) {
	from, to := newFilled(t, 1000), newTarget(t)
	var steps []string
	last := map[string]int64{}
	report := mustCopy(t, from, to, copyindex.Options{Batch: 64, Progress: func(r progress.Report) {
		if last[r.Stage] == 0 {
			steps = append(steps, r.Stage)
		}
		if r.Total != 1000 || r.Done <= last[r.Stage] {
			t.Errorf("%+v after %d", r, last[r.Stage])
		}
		last[r.Stage] = r.Done
	}})
	if diff := cmp.Diff(copyindex.Report{Items: 1000, Added: 1000}, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(all(t, from), all(t, to)); diff != "" {
		t.Errorf("items (-source +copy):\n%s", diff)
	}
	if strings.Join(steps, " ") != "copying checking" || last[copyindex.Copying] != 1000 || last[copyindex.Checking] != 1000 {
		t.Errorf("progress %v, %v", steps, last)
	}
}

func TestCopyGoesOnWhereItWasBroken(t *testing.T) {
	from := newFilled(t, 500)
	to := &engine{Store: newTarget(t), failAt: 6}
	first, err := copyindex.Copy(t.Context(), from, to, copyindex.Options{Batch: 32})
	if !errors.Is(err, errBroken) {
		t.Fatalf("error %v, want that of the engine", err)
	}
	there := len(all(t, to))
	if first.Added != there || there == 0 || there == 500 {
		t.Fatalf("the report says %d added, the target has %d; want equal, some and not all", first.Added, there)
	}
	second := mustCopy(t, from, to, copyindex.Options{Batch: 32})
	if diff := cmp.Diff(copyindex.Report{Items: 500, Added: 500 - there, Unchanged: there}, second); diff != "" {
		t.Errorf("second run (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(all(t, from), all(t, to)); diff != "" {
		t.Errorf("items (-source +copy):\n%s", diff)
	}
	writes := to.upserts.Load()
	third := mustCopy(t, from, to, copyindex.Options{})
	if diff := cmp.Diff(copyindex.Report{Items: 500, Unchanged: 500}, third); diff != "" || to.upserts.Load() != writes {
		t.Errorf("third run wrote %d times (-want +got):\n%s", to.upserts.Load()-writes, diff)
	}
}

func TestCancelledCopyKeepsWhatIsDone(t *testing.T) {
	from := newFilled(t, 900)
	to := &engine{Store: newTarget(t), pause: time.Millisecond}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	report, err := copyindex.Copy(ctx, from, to, copyindex.Options{Batch: 10, Progress: func(r progress.Report) {
		if r.Done > 500 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	if n := len(all(t, to)); n != report.Added || n < 400 || n == 900 {
		t.Errorf("the report says %d added, the target has %d; want equal, 400 or more and not all", report.Added, n)
	}
}

func TestCopyUpdatesAndPrunes(t *testing.T) {
	from, to := newFilled(t, 100), newTarget(t)
	items := randomItems(100)
	items[4].Payload = index.Payload{"n": int64(-1)}
	items[5].Vector = items[6].Vector
	items[13].Payload = index.Payload{} // the source's is nil
	put(t, to, append(items[:50:50], index.Item{ID: 5, Vector: items[0].Vector}, index.Item{ID: math.MaxUint64, Vector: items[0].Vector})...)
	want := copyindex.Report{Items: 100, Added: 50, Changed: 3, Unchanged: 47, Extra: 2}
	if diff := cmp.Diff(want, mustCopy(t, from, to, copyindex.Options{})); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if n := len(all(t, to)); n != 102 {
		t.Errorf("%d items, want the 100 of the source and 2 more", n)
	}
	want = copyindex.Report{Items: 100, Unchanged: 100, Extra: 2, Pruned: 2}
	if diff := cmp.Diff(want, mustCopy(t, from, to, copyindex.Options{Prune: true})); diff != "" {
		t.Errorf("report with prune (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(all(t, from), all(t, to)); diff != "" {
		t.Errorf("items (-source +copy):\n%s", diff)
	}
}

// An engine that rounds differently makes a copy; one that loses or mixes up
// items does not.
func TestCopyIsChecked(t *testing.T) {
	from := newFilled(t, 300)
	rounding := func(by float32) func(*index.Item) {
		return func(item *index.Item) { item.Vector[0] += by }
	}
	var before index.Item
	for name, test := range map[string]struct {
		engine *engine
		want   string // of the error
	}{
		"rounds":        {&engine{read: rounding(4e-6)}, ""},
		"rounds a lot":  {&engine{read: rounding(4e-5)}, "300 are not the same"},
		"NaN":           {&engine{read: rounding(float32(math.NaN()))}, "300 are not the same"},
		"loses an item": {&engine{change: func(item *index.Item) bool { return item.ID != 7919 }}, "1 are missing"},
		"shifts vectors": {&engine{change: func(item *index.Item) bool {
			if before.Vector != nil {
				before.Vector, item.Vector = item.Vector, before.Vector
			} else {
				before.Vector = item.Vector
			}
			return true
		}}, "are not the same"},
		"loses a type": {&engine{change: func(item *index.Item) bool {
			if item.ID == 7919 {
				item.Payload = index.Payload{"path": "b", "n": float64(1), "words": []string{"x", "y"}, "score": 1. / 3}
			}
			return true
		}}, "1 are not the same"},
	} {
		t.Run(name, func(t *testing.T) {
			test.engine.Store = newTarget(t)
			report, err := copyindex.Copy(t.Context(), from, test.engine, copyindex.Options{InFlight: 1})
			if test.want == "" {
				if err != nil || math.Abs(report.MaxDeviation-4e-6) > 1e-7 {
					t.Fatalf("error %v, deviation %v, want none and 4e-6", err, report.MaxDeviation)
				}
				if again := mustCopy(t, from, test.engine, copyindex.Options{}); again.Unchanged != 300 {
					t.Errorf("second run: %+v, want all unchanged", again)
				}
				return
			}
			if !errors.Is(err, copyindex.ErrDiffers) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want ErrDiffers with %q", err, test.want)
			}
		})
	}
}

func TestCopyRefuses(t *testing.T) {
	from := newFilled(t, 3)
	for name, test := range map[string]struct {
		opts local.Options
		want error
	}{
		"dimension":     {local.Options{Dim: dim + 1, Space: space.Space{Fingerprint: "abc"}}, index.ErrDimension},
		"another model": {local.Options{Dim: dim, Space: space.Space{Fingerprint: "def"}}, index.ErrModel},
		"no model":      {local.Options{Dim: dim}, index.ErrModel},
	} {
		to := newLocal(t, test.opts)
		if _, err := copyindex.Copy(t.Context(), from, to, copyindex.Options{}); !errors.Is(err, test.want) {
			t.Errorf("%s: error %v, want %v", name, err, test.want)
		}
		if n := len(all(t, to)); n != 0 {
			t.Errorf("%s: a refused copy wrote %d items", name, n)
		}
	}
}

func TestCopyIsBounded(t *testing.T) {
	from := newFilled(t, 1000)
	to := &engine{Store: newTarget(t), pause: time.Millisecond}
	mustCopy(t, from, to, copyindex.Options{Batch: 20, InFlight: 3})
	if to.most.Load() != 3 || to.largest.Load() != 20 || to.upserts.Load() != 50 {
		t.Errorf("%d writes at once, the largest of %d items, %d in all; want 3, 20 and 50", to.most.Load(), to.largest.Load(), to.upserts.Load())
	}
}

func TestManyItemsAreCopiedInBulk(t *testing.T) {
	from := newFilled(t, 100)
	to := &bulkEngine{engine: engine{Store: newTarget(t), failAt: 7}}
	opts := copyindex.Options{Batch: 10, InFlight: 1}
	if _, err := copyindex.Copy(t.Context(), from, to, opts); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	var steps []string
	opts.Progress = func(r progress.Report) {
		if len(steps) == 0 || r.Stage != steps[len(steps)-1] {
			steps = append(steps, r.Stage)
		}
	}
	mustCopy(t, from, to, opts) // more than half is there
	mustCopy(t, from, to, copyindex.Options{})
	if diff := cmp.Diff([]string{"begin", "end", "end"}, to.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{copyindex.Copying, copyindex.Indexing, copyindex.Checking}, steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// Whatever the two stores have, and even where the target shows what was
// written since the iteration began, the copy is like its source.
func TestAnyCopy(t *testing.T) {
	items := randomItems(24)
	from := newTarget(t)
	target := newTarget(t)
	rapid.Check(t, func(rt *rapid.T) {
		for _, store := range []index.Store{from, target} {
			var ids []index.ID
			for _, item := range all(t, store) {
				ids = append(ids, item.ID)
			}
			if _, err := store.Delete(rt.Context(), ids); err != nil {
				rt.Fatal(err)
			}
		}
		for _, item := range items {
			switch rapid.IntRange(0, 4).Draw(rt, "where") {
			case 1:
				put(t, from, item)
			case 2:
				put(t, target, item)
			case 3:
				put(t, from, item)
				put(t, target, item)
			case 4:
				put(t, from, item)
				item.Payload = index.Payload{"old": true}
				put(t, target, item)
			}
		}
		to := &engine{Store: target, idle: true, paged: rapid.Bool().Draw(rt, "paged")}
		prune := rapid.Bool().Draw(rt, "prune")
		before := len(all(t, target))
		report := mustCopy(t, from, to, copyindex.Options{Batch: rapid.IntRange(1, 5).Draw(rt, "batch"), InFlight: 2, Prune: prune})
		want := all(t, from)
		if report.Items != len(want) || before != report.Changed+report.Unchanged+report.Extra || prune && report.Pruned != report.Extra {
			rt.Fatalf("%d and %d items before, report %+v", len(want), before, report)
		}
		got := all(t, target)
		if !prune {
			got = only(got, want)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("items (-source +copy):\n%s", diff)
		}
	})
}

// only returns the items that others have as well, by id.
func only(items, others []index.Item) []index.Item {
	ids := map[index.ID]bool{}
	for _, item := range others {
		ids[item.ID] = true
	}
	var kept []index.Item
	for _, item := range items {
		if ids[item.ID] {
			kept = append(kept, item)
		}
	}
	return kept
}

// What a target does not take keeps nothing else from being copied and proven.
func TestItemsThatAreRefused(t *testing.T) {
	const old, fresh, last = 5 * 7919, 6 * 7919, 999 * 7919
	from := newFilled(t, 1000)
	to := &bulkEngine{engine: engine{Store: newTarget(t), refuse: map[index.ID]bool{fresh: true, old: true, last: true}}}
	earlier := index.Item{ID: old, Vector: []float32{1, 0, 0, 0, 0, 0}, Payload: index.Payload{"earlier": true}}
	put(t, to.Store, earlier)
	want := copyindex.Report{Items: 1000, Added: 997, Refused: 3}
	for i, item := range all(t, from) {
		if to.refuse[item.ID] {
			want.Refusals = append(want.Refusals, copyindex.Refusal{ID: item.ID, Payload: item.Payload, Reason: fmt.Sprintf("item %d: unusable payload", i*7919)})
		}
	}
	for range 2 {
		report, err := copyindex.Copy(t.Context(), from, to, copyindex.Options{Batch: 128, Prune: true})
		if !errors.Is(err, copyindex.ErrRefused) || !strings.Contains(err.Error(), "3 of 1000 items could not be copied") {
			t.Fatalf("error %v, want ErrRefused with the number of items", err)
		}
		report.Digest, report.Seconds = "", 0
		if diff := cmp.Diff(want, *report); diff != "" {
			t.Errorf("report (-want +got):\n%s", diff)
		}
		want.Added, want.Unchanged = 0, 997
	}
	if n := to.upserts.Load(); n > 60 { // two for each halving of a batch
		t.Errorf("%d writes, want fewer than items", n)
	}
	items := all(t, from)
	items[5] = earlier
	if diff := cmp.Diff(slices.Concat(items[:6], items[7:999]), all(t, to)); diff != "" {
		t.Errorf("items (-wanted +copy):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"begin", "end", "end"}, to.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}

	// A fault beside a refusal is still found.
	broken := &engine{Store: newTarget(t), refuse: to.refuse, change: func(item *index.Item) bool { return item.ID != 7919 }}
	if _, err := copyindex.Copy(t.Context(), from, broken, copyindex.Options{}); !errors.Is(err, copyindex.ErrDiffers) || !strings.Contains(err.Error(), "1 are missing") {
		t.Errorf("error %v, want ErrDiffers with one missing", err)
	}
	broken = &engine{Store: newTarget(t), refuse: to.refuse, failAt: 4}
	if _, err := copyindex.Copy(t.Context(), from, broken, copyindex.Options{}); !errors.Is(err, errBroken) {
		t.Errorf("error %v, want that of the engine", err)
	}
}

// A target that counts more or fewer items than it yields is no copy, with or
// without anything to write.
func TestMiscountIsFound(t *testing.T) {
	from := newFilled(t, 50)
	for _, more := range []int{-1, 1} {
		to := &engine{Store: newTarget(t), more: more}
		for _, pass := range []string{"with writes", "without writes"} {
			_, err := copyindex.Copy(t.Context(), from, to, copyindex.Options{})
			want := fmt.Sprintf("the copy counts %d items and yields 50", 50+more)
			if !errors.Is(err, copyindex.ErrDiffers) || !strings.Contains(err.Error(), want) {
				t.Errorf("%+d items, %s: error %v, want ErrDiffers with %q", more, pass, err, want)
			}
		}
	}
	// Items that the target alone has count as well.
	to := newTarget(t)
	put(t, to, index.Item{ID: 1, Vector: []float32{1, 0, 0, 0, 0, 0}})
	mustCopy(t, from, to, copyindex.Options{})
}

// A store that says that it has deleted items may still have them.
func TestItemsThatPruningLeavesAreFound(t *testing.T) {
	to := &engine{Store: newTarget(t), keeps: true}
	put(t, to, index.Item{ID: 1, Vector: []float32{1, 0, 0, 0, 0, 0}})
	_, err := copyindex.Copy(t.Context(), newFilled(t, 50), to, copyindex.Options{Prune: true})
	if !errors.Is(err, copyindex.ErrDiffers) || !strings.Contains(err.Error(), "1 items that the source does not have are still there") {
		t.Errorf("error %v, want ErrDiffers for the item that is still there", err)
	}
}

func TestUnorderedStoreIsRefused(t *testing.T) {
	from := &engine{Store: newFilled(t, 10), read: func(item *index.Item) { item.ID %= 3 }}
	_, err := copyindex.Copy(t.Context(), from, newTarget(t), copyindex.Options{})
	if !errors.Is(err, index.ErrCorrupt) || !strings.Contains(err.Error(), "wanted ascending ids") {
		t.Errorf("error is %v, want ErrCorrupt", err)
	}
}
