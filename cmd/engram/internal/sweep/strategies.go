package sweep

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	"engram/index"
	"engram/index/local"

	"golang.org/x/sys/unix"
)

// strategy is a way to answer queries with a filter.
type strategy int

// The strategies: what the engine chooses, and the pure ones that it is compared with.
const (
	chosen strategy = iota
	scan
	walk
	strategies
)

// answers are what one strategy gave for each query.
type answers struct {
	hits  [][]index.Hit
	paths []index.SearchPath
	times [][]float64 // of the rounds that count, microseconds
}

// contest answers the same queries by each strategy in turn.
type contest struct {
	store   *local.Store
	queries []index.Query
	of      [strategies]answers
}

// measure answers the queries in rounds. The queries of one pivot are answered by one
// strategy after the other, in another order in each round.
func (p *FilterPoint) measure(ctx context.Context, store *local.Store, queries []index.Query, rounds int) error {
	runtime.LockOSThread() // whose time counts
	defer runtime.UnlockOSThread()
	c := contest{store: store, queries: queries}
	for s := range c.of {
		c.of[s] = answers{make([][]index.Hit, len(queries)), make([]index.SearchPath, len(queries)), make([][]float64, len(queries))}
	}
	for round := range rounds + 1 {
		for lo := 0; lo < len(queries); lo += turnedEach {
			for turn := range strategies {
				s := (strategy(round) + turn) % strategies
				if s == walk && round > 0 && p.WalkRecall10 < pureRecall {
					continue
				}
				if err := c.answer(ctx, s, lo, lo+turnedEach, round > 0); err != nil {
					return err
				}
			}
		}
		if round == 0 { // it warmed up
			if err := p.compare(&c); err != nil {
				return err
			}
		}
	}
	var each []float64
	p.Time, each = c.of[chosen].medians()
	p.P99 = each[len(each)*99/100]
	p.Scan, _ = c.of[scan].medians()
	best := p.Scan
	if p.WalkRecall10 >= pureRecall {
		p.Walk, _ = c.of[walk].medians()
		best = min(best, p.Walk)
	}
	p.Ratio = p.Time / best
	return nil
}

// answer answers the queries lo to hi-1 by a strategy. The first one is asked once more
// before, so that no strategy pays for what the one before it has left in the caches.
func (c *contest) answer(ctx context.Context, s strategy, lo, hi int, counts bool) error {
	search := c.store.Search
	if s == walk {
		search = c.store.SearchThrough
	}
	first := c.queries[lo]
	first.Exact = s == scan
	if _, err := search(ctx, first); err != nil {
		return err
	}
	a := &c.of[s]
	for i := lo; i < hi; i++ {
		var how index.Explanation
		q := c.queries[i]
		if q.Exact = s == scan; !counts {
			q.Explain = &how
		}
		began, err := threadTime()
		if err != nil {
			return err
		}
		if a.hits[i], err = search(ctx, q); err != nil {
			return err
		}
		ended, err := threadTime()
		if err != nil {
			return err
		}
		if counts {
			a.times[i] = append(a.times[i], ended-began)
		} else {
			a.paths[i] = how.Path
		}
	}
	return nil
}

// compare sets what the engine and the walk found of what the scan found.
func (p *FilterPoint) compare(c *contest) error {
	p.Paths = map[index.SearchPath]int{}
	wanted := min(filterHits, p.Matches)
	for i, nearest := range c.of[scan].hits {
		ids := make([]index.ID, len(nearest))
		for j, h := range nearest {
			ids[j] = h.ID
		}
		hits := c.of[chosen].hits[i]
		if len(hits) != wanted || len(ids) != wanted {
			return fmt.Errorf("%d hits and %d by a scan, wanted %d", len(hits), len(ids), wanted)
		}
		p.Paths[c.of[chosen].paths[i]]++
		p.Recall10 += share(hits, ids, filterHits) / float64(len(c.queries))
		if path := c.of[walk].paths[i]; path == index.ByFilteredWalk {
			p.WalkRecall10 += share(c.of[walk].hits[i], ids, filterHits) / float64(len(c.queries))
		}
	}
	return nil
}

// medians returns the median time of each query in ascending order, and their mean.
func (a *answers) medians() (mean float64, each []float64) {
	for _, times := range a.times {
		slices.Sort(times)
		each = append(each, times[len(times)/2])
		mean += times[len(times)/2] / float64(len(a.times))
	}
	slices.Sort(each)
	return mean, each
}

// threadTime is the processor time of this thread in microseconds.
func threadTime() (float64, error) {
	var t unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return float64(t.Nano()) / 1e3, err
}
