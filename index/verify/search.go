package verify

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"engram/data/simd"
	"engram/index"

	"gonum.org/v1/gonum/stat"
)

// search compares the store's searches with exact ones, for which all items
// are read once more.
func (v *verification) search(ctx context.Context) error {
	if len(v.sample) == 0 {
		v.report.add("search", Skipped, "there is no sound item to search with")
		return nil
	}
	var wrong fault
	probes := make([]*probe, v.Queries)
	for i := range probes {
		p := &probe{k: min(v.K, v.report.Items), query: v.query(i), byID: map[index.ID]*hit{}}
		hits, err := v.store.Search(ctx, index.Query{Vector: p.query, K: v.K})
		if err != nil && !errors.Is(err, index.ErrCorrupt) {
			return err
		}
		if err != nil {
			wrong.add("%v", err)
		}
		for _, h := range hits {
			p.hits = append(p.hits, &hit{id: h.ID, score: float64(h.Score)})
			p.byID[h.ID] = p.hits[len(p.hits)-1]
		}
		if len(p.byID) != p.k || len(hits) != p.k {
			wrong.add("a search for %d of %d items found %d", v.K, v.report.Items, len(p.byID))
		}
		probes[i] = p
	}
	if err := v.score(ctx, probes); err != nil {
		return err
	}
	shares := make([]float64, len(probes))
	for i, p := range probes {
		shares[i] = p.recall(&wrong)
	}
	recall, deviation := stat.MeanStdDev(shares, nil)
	if len(probes) == 1 {
		deviation = 0
	}
	if most := recall + sure*deviation/math.Sqrt(float64(len(probes))); most < v.Recall {
		wrong.add("mean recall@%d is %.4f, of other queries likely %.4f at most, wanted %.4f", v.K, recall, most, v.Recall)
	}
	v.check("search", wrong, "%d queries, mean recall@%d %.4f against an exact search", len(probes), v.K, recall)
	return nil
}

// sure is how many standard errors a recall has to be below what is wanted: by chance
// one index in 200 is whose recall is as wanted.
const sure = 2.58

// query returns query i: a sampled vector, turned.
func (v *verification) query(i int) []float32 {
	return Turned(v.rng, v.sample[i%len(v.sample)].Vector)
}

// Turned returns a vector of unit length turned by about 27° into a random direction,
// in unit length. So a query made of an item is near items but is none of them, as the
// vector of a text or of a scan.
func Turned(rng *rand.Rand, near []float32) []float32 {
	noise := make([]float32, len(near))
	for j := range noise {
		noise[j] = float32(rng.NormFloat64())
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

// probe is one query with what the store found.
type probe struct {
	k     int
	query []float32
	hits  []*hit
	byID  map[index.ID]*hit
	best  []float32 // the k highest scores of all items, descending
}

// hit is an item that the store found.
type hit struct {
	id    index.ID
	score float64 // as the store gives it
	exact float64
	there bool // among the sound items
}

// score reads all items and scores each with every query.
func (v *verification) score(ctx context.Context, probes []*probe) error {
	const block = 64 // rows, which stay in the cache while all queries pass
	ids := make([]index.ID, 0, block)
	rows := make([]float32, 0, block*v.info.Dim)
	scores := make([]float32, block)
	flush := func() {
		out := scores[:len(ids)]
		for _, p := range probes {
			simd.Best().DotRows(out, p.query, rows, v.info.Dim)
			p.offer(ids, out)
		}
		v.progress(len(ids))
		ids, rows = ids[:0], rows[:0]
	}
	for item, err := range v.store.All(ctx) {
		if errors.Is(err, index.ErrCorrupt) {
			break // the check of ids has reported it
		}
		if err != nil {
			return err
		}
		if v.vectorProblem(item.Vector) != "" {
			continue // the check of vectors has reported it
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
func (p *probe) offer(ids []index.ID, scores []float32) {
	for i, score := range scores {
		if hit := p.byID[ids[i]]; hit != nil {
			hit.exact, hit.there = float64(score), true
		}
		if len(p.best) == p.k && !(score > p.best[p.k-1]) {
			continue
		}
		at, _ := slices.BinarySearchFunc(p.best, score, func(a, b float32) int {
			if a >= b {
				return -1
			}
			return 1
		})
		p.best = slices.Insert(p.best, at, score)
		p.best = p.best[:min(p.k, len(p.best))]
	}
}

// recall returns the share of the k best items that the store found. An item as
// near as the k-th best, to rounding, counts as one of the best.
func (p *probe) recall(wrong *fault) float64 {
	if len(p.best) == 0 {
		return 0
	}
	right := 0
	for _, hit := range p.hits {
		switch {
		case !hit.there:
			wrong.add("a search found item %d, which is not among the sound ones", hit.id)
		case math.Abs(hit.score-hit.exact) > Tolerance:
			wrong.add("a search gives item %d the score %v, its cosine is %v", hit.id, hit.score, hit.exact)
		case hit.exact >= float64(p.best[len(p.best)-1])-Tolerance:
			right++
		}
	}
	return float64(right) / float64(len(p.best))
}
