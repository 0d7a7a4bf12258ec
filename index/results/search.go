package results

import (
	"context"
	"slices"

	"engram/index"
)

// Answer is a page of results.
type Answer struct {
	Hits []Hit // with payloads, best first; of a diverse search in the order of the choice
	// Next is the Options.After of the next page, "" where there is none.
	Next string
	// Bounded says that the search looked at Options.Bound hits, and would have had to
	// look at more to fill the page or its groups.
	Bounded bool
}

// Search returns a page of a ranking.
//
// It refuses options that make no sense, a cursor of another search, and what the
// store refuses (index.ErrQuery, index.ErrFilter, index.ErrVector,
// index.ErrDimension).
//
// Pages after one another are one search, cut: every hit is on one page, and on none
// twice. A hit that others write meanwhile is on a page if it comes after the end of
// the page before. Of an index that searches a graph a page lacks what the walk
// missed, unless the query is exact.
func Search(ctx context.Context, r Ranking, o Options) (*Answer, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if err := r.check(o); err != nil {
		return nil, err
	}
	s := &search{Ranking: r, Options: o, fingerprint: fingerprint(r, o)}
	var err error
	if s.from, err = parseCursor(o.After, s.fingerprint, o.GroupBy != ""); err != nil {
		return nil, err
	}
	if err := s.rank(ctx); err != nil {
		return nil, err
	}
	return s.answer(ctx)
}

// Begins reports whether the first hit is the best of a ranking that has a metric, so
// that what was said of the best one, such as a confidence, is said of the hit.
func (a *Answer) Begins(r Ranking) bool {
	return len(a.Hits) > 0 && len(r.Ranked) > 0 && a.Hits[0].ID == r.Ranked[0].ID
}

// search is one search under way.
type search struct {
	Ranking
	Options
	fingerprint [8]byte
	from        *place // the end of the page before; nil: of the first page

	seen    []index.Hit // the hits that were looked at
	ended   bool        // there are no more, or they score less than MinScore
	bounded bool        // there may be more, but no more are looked at

	collected
}

// collected is what the hits that were looked at have become.
type collected struct {
	folder *folder // nil: near-duplicates are kept
	kept   []*Hit  // by their order in folder, where there is one
	listed []entry // hits, or groups, of this page; one more tells that there is another page
	groups map[any]*members
	pool   [][]float32 // vectors of listed, of a diverse search
}

// entry is a hit, or the group that it leads.
type entry struct {
	*Hit
	rank  int      // of the hit, from 0
	group *members // nil unless hits are grouped
}

// shown returns what an entry has become in the end.
func (e entry) shown() Hit {
	h := *e.Hit
	if e.group != nil {
		h.Group = &Group{Value: e.group.value}
		for _, other := range e.group.others {
			h.Group.Others = append(h.Group.Others, *other)
		}
	}
	return h
}

// reset forgets what was looked at.
func (s *search) reset() {
	s.seen, s.collected = nil, collected{groups: map[any]*members{}}
	if s.Fold > 0 {
		s.folder = &folder{from: s.Fold}
	}
}

// wanted returns how many entries there have to be.
func (s *search) wanted() int {
	if s.Diverse != nil {
		return s.candidates()
	}
	return s.K + 1
}

// first returns how many hits to ask for at first: what the page before has looked at
// and what this one takes. A few more for near-duplicates would make every search of a
// graph dearer than asking again makes a few.
func (s *search) first() int {
	n := s.wanted() + len(s.Without)
	if s.from != nil {
		n += s.from.rank + 1
	}
	return min(n, s.bound())
}

// rank looks at the ranking until the page is complete.
func (s *search) rank(ctx context.Context) error {
	s.reset()
	for n := s.first(); ; n = min(2*n, s.bound()) {
		hits, err := s.best(ctx, n, s.described())
		if err != nil {
			return err
		}
		if len(hits) < len(s.seen) || !slices.EqualFunc(s.seen, hits[:len(s.seen)], sameHit) {
			s.reset() // others have written, or a wider search of a graph has found more
		}
		for some := range slices.Chunk(hits[len(s.seen):], chunk) {
			if err := s.take(ctx, some); err != nil {
				return err
			}
			if s.ended || s.complete() {
				break
			}
		}
		s.ended = s.ended || len(hits) < n && !s.complete() // and then all of them were looked at
		s.bounded = !s.ended && !s.complete() && n == s.bound()
		if s.ended || s.bounded || s.complete() {
			return nil
		}
	}
}

// chunk is how many items are read at a time.
const chunk = 256

func sameHit(a, b index.Hit) bool { return a.ID == b.ID && a.Score == b.Score }

// plain reports whether hits are listed as they come, so that a search with payloads
// has all that is wanted.
func (s *search) plain() bool {
	return s.Fold == 0 && s.Diverse == nil && s.GroupBy == "" && s.from == nil && s.Metric == ""
}

