package double

import (
	"context"
	"maps"
	"slices"

	api "github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// collection is what the server keeps under a name.
type collection struct {
	create *api.CreateCollection // as it was made, and changed since
	schema map[string]*api.PayloadSchemaInfo
	points map[pointID]*point
	queued []func() // writes that nobody waited for, oldest first
	gone   []*point // that were replaced or deleted, whose values indexes still know

	indexed     int // vectors in the graph
	looks       int // until the optimisation under way is done
	waitsNudged bool
}

// find returns a collection by its name or an alias.
func (s *Server) find(name string) (*collection, error) {
	if target, ok := s.aliases[name]; ok {
		name = target
	}
	c := s.collections[name]
	if c == nil {
		return nil, status.Errorf(codes.NotFound, "Not found: Collection `%s` doesn't exist!", name)
	}
	return c, nil
}

// apply does what is queued.
func (c *collection) apply() {
	for _, write := range c.queued {
		write()
	}
	c.queued = nil
}

// threshold returns the number of vectors from which on there is a graph.
func (c *collection) threshold() (n int, any bool) {
	kb := c.create.GetOptimizersConfig().GetIndexingThreshold()
	if kb == 0 {
		return 0, false
	}
	for _, v := range c.create.GetVectorsConfig().GetParamsMap().GetMap() {
		if v.GetMultivectorConfig() == nil {
			return int(kb) * 1024 / 4 / int(v.GetSize()), true
		}
	}
	return 0, false
}

type collections struct {
	api.UnimplementedCollectionsServer
	s *Server
}

func (h collections) Create(_ context.Context, r *api.CreateCollection) (*api.CollectionOperationResponse, error) {
	if h.s.collections[r.GetCollectionName()] != nil {
		return nil, status.Errorf(codes.AlreadyExists, "Wrong input: Collection `%s` already exists!", r.GetCollectionName())
	}
	if _, taken := h.s.aliases[r.GetCollectionName()]; taken {
		return nil, status.Errorf(codes.InvalidArgument, "Wrong input: Can't create collection with name %s. Alias with the same name already exists", r.GetCollectionName())
	}
	for name, v := range r.GetVectorsConfig().GetParamsMap().GetMap() {
		if v.GetSize() < 1 || v.GetSize() > 65_536 {
			return nil, status.Errorf(codes.InvalidArgument, "Validation error in body: [vectors[%s].size: value %d invalid, must be from 1 to 65536]", name, v.GetSize())
		}
	}
	h.s.collections[r.GetCollectionName()] = &collection{
		create: proto.CloneOf(r), schema: map[string]*api.PayloadSchemaInfo{}, points: map[pointID]*point{},
	}
	return &api.CollectionOperationResponse{Result: true}, nil
}

func (h collections) Delete(_ context.Context, r *api.DeleteCollection) (*api.CollectionOperationResponse, error) {
	_, there := h.s.collections[r.GetCollectionName()]
	delete(h.s.collections, r.GetCollectionName())
	maps.DeleteFunc(h.s.aliases, func(_, target string) bool { return target == r.GetCollectionName() })
	return &api.CollectionOperationResponse{Result: there}, nil
}

// Update changes thresholds and metadata; any update starts the optimisers.
func (h collections) Update(_ context.Context, r *api.UpdateCollection) (*api.CollectionOperationResponse, error) {
	c, err := h.s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	c.waitsNudged = false
	if optimisers := r.GetOptimizersConfig(); optimisers != nil {
		if c.create.OptimizersConfig == nil {
			c.create.OptimizersConfig = &api.OptimizersConfigDiff{}
		}
		proto.Merge(c.create.OptimizersConfig, optimisers)
		if optimisers.IndexingThreshold != nil {
			c.looks, c.waitsNudged = h.s.opts.Looks, h.s.opts.Grey
		}
	}
	if r.GetMetadata() != nil {
		merged := maps.Clone(c.create.GetMetadata())
		if merged == nil {
			merged = map[string]*api.Value{}
		}
		maps.Copy(merged, r.GetMetadata())
		c.create.Metadata = merged
	}
	return &api.CollectionOperationResponse{Result: true}, nil
}

func (h collections) Get(_ context.Context, r *api.GetCollectionInfoRequest) (*api.GetCollectionInfoResponse, error) {
	c, err := h.s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	info := &api.CollectionInfo{
		Status: c.look(), OptimizerStatus: &api.OptimizerStatus{Ok: true}, SegmentsCount: 1,
		Config: &api.CollectionConfig{
			Params: &api.CollectionParams{
				ShardNumber: max(1, c.create.GetShardNumber()), OnDiskPayload: c.create.GetOnDiskPayload(),
				VectorsConfig: c.create.GetVectorsConfig(), ReplicationFactor: c.create.ReplicationFactor,
				WriteConsistencyFactor: c.create.WriteConsistencyFactor,
			},
			HnswConfig: c.create.GetHnswConfig(), OptimizerConfig: c.create.GetOptimizersConfig(),
			QuantizationConfig: c.create.GetQuantizationConfig(), Metadata: c.create.GetMetadata(),
		},
		PayloadSchema: c.schema, PointsCount: new(uint64(len(c.points))),
		IndexedVectorsCount: new(uint64(c.indexed)),
		UpdateQueue:         &api.UpdateQueueInfo{Length: uint64(len(c.queued))},
	}
	// The reply is encoded after the lock is released.
	return &api.GetCollectionInfoResponse{Result: proto.CloneOf(info)}, nil
}

// look returns the status, which an optimisation under way changes.
func (c *collection) look() api.CollectionStatus {
	threshold, on := c.threshold()
	switch {
	case !on || len(c.points) < threshold || c.indexed == len(c.points):
		return api.CollectionStatus_Green
	case c.waitsNudged:
		return api.CollectionStatus_Grey
	case c.looks > 0:
		c.looks--
		c.indexed = len(c.points) / (1 + c.looks)
		return api.CollectionStatus_Yellow
	}
	c.indexed = len(c.points)
	return api.CollectionStatus_Green
}

func (h collections) UpdateAliases(_ context.Context, r *api.ChangeAliases) (*api.CollectionOperationResponse, error) {
	for _, step := range r.GetActions() {
		switch action := step.GetAction().(type) {
		case *api.AliasOperations_CreateAlias:
			name, alias := action.CreateAlias.GetCollectionName(), action.CreateAlias.GetAliasName()
			if h.s.collections[name] == nil {
				return nil, status.Errorf(codes.NotFound, "Not found: Collection `%s` doesn't exist!", name)
			}
			if h.s.collections[alias] != nil {
				return nil, status.Errorf(codes.AlreadyExists, "Wrong input: Collection `%s` already exists!", alias)
			}
			h.s.aliases[alias] = name
		case *api.AliasOperations_DeleteAlias:
			delete(h.s.aliases, action.DeleteAlias.GetAliasName())
		default:
			return nil, status.Errorf(codes.Unimplemented, "alias operation %T", action)
		}
	}
	return &api.CollectionOperationResponse{Result: true}, nil
}

func (h collections) ListAliases(context.Context, *api.ListAliasesRequest) (*api.ListAliasesResponse, error) {
	reply := &api.ListAliasesResponse{}
	for _, alias := range slices.Sorted(maps.Keys(h.s.aliases)) {
		reply.Aliases = append(reply.Aliases, &api.AliasDescription{AliasName: alias, CollectionName: h.s.aliases[alias]})
	}
	return reply, nil
}

type snapshots struct {
	api.UnimplementedSnapshotsServer
	s *Server
}

func (h snapshots) Create(_ context.Context, r *api.CreateSnapshotRequest) (*api.CreateSnapshotResponse, error) {
	c, err := h.s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	made := &api.SnapshotDescription{Name: r.GetCollectionName() + ".snapshot", Size: int64(1 + len(c.points))}
	return &api.CreateSnapshotResponse{SnapshotDescription: made}, nil
}
