package qdrant

import (
	"context"
	"fmt"

	"engram/index"

	api "github.com/qdrant/go-client/qdrant"
)

// Group is what is best among the items with one value under a key.
type Group struct {
	Value any // string or int64
	Hits  []index.Hit
}

// Groups returns the K values of the payload key that the items nearest to the
// query have, best first, each with its nearest items, at most size. Values are
// strings and int64s; an item with a list of strings is in several groups.
//
// Filters with a Range or a Text are refused (index.ErrFilter): the server alone
// cannot decide them.
func (s *Store) Groups(ctx context.Context, q index.Query, key string, size int) ([]Group, error) {
	release, err := s.reading(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if size < 1 {
		return nil, fmt.Errorf("groups of %d items: %w", size, index.ErrQuery)
	}
	p, err := s.plan(ctx, q)
	if err != nil || p.none {
		return nil, err
	}
	if p.check != nil {
		return nil, fmt.Errorf("groups by %q with a range or text: %w", key, index.ErrFilter)
	}
	r := p.request
	groups, err := call(ctx, s.server, "search groups", func(ctx context.Context) ([]*api.PointGroup, error) {
		return s.client.QueryGroups(ctx, &api.QueryPointGroups{
			CollectionName: r.CollectionName, Query: r.Query, Using: r.Using, Filter: r.Filter, Params: r.Params,
			WithPayload: r.WithPayload, WithVectors: r.WithVectors,
			GroupBy: path(key), GroupSize: new(uint64(size)), Limit: new(uint64(p.k)),
		})
	})
	if err != nil {
		return nil, err
	}
	found := make([]Group, len(groups))
	for i, g := range groups {
		if found[i].Hits, err = p.hits(g.GetHits()); err != nil {
			return nil, err
		}
		switch id := g.GetId().GetKind().(type) {
		case *api.GroupId_StringValue:
			found[i].Value = id.StringValue
		case *api.GroupId_IntegerValue:
			found[i].Value = id.IntegerValue
		case *api.GroupId_UnsignedValue:
			found[i].Value = int64(id.UnsignedValue)
		}
	}
	return found, nil
}

// Diverse returns K of the items nearest to the query that differ among
// themselves (maximal marginal relevance), in the order of their choice. Of the
// nearest candidates, which each shard of a collection has as many of, each choice
// weighs nearness to the query, with 1 - diversity, against nearness to those
// already chosen, with diversity, from 0 to 1. Scores are cosine similarities to
// the query.
//
// It refuses the filters that Groups refuses.
func (s *Store) Diverse(ctx context.Context, q index.Query, diversity float32, candidates int) ([]index.Hit, error) {
	release, err := s.reading(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if !(diversity >= 0 && diversity <= 1) || candidates < q.K {
		return nil, fmt.Errorf("a diversity of %v among %d candidates, wanted 0 to 1 among %d or more: %w", diversity, candidates, q.K, index.ErrQuery)
	}
	p, err := s.plan(ctx, q)
	if err != nil || p.none {
		return nil, err
	}
	if p.check != nil {
		return nil, fmt.Errorf("a diverse search with a range or text: %w", index.ErrFilter)
	}
	nearest := p.request.GetQuery().GetNearest()
	p.request.Query = api.NewQueryMMR(nearest, &api.Mmr{Diversity: &diversity, CandidatesLimit: new(uint32(candidates))})
	points, err := s.query(ctx, p, p.k)
	if err != nil {
		return nil, err
	}
	return p.checked(points)
}

// Page returns up to limit items from an id on that the filter chooses, nil for
// all, in ascending order of id, and the id to go on from. more says whether
// there can be any.
func (s *Store) Page(ctx context.Context, from index.ID, limit int, f index.Filter) (items []index.Item, next index.ID, more bool, err error) {
	release, err := s.reading(ctx)
	if err != nil {
		return nil, 0, false, err
	}
	defer release()
	if limit < 1 {
		return nil, 0, false, fmt.Errorf("a page of %d items: %w", limit, index.ErrQuery)
	}
	filter, err := s.pushDown(ctx, f)
	if err != nil || filter.none {
		return nil, 0, false, err
	}
	for start := api.NewIDNum(uint64(from)); start != nil && len(items) < limit; {
		var points []*api.RetrievedPoint
		points, start, err = s.scroll(ctx, start, min(s.pageSize(), limit-len(items)), filter.filter())
		if err != nil {
			return nil, 0, false, err
		}
		for _, p := range points {
			item, err := s.item(p)
			if err != nil {
				return nil, 0, false, err
			}
			if filter.exact || f.Match(item.Payload) {
				items = append(items, item)
			}
		}
		next, more = index.ID(start.GetNum()), start != nil
	}
	return items, next, more, nil
}
