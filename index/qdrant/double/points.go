package double

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"

	api "github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// pointID is a number or a UUID. Numbers come first.
type pointID struct {
	uuid string
	num  uint64
}

func idOf(id *api.PointId) pointID { return pointID{id.GetUuid(), id.GetNum()} }

func (id pointID) proto() *api.PointId {
	if id.uuid != "" {
		return api.NewIDUUID(id.uuid)
	}
	return api.NewIDNum(id.num)
}

func (id pointID) compare(other pointID) int {
	return cmp.Or(cmp.Compare(id.uuid, other.uuid), cmp.Compare(id.num, other.num))
}

// point is never changed, only replaced.
type point struct {
	vectors map[string][]float32
	multi   map[string][]*api.DenseVector // multivectors
	payload map[string]*api.Value
}

type points struct {
	api.UnimplementedPointsServer
	s *Server
}

// write does a change, or queues it where the caller does not wait.
func (c *collection) write(wait bool, change func()) *api.PointsOperationResponse {
	result := &api.UpdateResult{OperationId: proto.Uint64(1), Status: api.UpdateStatus_Acknowledged}
	c.queued = append(c.queued, change)
	if wait {
		c.apply()
		result.Status = api.UpdateStatus_Completed
	}
	return &api.PointsOperationResponse{Result: result}
}

func (h points) Upsert(_ context.Context, r *api.UpsertPoints) (*api.PointsOperationResponse, error) {
	c, err := h.s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	changed := map[pointID]*point{}
	for _, p := range r.GetPoints() {
		made, err := c.newPoint(p)
		if err != nil {
			return nil, err
		}
		changed[idOf(p.GetId())] = made
	}
	return c.write(r.GetWait(), func() { c.upsert(changed) }), nil
}

// upsert replaces points. A point that comes without payload leaves the old one,
// as on a server where an optimizer has closed the old point's segment.
func (c *collection) upsert(changed map[pointID]*point) {
	for id, p := range changed {
		old := c.points[id]
		if old != nil && len(p.payload) == 0 {
			p.payload = old.payload
		}
		c.put(id, p)
	}
}

// put puts a point in place of the old one.
func (c *collection) put(id pointID, p *point) {
	c.remove(id)
	c.points[id] = p
}

func (c *collection) remove(id pointID) {
	if old := c.points[id]; old != nil {
		c.gone = append(c.gone, old)
		delete(c.points, id)
	}
}

// newPoint reads a point of a request.
func (c *collection) newPoint(p *api.PointStruct) (*point, error) {
	if p.GetId().GetPointIdOptions() == nil {
		return nil, status.Error(codes.InvalidArgument, "Empty ID is not allowed")
	}
	made := &point{vectors: map[string][]float32{}, multi: map[string][]*api.DenseVector{}}
	for name, v := range p.GetVectors().GetVectors().GetVectors() {
		if multi := v.GetMultiDense(); multi != nil {
			kept, err := c.multivector(name, multi)
			if err != nil {
				return nil, err
			}
			made.multi[name] = kept
			continue
		}
		unit, err := c.vector(name, v.GetDense().GetData())
		if err != nil {
			return nil, err
		}
		made.vectors[name] = unit
	}
	var err error
	made.payload, err = keepAll(p.GetPayload())
	return made, err
}

// keepAll returns a payload as the server keeps it.
func keepAll(payload map[string]*api.Value) (map[string]*api.Value, error) {
	all := map[string]*api.Value{}
	for name, value := range payload {
		kept, err := keep(value)
		if err != nil {
			return nil, err
		}
		all[name] = kept
	}
	return all, nil
}

// vector checks and normalises a vector as the server does.
func (c *collection) vector(name string, v []float32) ([]float32, error) {
	params := c.create.GetVectorsConfig().GetParamsMap().GetMap()[name]
	if params == nil {
		return nil, status.Errorf(codes.InvalidArgument, "Wrong input: Not existing vector name error: %s", name)
	}
	if params.GetMultivectorConfig() != nil {
		return nil, status.Errorf(codes.Unimplemented, "one vector for the multivector %s", name)
	}
	if uint64(len(v)) != params.GetSize() {
		return nil, status.Errorf(codes.InvalidArgument, "Wrong input: Vector dimension error: expected dim: %d, got %d", params.GetSize(), len(v))
	}
	unit, square := slices.Clone(v), dot(v, v)
	if params.GetDistance() != api.Distance_Cosine || square < 0x1p-23 || math.Abs(float64(square-1)) <= 1e-6 {
		return unit, nil
	}
	length := float32(math.Sqrt(float64(square)))
	for i := range unit {
		unit[i] /= length
	}
	return unit, nil
}

func (h points) Delete(_ context.Context, r *api.DeletePoints) (*api.PointsOperationResponse, error) {
	c, err := h.s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	list, ok := r.GetPoints().GetPointsSelectorOneOf().(*api.PointsSelector_Points)
	if !ok {
		return nil, status.Error(codes.Unimplemented, "delete by filter")
	}
	return c.write(r.GetWait(), func() {
		for _, id := range list.Points.GetIds() {
			c.remove(idOf(id))
		}
		c.indexed = min(c.indexed, len(c.points))
	}), nil
}

