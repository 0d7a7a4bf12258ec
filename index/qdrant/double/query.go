package double

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"

	api "github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// scored is a point with its score.
type scored struct {
	id    pointID
	point *point
	score float32
}

// rank compares the query with every point that the filter chooses, best first.
// Of equal scores the server returns any first, the double the higher id.
func (c *collection) rank(query *api.VectorInput, using string, filter *api.Filter) ([]scored, error) {
	vector, err := c.vector(using, query.GetDense().GetData())
	if err != nil {
		return nil, err
	}
	ids, err := c.ids(filter)
	if err != nil {
		return nil, err
	}
	var ranked []scored
	for _, id := range ids {
		if v := c.points[id].vectors[using]; v != nil {
			ranked = append(ranked, scored{id, c.points[id], dot(vector, v)})
		}
	}
	slices.SortFunc(ranked, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), b.id.compare(a.id))
	})
	return ranked, nil
}

// dot sums in 32 places, as the server does with AVX, so that rounding is about
// as large.
func dot(a, b []float32) float32 {
	var sums [32]float32
	for i, x := range a {
		sums[i%len(sums)] += x * b[i]
	}
	var sum float32
	for _, x := range sums {
		sum += x
	}
	return sum
}

// reply is a point as Query and QueryGroups return it.
func (x scored) reply(payload *api.WithPayloadSelector, vectors *api.WithVectorsSelector) *api.ScoredPoint {
	return &api.ScoredPoint{Id: x.id.proto(), Score: x.score, Payload: x.point.selected(payload), Vectors: x.point.output(vectors)}
}

func (h points) Query(_ context.Context, r *api.QueryPoints) (*api.QueryResponse, error) {
	c, err := h.s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	limit, err := limitOf(r.Limit)
	if err != nil {
		return nil, err
	}
	var ranked []scored
	switch query := r.GetQuery().GetVariant().(type) {
	case *api.Query_Nearest:
		ranked, err = c.rank(query.Nearest, r.GetUsing(), r.GetFilter())
		if h.s.opts.Graph && !r.GetParams().GetExact() {
			ranked = walked(ranked, r.GetParams().GetHnswEf())
		}
	case *api.Query_NearestWithMmr:
		ranked, err = c.rank(query.NearestWithMmr.GetNearest(), r.GetUsing(), r.GetFilter())
		ranked = diversify(ranked, query.NearestWithMmr.GetMmr(), r.GetUsing(), limit)
	default:
		err = status.Errorf(codes.Unimplemented, "query %T", query)
	}
	if err != nil {
		return nil, err
	}
	reply := &api.QueryResponse{}
	for _, x := range ranked[:min(uint64(len(ranked)), limit)] {
		reply.Result = append(reply.Result, x.reply(r.GetWithPayload(), r.GetWithVectors()))
	}
	return reply, nil
}

// serverEF is hnsw_ef where a query has none.
const serverEF = 100

// walked returns the points that a search over a graph with ef candidates finds.
// It misses others for each query.
func walked(ranked []scored, ef uint64) []scored {
	if ef == 0 {
		ef = serverEF
	}
	if len(ranked) == 0 {
		return nil
	}
	rng := rand.New(rand.NewPCG(ef, uint64(math.Float32bits(ranked[0].score))))
	return slices.DeleteFunc(ranked, func(scored) bool { return rng.Uint64N(ef) == 0 })
}

// limitOf returns the limit of a query, 10 by default.
func limitOf(limit *uint64) (uint64, error) {
	switch {
	case limit == nil:
		return 10, nil
	case *limit < 1:
		return 0, status.Error(codes.InvalidArgument, "Validation error in body: [limit: value 0 invalid, must be 1 or larger]")
	}
	return *limit, nil
}

// diversify chooses by maximal marginal relevance among the nearest.
func diversify(ranked []scored, mmr *api.Mmr, using string, limit uint64) []scored {
	lambda := float32(0.5)
	if mmr.Diversity != nil {
		lambda = 1 - mmr.GetDiversity()
	}
	candidates := limit
	if mmr.CandidatesLimit != nil {
		candidates = uint64(mmr.GetCandidatesLimit())
	}
	left := slices.Clone(ranked[:min(uint64(len(ranked)), candidates)])
	var chosen []scored
	for len(left) > 0 && uint64(len(chosen)) < limit {
		best, most := 0, float32(0)
		for i, x := range left {
			value := x.score
			if len(chosen) > 0 {
				nearest := float32(-2)
				for _, y := range chosen {
					nearest = max(nearest, dot(x.point.vectors[using], y.point.vectors[using]))
				}
				value = lambda*x.score - (1-lambda)*nearest
			}
			if i == 0 || value > most {
				best, most = i, value
			}
		}
		chosen = append(chosen, left[best])
		left = slices.Delete(left, best, best+1)
	}
	return chosen
}

func (h points) QueryGroups(_ context.Context, r *api.QueryPointGroups) (*api.QueryGroupsResponse, error) {
	c, err := h.s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	limit, err := limitOf(r.Limit)
	if err != nil {
		return nil, err
	}
	path, err := parsePath(r.GetGroupBy())
	if err != nil {
		return nil, err
	}
	ranked, err := c.rank(r.GetQuery().GetNearest(), r.GetUsing(), r.GetFilter())
	if err != nil {
		return nil, err
	}
	var groups []*api.PointGroup
	place := map[any]int{} // in groups
	for _, x := range ranked {
		for _, value := range elements(path.lookup(x.point.payload)) {
			id, key := groupID(value)
			if id == nil {
				continue
			}
			at, there := place[key]
			if !there {
				at, place[key] = len(groups), len(groups)
				groups = append(groups, &api.PointGroup{Id: id})
			}
			if g := groups[at]; uint64(len(g.Hits)) < r.GetGroupSize() {
				g.Hits = append(g.Hits, x.reply(r.GetWithPayload(), r.GetWithVectors()))
			}
		}
	}
	return &api.QueryGroupsResponse{Result: &api.GroupsResult{Groups: groups[:min(uint64(len(groups)), limit)]}}, nil
}

// groupID returns the group of a value, nil for values that make none.
func groupID(value *api.Value) (*api.GroupId, any) {
	switch kind := value.GetKind().(type) {
	case *api.Value_StringValue:
		return api.NewGroupIDString(kind.StringValue), kind.StringValue
	case *api.Value_IntegerValue:
		if kind.IntegerValue >= 0 {
			return api.NewGroupIDUnsigned(uint64(kind.IntegerValue)), kind.IntegerValue
		}
		return api.NewGroupIDInt(kind.IntegerValue), kind.IntegerValue
	}
	return nil, nil
}