// described reports whether the searches return payloads: where hits are listed as they come,
// or listed by their payloads alone.
func (s *search) described() bool { return s.plain() || s.GroupBy != "" && s.fills() }

// reads reports whether the listing depends on the vectors or the payloads of items, and
// these are read.
func (s *search) reads() bool {
	return s.Fold > 0 || s.Diverse != nil || s.GroupBy != "" && !s.described()
}

// take looks at the next hits of the ranking.
func (s *search) take(ctx context.Context, hits []index.Hit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	items, err := s.read(ctx, hits)
	if err != nil {
		return err
	}
	for i, h := range hits {
		if s.MinScore != nil && float64(h.Score) < *s.MinScore {
			s.ended = true
			return nil
		}
		s.seen = append(s.seen, h)
		hit := &Hit{Hit: h}
		var vector []float32
		if s.reads() {
			hit.Payload, vector = items[i].Payload, items[i].Vector
		}
		if s.reads() && vector == nil || s.left(h.ID) {
			continue
		}
		if s.folder != nil && s.fold(hit, i, vector) {
			continue
		}
		if s.list(hit, vector); s.complete() {
			return nil
		}
	}
	return nil
}

// read returns the items of hits, where the listing depends on them. One that was deleted
// meanwhile has no vector.
func (s *search) read(ctx context.Context, hits []index.Hit) ([]index.Item, error) {
	if !s.reads() {
		return nil, nil
	}
	ids := make([]index.ID, len(hits))
	for i, h := range hits {
		ids[i] = h.ID
	}
	found, err := s.Store.Get(ctx, ids)
	if err != nil {
		return nil, err
	}
	items, vectors := make([]index.Item, len(hits)), make([][]float32, len(hits))
	for i, id := range ids {
		if len(found) > 0 && found[0].ID == id {
			items[i], found = found[0], found[1:]
			vectors[i] = items[i].Vector
		}
	}
	if s.folder != nil {
		s.folder.begin(vectors)
	}
	return items, nil
}

// fold reports whether hit i of the chunk is a near-duplicate, and adds it to what it repeats.
func (s *search) fold(hit *Hit, i int, vector []float32) bool {
	of, found := s.folder.duplicate(i, vector)
	if found {
		s.kept[of].Folded = append(s.kept[of].Folded, hit.ID)
		return true
	}
	s.kept = append(s.kept, hit)
	return false
}

// list lists a hit, or adds it to its groups.
func (s *search) list(hit *Hit, vector []float32) {
	at := entry{Hit: hit, rank: len(s.seen) - 1}
	switch {
	case s.GroupBy != "":
		s.group(at)
	case s.from.after(hit.Hit):
		s.listed = append(s.listed, at)
		if s.Diverse != nil {
			s.pool = append(s.pool, vector)
		}
	}
}

// complete reports whether the hits that were looked at make up the page.
func (s *search) complete() bool {
	return len(s.listed) >= s.wanted() && (s.GroupBy == "" || s.fills() || s.full())
}

// answer makes the page of what was looked at.
func (s *search) answer(ctx context.Context) (*Answer, error) {
	page := s.listed[:min(s.K, len(s.listed))]
	a := &Answer{Bounded: s.bounded}
	if s.Diverse != nil {
		page = s.choose()
	} else if len(s.listed) > s.K {
		last := page[len(page)-1]
		end := place{score: last.Score, id: last.ID, rank: last.rank}
		if last.group != nil {
			end.value = last.group.value
		}
		a.Next = end.cursor(s.fingerprint)
	}
	if s.GroupBy != "" && s.fills() && !s.ended {
		if err := s.fill(ctx, page); err != nil {
			return nil, err
		}
	}
	a.Hits = make([]Hit, len(page))
	for i, e := range page {
		a.Hits[i] = e.shown()
	}
	if s.reads() || s.described() {
		return a, nil
	}
	var err error
	a.Hits, err = s.payloads(ctx, a.Hits)
	return a, err
}

// choose returns the hits of a diverse search.
func (s *search) choose() []entry {
	m := marginality{lambda: s.Diverse.Lambda, scaled: s.Metric != ""}
	var page []entry
	for _, i := range marginal(s.listed, s.pool, s.K, m) {
		page = append(page, s.listed[i])
	}
	return page
}

// payloads reads the payloads of hits. A hit that was deleted meanwhile is left out.
func (s *search) payloads(ctx context.Context, hits []Hit) ([]Hit, error) {
	ids := make([]index.ID, len(hits))
	for i, h := range hits {
		ids[i] = h.ID
	}
	items, err := s.Store.Get(ctx, ids)
	if err != nil {
		return nil, err
	}
	there := hits[:0]
	for _, h := range hits {
		if len(items) > 0 && items[0].ID == h.ID {
			h.Payload, items = items[0].Payload, items[1:]
			there = append(there, h)
		}
	}
	return there, nil
}
