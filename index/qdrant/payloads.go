package qdrant

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"engram/index"

	api "github.com/qdrant/go-client/qdrant"
	"google.golang.org/protobuf/proto"
)

var _ index.PayloadSetter = (*Store)(nil)

// SetPayloads implements index.PayloadSetter. More than 256 payloads need more than one
// request, and are applied in part where the server fails between them. The server
// refuses a request that names an item which somebody else deletes meanwhile
// (index.ErrNotFound); the same call can be made again.
func (s *Store) SetPayloads(ctx context.Context, payloads map[index.ID]index.Payload) (int, error) {
	release, err := s.writing(ctx)
	if err != nil {
		return 0, err
	}
	defer release()
	encoded := make(map[uint64]map[string]*api.Value, len(payloads))
	for id, payload := range payloads {
		if encoded[uint64(id)], err = encodePayload(payload); err != nil {
			return 0, fmt.Errorf("item %d: %w", id, err)
		}
	}
	// What a bulk load has sent may still wait in the server's queue (see EndBulk).
	if last := s.bulk.last; len(last) > 0 {
		if err := s.send(ctx, last, true); err != nil {
			return 0, err
		}
	}
	set := 0
	for part := range slices.Chunk(pointIDs(slices.Collect(maps.Keys(payloads))), batchPoints) {
		n, err := s.overwritePayloads(ctx, part, encoded)
		set += n
		if err != nil {
			return set, err
		}
	}
	return set, nil
}

// overwritePayloads replaces the payloads of the points among ids that are there, in
// requests of 4 MiB, and returns how many.
func (s *Store) overwritePayloads(ctx context.Context, ids []*api.PointId, payloads map[uint64]map[string]*api.Value) (int, error) {
	there, err := s.retrieve(ctx, ids, nothing)
	if err != nil || len(there) == 0 {
		return 0, err
	}
	if err := s.remember(ctx, ids); err != nil {
		return 0, err
	}
	set, size := 0, 0
	var operations []*api.PointsUpdateOperation
	for i, p := range there {
		operation := api.NewPointsUpdateOverwritePayload(&api.PointsUpdateOperation_OverwritePayload{
			Payload: payloads[p.GetId().GetNum()], PointsSelector: api.NewPointsSelector(p.GetId()),
		})
		operations, size = append(operations, operation), size+proto.Size(operation)
		if size < batchBytes && i+1 < len(there) {
			continue
		}
		if err := s.updateBatch(ctx, operations); err != nil {
			return set, err
		}
		set, size, operations = i+1, 0, nil
	}
	s.dropLast(ids)
	return set, nil
}

// updateBatch makes changes by one request.
func (s *Store) updateBatch(ctx context.Context, operations []*api.PointsUpdateOperation) error {
	results, err := call(ctx, s.server, "overwrite payloads", func(ctx context.Context) ([]*api.UpdateResult, error) {
		return s.client.UpdateBatch(ctx, &api.UpdateBatchPoints{
			CollectionName: s.opts.Collection, Wait: new(true), Operations: operations,
		})
	})
	if err == nil && len(results) != len(operations) {
		err = fmt.Errorf("qdrant: overwrite payloads: %s answers %d of %d operations: %w", s.addr, len(results), len(operations), index.ErrUnavailable)
	}
	for _, result := range results {
		if err == nil {
			err = s.checkApplied(result, "overwrite payloads")
		}
	}
	return err
}
