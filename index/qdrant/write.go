package qdrant

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"engram/index"

	api "github.com/qdrant/go-client/qdrant"
	"google.golang.org/protobuf/proto"
)

// A request of a write ends with the point that takes it to either size: larger
// ones hold up the searches of the server, smaller ones are mostly overhead.
const (
	batchPoints = 256
	batchBytes  = 4 << 20
)

// Upsert implements index.Store. Items that need more than one request, more
// than 256 or 4 MiB, are applied in part where the server fails between them;
// the same Upsert can be made again.
func (s *Store) Upsert(ctx context.Context, items []index.Item) error {
	if s.bulk.on.Load() {
		return s.upsertBulk(ctx, items)
	}
	release, err := s.writing(ctx)
	if err != nil {
		return err
	}
	defer release()
	points, err := s.encode(items)
	if err != nil {
		return err
	}
	ids := make([]*api.PointId, len(points))
	for i, p := range points {
		ids[i] = p.GetId()
	}
	if err := s.remember(ctx, ids); err != nil {
		return err
	}
	for batch := range batches(points) {
		if err := s.send(ctx, batch, true); err != nil {
			return err
		}
	}
	return nil
}

// encode returns the points of items, of those with the same id the last one.
func (s *Store) encode(items []index.Item) ([]*api.PointStruct, error) {
	points := make([]*api.PointStruct, 0, len(items))
	last := make(map[index.ID]int, len(items))
	for _, item := range items {
		point, err := s.point(item)
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", item.ID, err)
		}
		if i, again := last[item.ID]; again {
			points[i] = point
			continue
		}
		last[item.ID] = len(points)
		points = append(points, point)
	}
	return points, nil
}

func (s *Store) point(item index.Item) (*api.PointStruct, error) {
	unit, err := index.Unit(item.Vector, s.config.dim)
	if err != nil {
		return nil, err
	}
	payload, err := encodePayload(item.Payload)
	if err != nil {
		return nil, err
	}
	vectors := map[string]*api.Vector{s.opts.Vector: api.NewVectorDense(unit)}
	switch f := s.config.tokens; {
	case f.Kept():
		if vectors[tokenVector], err = encodeTokens(f, item.Tokens); err != nil {
			return nil, err
		}
	case item.Tokens != nil:
		return nil, fmt.Errorf("%d bytes of tokens, the collection keeps none: %w", len(item.Tokens), index.ErrTokens)
	}
	return &api.PointStruct{Id: api.NewIDNum(uint64(item.ID)), Vectors: api.NewVectorsMap(vectors), Payload: payload}, nil
}

// batches cuts points into requests.
func batches(points []*api.PointStruct) iter.Seq[[]*api.PointStruct] {
	return func(yield func([]*api.PointStruct) bool) {
		start, size := 0, 0
		for i, point := range points {
			size += proto.Size(point)
			if i+1-start < batchPoints && size < batchBytes && i+1 < len(points) {
				continue
			}
			if !yield(points[start : i+1]) {
				return
			}
			start, size = i+1, 0
		}
	}
}

// send upserts one request of points. Without wait the server only confirms that
// they are in its log.
func (s *Store) send(ctx context.Context, points []*api.PointStruct, wait bool) error {
	result, err := call(ctx, s.server, "upsert", func(ctx context.Context) (*api.UpdateResult, error) {
		return s.client.Upsert(ctx, &api.UpsertPoints{CollectionName: s.opts.Collection, Wait: &wait, Points: points})
	})
	if err != nil || !wait && result.GetStatus() == api.UpdateStatus_Acknowledged {
		return err
	}
	return s.checkApplied(result, "upsert")
}

// Delete implements index.Store.
func (s *Store) Delete(ctx context.Context, ids []index.ID) (int, error) {
	release, err := s.writing(ctx)
	if err != nil {
		return 0, err
	}
	defer release()
	deleted := 0
	for part := range slices.Chunk(pointIDs(ids), idsPerRequest) {
		there, err := s.retrieve(ctx, part, nothing)
		if err != nil {
			return deleted, err
		}
		if err := s.remember(ctx, part); err != nil {
			return deleted, err
		}
		result, err := call(ctx, s.server, "delete", func(ctx context.Context) (*api.UpdateResult, error) {
			return s.client.Delete(ctx, &api.DeletePoints{
				CollectionName: s.opts.Collection, Wait: new(true), Points: api.NewPointsSelectorIDs(part),
			})
		})
		if err == nil {
			err = s.checkApplied(result, "delete")
		}
		if err != nil {
			return deleted, err
		}
		s.dropLast(part)
		deleted += len(there)
	}
	return deleted, nil
}

// pointIDs returns ids as the server names them, in ascending order, each once.
func pointIDs(ids []index.ID) []*api.PointId {
	sorted := slices.Clone(ids)
	slices.Sort(sorted)
	named := make([]*api.PointId, 0, len(ids))
	for _, id := range slices.Compact(sorted) {
		named = append(named, api.NewIDNum(uint64(id)))
	}
	return named
}
