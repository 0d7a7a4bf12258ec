package sweep

import (
	"context"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"engram/data/progress"
	"engram/index"

	"golang.org/x/sync/errgroup"
)

// counter returns what tells watch of each point that r has, where the sets are searched in
// so many states of the index.
func (r *Report) counter(watch progress.Func, spec Spec, sets []querySet, states int) (count func()) {
	total := int64(states * len(sets) * len(spec.Threads) * len(asked(spec)))
	done := watch.Stage("searching", "points", total)
	return func() { done(int64(len(r.Points)), total) }
}

// asked returns the recalls that are asked for, 0 for exact searches.
func asked(spec Spec) []float64 { return append(slices.Clone(spec.Recalls), 0) }

// search finds what is right, measures every point, and counts it.
func (r *Report) search(ctx context.Context, spec Spec, store index.Store, sets []querySet, count func()) error {
	for i := range sets {
		if err := r.exact(ctx, store, &sets[i]); err != nil {
			return err
		}
	}
	for _, set := range sets {
		for _, threads := range spec.Threads {
			for _, recall := range asked(spec) {
				if recall == 0 && r.Mapped == 0 {
					r.measureMemory()
				}
				m := measurement{store: store, set: set, threads: threads, recall: recall, rounds: spec.Rounds}
				point, err := m.run(ctx)
				if err != nil {
					return err
				}
				r.Points = append(r.Points, point)
				count()
			}
		}
	}
	return nil
}

// measureMemory sets by how much the process has grown, and what it holds.
func (r *Report) measureMemory() {
	debug.FreeOSMemory()
	memory, mapped := resident()
	r.Memory, r.Mapped = max(0, memory-r.before.memory), max(0, mapped-r.before.mapped)
	r.Resident, r.Anonymous = memory+mapped, memory
}

// exact finds the nearest items of each query, unless they were given, and measures
// how fast that is.
func (r *Report) exact(ctx context.Context, store index.Store, set *querySet) error {
	if set.truth != nil {
		return nil
	}
	batch := make([]index.Query, len(set.vectors))
	for i, v := range set.vectors {
		batch[i] = index.Query{Vector: v, K: hitsAsked, Exact: true}
	}
	start := time.Now()
	found, err := index.SearchBatch(ctx, store, batch)
	if err != nil {
		return err
	}
	r.Batch = max(r.Batch, float64(len(batch))/time.Since(start).Seconds())
	for _, hits := range found {
		ids := make([]index.ID, len(hits))
		for i, h := range hits {
			ids[i] = h.ID
		}
		set.truth = append(set.truth, ids)
	}
	return nil
}

// measurement is the searches of one point.
type measurement struct {
	store   index.Store
	set     querySet
	threads int
	recall  float64
	rounds  int
}

// run measures the point: a round that warms up and gives the recall, and the rounds
// that count.
func (m measurement) run(ctx context.Context) (Point, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(m.threads))
	p := Point{Queries: m.set.name, Count: len(m.set.vectors), Threads: m.threads, Asked: m.recall}
	found := make([][]index.Hit, p.Count)
	if _, err := m.round(ctx, func(i int, hits []index.Hit, _ time.Duration) { found[i] = slices.Clone(hits) }); err != nil {
		return p, err
	}
	shares := make([]float64, len(found))
	for i, hits := range found {
		shares[i] = share(hits, m.set.truth[i], hitsFirst)
		p.Recall10 += shares[i]
		p.Recall16 += share(hits, m.set.truth[i], hitsAsked)
	}
	p.Recall10 /= float64(p.Count)
	p.Recall16 /= float64(p.Count)
	slices.Sort(shares)
	p.Least10 = shares[len(shares)/20]
	latencies := make([]time.Duration, m.rounds*p.Count)
	var rates []float64
	for round := range m.rounds {
		spent, err := m.round(ctx, func(i int, _ []index.Hit, took time.Duration) { latencies[round*p.Count+i] = took })
		if err != nil {
			return p, err
		}
		rates = append(rates, float64(p.Count)/spent.Seconds())
	}
	slices.Sort(rates)
	p.Low, p.Rate, p.High = rates[0], rates[len(rates)/2], rates[len(rates)-1]
	p.P50, p.P99 = quantiles(latencies)
	return p, nil
}

// round searches for every query once and tells seen of each, which does not keep the hits.
func (m measurement) round(ctx context.Context, seen func(i int, hits []index.Hit, took time.Duration)) (time.Duration, error) {
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	for range m.threads {
		group.Go(func() (err error) {
			hits := make([]index.Hit, 0, hitsAsked) // of one query after the other
			for {
				i := int(next.Add(1)) - 1
				if i >= len(m.set.vectors) {
					return nil
				}
				began := time.Now()
				hits, err = m.store.Search(ctx, index.Query{Vector: m.set.vectors[i], K: hitsAsked, Recall: m.recall, Exact: m.recall == 0, Into: hits})
				if err != nil {
					return err
				}
				seen(i, hits, time.Since(began))
			}
		})
	}
	err := group.Wait()
	return time.Since(start), err
}

// share returns which share of the k nearest items are among the first k hits.
func share(hits []index.Hit, truth []index.ID, k int) float64 {
	truth = truth[:min(k, len(truth))]
	if len(truth) == 0 {
		return 1
	}
	right := 0
	for _, h := range hits[:min(k, len(hits))] {
		if slices.Contains(truth, h.ID) {
			right++
		}
	}
	return float64(right) / float64(len(truth))
}

// quantiles returns the median and the 99th percentile in milliseconds.
func quantiles(latencies []time.Duration) (p50, p99 float64) {
	slices.Sort(latencies)
	at := func(q float64) float64 { return latencies[int(q*float64(len(latencies)-1))].Seconds() * 1e3 }
	return at(.5), at(.99)
}