// UpdateBatch replaces payloads; other operations are not played. As on a server, a point
// that is not there refuses the operation.
func (h points) UpdateBatch(_ context.Context, r *api.UpdateBatchPoints) (*api.UpdateBatchResponse, error) {
	c, err := h.s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	reply := &api.UpdateBatchResponse{}
	for _, operation := range r.GetOperations() {
		overwrite := operation.GetOverwritePayload()
		if overwrite == nil {
			return nil, status.Errorf(codes.Unimplemented, "the operation %v", operation)
		}
		payload, err := keepAll(overwrite.GetPayload())
		if err != nil {
			return nil, err
		}
		c.apply() // what was queued before comes first
		for _, id := range overwrite.GetPointsSelector().GetPoints().GetIds() {
			old := c.points[idOf(id)]
			if old == nil {
				return nil, status.Errorf(codes.NotFound, "Not found: No point with id %v found", id)
			}
			reply.Result = append(reply.Result, c.write(r.GetWait(), func() {
				c.put(idOf(id), &point{vectors: old.vectors, multi: old.multi, payload: payload})
			}).GetResult())
		}
	}
	return reply, nil
}

func (h points) Get(_ context.Context, r *api.GetPoints) (*api.GetResponse, error) {
	c, err := h.s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	reply := &api.GetResponse{}
	for _, id := range r.GetIds() {
		if p := c.points[idOf(id)]; p != nil {
			reply.Result = append(reply.Result, p.retrieved(idOf(id), r.GetWithPayload(), r.GetWithVectors()))
		}
	}
	return reply, nil
}

// ids returns the ids of the points that a filter chooses, in order.
func (c *collection) ids(filter *api.Filter) ([]pointID, error) {
	matches, err := c.matcher(filter)
	if err != nil {
		return nil, err
	}
	var chosen []pointID
	for id, p := range c.points {
		if matches(id, p) {
			chosen = append(chosen, id)
		}
	}
	slices.SortFunc(chosen, pointID.compare)
	return chosen, nil
}

func (h points) Scroll(_ context.Context, r *api.ScrollPoints) (*api.ScrollResponse, error) {
	c, err := h.s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	limit := 10
	if r.Limit != nil {
		limit = int(r.GetLimit())
	}
	if limit < 1 {
		return nil, status.Error(codes.InvalidArgument, "Validation error in body: [limit: value 0 invalid, must be 1 or larger]")
	}
	ids, err := c.ids(r.GetFilter())
	if err != nil {
		return nil, err
	}
	if r.Offset != nil {
		start, _ := slices.BinarySearchFunc(ids, idOf(r.GetOffset()), pointID.compare)
		ids = ids[start:]
	}
	reply := &api.ScrollResponse{}
	if len(ids) > limit {
		reply.NextPageOffset = ids[limit].proto()
		ids = ids[:limit]
	}
	for _, id := range ids {
		reply.Result = append(reply.Result, c.points[id].retrieved(id, r.GetWithPayload(), r.GetWithVectors()))
	}
	return reply, nil
}

func (h points) Count(_ context.Context, r *api.CountPoints) (*api.CountResponse, error) {
	c, err := h.s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	ids, err := c.ids(r.GetFilter())
	return &api.CountResponse{Result: &api.CountResult{Count: uint64(len(ids))}}, err
}

// CreateFieldIndex takes the last of several indexes of a field.
func (h points) CreateFieldIndex(_ context.Context, r *api.CreateFieldIndexCollection) (*api.PointsOperationResponse, error) {
	c, err := h.s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	path, err := parsePath(r.GetFieldName())
	if err != nil {
		return nil, err
	}
	return c.write(r.GetWait(), func() {
		c.schema[path.String()] = &api.PayloadSchemaInfo{
			DataType: api.PayloadSchemaType(r.GetFieldType() + 1), Params: r.GetFieldIndexParams(),
		}
	}), nil
}

// retrieved is a point as Get and Scroll return it.
func (p *point) retrieved(id pointID, payload *api.WithPayloadSelector, vectors *api.WithVectorsSelector) *api.RetrievedPoint {
	return &api.RetrievedPoint{Id: id.proto(), Payload: p.selected(payload), Vectors: p.output(vectors)}
}

// selected returns what is asked for of the payload.
func (p *point) selected(with *api.WithPayloadSelector) map[string]*api.Value {
	if include := with.GetInclude(); include != nil {
		chosen := map[string]*api.Value{}
		for _, field := range include.GetFields() {
			if path, err := parsePath(field); err == nil && p.payload[path.key] != nil {
				chosen[path.key] = p.payload[path.key]
			}
		}
		return chosen
	}
	if with.GetEnable() {
		return p.payload
	}
	return nil
}

// output returns the vectors that are asked for.
func (p *point) output(with *api.WithVectorsSelector) *api.VectorsOutput {
	names := with.GetInclude().GetNames()
	if with.GetEnable() {
		names = slices.AppendSeq(slices.Collect(maps.Keys(p.vectors)), maps.Keys(p.multi))
	}
	if len(names) == 0 {
		return nil
	}
	named := map[string]*api.VectorOutput{}
	for _, name := range names {
		if v := p.vectors[name]; v != nil {
			named[name] = &api.VectorOutput{Vector: &api.VectorOutput_Dense{Dense: &api.DenseVector{Data: v}}}
		}
		if v := p.multi[name]; v != nil {
			named[name] = &api.VectorOutput{Vector: &api.VectorOutput_MultiDense{MultiDense: &api.MultiDenseVector{Vectors: v}}}
		}
	}
	return &api.VectorsOutput{VectorsOptions: &api.VectorsOutput_Vectors{Vectors: &api.NamedVectorsOutput{Vectors: named}}}
}
