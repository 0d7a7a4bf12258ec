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

// reply is a point as Query returns it.
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
			ranked = walked(ranked, c.candidates(r))
		}
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

// binaryLoss divides the candidates of a search by codes of one bit: so many fewer
// candidates of an exact ranking find as much.
const binaryLoss = 16

// candidates returns how many candidates of a search over the graph count.
func (c *collection) candidates(r *api.QueryPoints) uint64 {
	ef := cmp.Or(r.GetParams().GetHnswEf(), serverEF)
	codes := c.create.GetVectorsConfig().GetParamsMap().GetMap()[r.GetUsing()].GetQuantizationConfig()
	if codes.GetBinary() != nil && !r.GetParams().GetQuantization().GetIgnore() {
		return max(1, ef/binaryLoss)
	}
	return ef
}

// walked returns the points that a search over a graph with ef candidates finds.
// It misses others for each query.
func walked(ranked []scored, ef uint64) []scored {
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
