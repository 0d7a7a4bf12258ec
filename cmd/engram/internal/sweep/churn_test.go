package sweep

import (
	"testing"

	"engram/data/progress"
	"engram/index/local"
)

// The points of all states are counted up to their total, once each, and searches find what
// the index holds by then.
func TestChurnCountsThePointsOfAllStates(t *testing.T) {
	spec := Spec{Hard: 300, Dim: 8, Threads: []int{1, 2}, Recalls: []float64{.9}, Rounds: 1, Seed: 1}
	store, err := local.Create(t.TempDir()+"/index", local.Options{Dim: spec.Dim})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	generated := newHard(spec.Hard, spec.Dim, spec.Seed)
	if _, err := fill(t.Context(), store, generated, func(int64, int64) {}); err != nil {
		t.Fatal(err)
	}
	sets, err := querySets(t.Context(), spec, store, generated)
	if err != nil {
		t.Fatal(err)
	}
	var next, total int64
	watch := func(p progress.Report) {
		if p.Stage != "searching" || p.Unit != "points" || p.Done != next || total > 0 && p.Total != total {
			t.Errorf("%+v, wanted %d points of %d searched", p, next, total)
		}
		next, total = next+1, p.Total
	}
	r := &Report{}
	if err := r.churn(t.Context(), spec, &churn{store: store, deleted: half(spec.Hard, spec.Seed)}, sets, watch); err != nil {
		t.Fatal(err)
	}
	if want := int64(4 * 2 * 2 * len(sets)); total != want || next != want+1 || len(r.Points) != int(want) {
		t.Errorf("%d reports of %d points, %d measured, wanted %d", next-1, total, len(r.Points), want)
	}
	states := map[string]int{}
	for _, p := range r.Points {
		states[p.State]++
		if p.Asked == 0 && p.Recall10 != 1 {
			t.Errorf("%+v, wanted all that is nearest", p)
		}
	}
	if len(states) != 4 || states[stateAdded] != len(r.Points)/4 {
		t.Errorf("states %v, wanted 4 of equal size", states)
	}
}
