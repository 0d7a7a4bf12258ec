package verify

import (
	"context"
	"errors"
	"math"
	"slices"

	"engram/index"
	"engram/index/internal/simd"
)

// search compares the store's searches with exact ones, for which all items
// are read once more.
func (a *audit) search(ctx context.Context) error {
	if len(a.sample) == 0 {
		a.report.add("search", Skipped, "there is no sound item to search with")
		return nil
	}
	var wrong fault
	trials := make([]*trial, a.Queries)
	for i := range trials {
		t := &trial{k: min(a.K, a.report.Items), query: a.query(i), byID: map[index.ID]*hit{}}
		hits, err := a.store.Search(ctx, index.Query{Vector: t.query, K: a.K})
		if err != nil && !errors.Is(err, index.ErrCorrupt) {
			return err
		}
		if err != nil {
			wrong.add("%v", err)
		}
		for _, h := range hits {
			t.hits = append(t.hits, &hit{id: h.ID, score: float64(h.Score)})
			t.byID[h.ID] = t.hits[len(t.hits)-1]
		}
		if len(t.byID) != t.k || len(hits) != t.k {
			wrong.add("a search for %d of %d items found %d", a.K, a.report.Items, len(t.byID))
		}
		trials[i] = t
	}
	if err := a.score(ctx, trials); err != nil {
		return err
	}
	recall := 0.
	for _, t := range trials {
		recall += t.recall(&wrong) / float64(len(trials))
	}
	if recall < a.Recall {
		wrong.add("mean recall@%d is %.4f, wanted %.4f", a.K, recall, a.Recall)
	}
	a.check("search", wrong, "%d queries, mean recall@%d %.4f against an exact search", len(trials), a.K, recall)
	return nil
}

// query returns query i, of unit length: a sampled vector, turned by about 27°
// into a random direction. So it is near items but is none of them, as the
// vector of a text or of a scan.
func (a *audit) query(i int) []float32 {
	near := a.sample[i%len(a.sample)].Vector
	noise := make([]float32, a.info.Dim)
	for j := range noise {
		noise[j] = float32(a.rng.NormFloat64())
	}
	half := .5 / math.Sqrt(dot(noise, noise))
	for j, x := range noise {
		noise[j] = near[j] + float32(float64(x)*half)
	}
	norm := math.Sqrt(dot(noise, noise))
	for j, x := range noise {
		noise[j] = float32(float64(x) / norm)
	}
	return noise
}

// trial is one query with what the store found.
type trial struct {
	k     int
	query []float32
	hits  []*hit
	byID  map[index.ID]*hit
	best  []float32 // the k highest scores of all items, descending
}

// hit is what the store found, with the score that it says and the exact one.
type hit struct {
	id           index.ID
	score, exact float64
	there        bool // among the sound items
}

// score reads all items and scores each with every query.
func (a *audit) score(ctx context.Context, trials []*trial) error {
	const block = 64 // rows, which stay in the cache while all queries pass
	ids := make([]index.ID, 0, block)
	rows := make([]float32, 0, block*a.info.Dim)
	scores := make([]float32, block)
	flush := func() {
		out := scores[:len(ids)]
		for _, t := range trials {
			simd.Best().DotRows(out, t.query, rows, a.info.Dim)
			t.offer(ids, out)
		}
		a.progress(len(ids))
		ids, rows = ids[:0], rows[:0]
	}
	for item, err := range a.store.All(ctx) {
		if errors.Is(err, index.ErrCorrupt) {
			break // which the check of ids has said
		}
		if err != nil {
			return err
		}
		if a.vectorProblem(item.Vector) != "" {
			continue // which the check of vectors has said
		}
		ids, rows = append(ids, item.ID), append(rows, item.Vector...)
		if len(ids) == block {
			flush()
		}
	}
	flush()
	return nil
}

// offer takes the exact scores of some items.
func (t *trial) offer(ids []index.ID, scores []float32) {
	for i, score := range scores {
		if hit := t.byID[ids[i]]; hit != nil {
			hit.exact, hit.there = float64(score), true
		}
		if len(t.best) == t.k && !(score > t.best[t.k-1]) {
			continue
		}
		at, _ := slices.BinarySearchFunc(t.best, score, func(a, b float32) int {
			if a >= b {
				return -1
			}
			return 1
		})
		t.best = slices.Insert(t.best, at, score)
		t.best = t.best[:min(t.k, len(t.best))]
	}
}

// recall returns the share of the k best items that the store found. An item
// as near as the last of them, to rounding, counts as one of them.
func (t *trial) recall(wrong *fault) float64 {
	if len(t.best) == 0 {
		return 0
	}
	right := 0
	for _, hit := range t.hits {
		switch {
		case !hit.there:
			wrong.add("a search found item %d, which is not among the sound ones", hit.id)
		case math.Abs(hit.score-hit.exact) > Tolerance:
			wrong.add("a search gives item %d the score %v, its cosine is %v", hit.id, hit.score, hit.exact)
		case hit.exact >= float64(t.best[len(t.best)-1])-Tolerance:
			right++
		}
	}
	return float64(right) / float64(len(t.best))
}
