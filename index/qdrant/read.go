package qdrant

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"engram/index"

	api "github.com/qdrant/go-client/qdrant"
)

// idsPerRequest bounds requests that name points only.
const idsPerRequest = 4096

// parts of a point that a call asks for: its vector or its tokens, and its payload.
type parts struct{ vector, payload, tokens bool }

var (
	nothing    = parts{}
	everything = parts{vector: true, payload: true}
)

// pageSize returns how many items make a reply of a few MiB.
func (s *Store) pageSize() int {
	const page, payload = 4 << 20, 1 << 10 // bytes, the second a guess
	return max(16, min(idsPerRequest, page/(4*s.config.dim+payload)))
}

// Get implements index.Store.
func (s *Store) Get(ctx context.Context, ids []index.ID) ([]index.Item, error) {
	release, err := s.reading(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	found := make(map[index.ID]*api.RetrievedPoint, len(ids))
	for part := range slices.Chunk(pointIDs(ids), s.pageSize()) {
		points, err := s.retrieve(ctx, part, everything)
		if err != nil {
			return nil, err
		}
		for _, p := range points {
			found[index.ID(p.GetId().GetNum())] = p
		}
	}
	var items []index.Item
	for _, id := range ids {
		if p := found[id]; p != nil {
			item, err := s.item(p)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
	}
	return items, nil
}

// retrieve returns the points with these ids that are there, in no order.
func (s *Store) retrieve(ctx context.Context, ids []*api.PointId, with parts) ([]*api.RetrievedPoint, error) {
	return call(ctx, s.server, "get", func(ctx context.Context) ([]*api.RetrievedPoint, error) {
		return s.client.Get(ctx, &api.GetPoints{
			CollectionName: s.opts.Collection, Ids: ids,
			WithPayload: api.NewWithPayload(with.payload), WithVectors: s.withVectors(with),
		})
	})
}

// withVectors asks for the vectors of parts.
func (s *Store) withVectors(with parts) *api.WithVectorsSelector {
	switch {
	case with.tokens:
		return api.NewWithVectorsInclude(tokenVector)
	case with.vector:
		return api.NewWithVectorsInclude(s.opts.Vector)
	}
	return api.NewWithVectors(false)
}

// item makes an item of a point with everything.
func (s *Store) item(p *api.RetrievedPoint) (index.Item, error) {
	id, err := numericID(p.GetId())
	if err != nil {
		return index.Item{}, err
	}
	vector := p.GetVectors().GetVectors().GetVectors()[s.opts.Vector].GetDenseVector().GetData()
	if len(vector) != s.config.dim {
		return index.Item{}, fmt.Errorf("qdrant: item %d has %d elements named %q, the collection %d: %w", id, len(vector), s.opts.Vector, s.config.dim, index.ErrDimension)
	}
	return index.Item{ID: id, Vector: vector, Payload: decodePayload(p.GetPayload())}, nil
}

// numericID refuses the ids of points that others named by a UUID.
func numericID(id *api.PointId) (index.ID, error) {
	if uuid := id.GetUuid(); uuid != "" {
		return 0, fmt.Errorf("qdrant: a point has the UUID %s as its id; items are known by numbers, so the collection cannot be used: %w", uuid, errors.ErrUnsupported)
	}
	return index.ID(id.GetNum()), nil
}

// scroll returns a page of the points from an id on, in ascending order of id, and the
// id after it, nil at the end.
func (s *Store) scroll(ctx context.Context, from *api.PointId) (points []*api.RetrievedPoint, next *api.PointId, err error) {
	return s.scrollPage(ctx, &api.ScrollPoints{
		CollectionName: s.opts.Collection, Offset: from, Limit: new(uint32(s.pageSize())),
		WithPayload: api.NewWithPayload(true), WithVectors: s.withVectors(everything),
	})
}

// scrollPage makes a request for a page of points.
func (s *Store) scrollPage(ctx context.Context, request *api.ScrollPoints) (points []*api.RetrievedPoint, next *api.PointId, err error) {
	type page struct {
		points []*api.RetrievedPoint
		next   *api.PointId
	}
	got, err := call(ctx, s.server, "scroll", func(ctx context.Context) (page, error) {
		points, next, err := s.client.ScrollAndOffset(ctx, request)
		return page{points, next}, err
	})
	return got.points, got.next, err
}
