package double

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	api "github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// facetLimit is the number of values where a request has none.
const facetLimit = 10

// Facet counts the points that have each value in the index of a key, most first and then
// in the order of the values. Exact counts are of all values that the index has had: a
// server may count 0 for one that is gone.
func (h points) Facet(_ context.Context, r *api.FacetCounts) (*api.FacetResponse, error) {
	path, err := parsePath(r.GetKey())
	if err != nil {
		return nil, err
	}
	c, err := h.s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	if r.GetFilter() != nil {
		return nil, status.Error(codes.Unimplemented, "facet with a filter")
	}
	limit := facetLimit
	if r.Limit != nil {
		limit = int(r.GetLimit())
	}
	if limit == 0 || len(c.points) == 0 && !r.GetExact() {
		return &api.FacetResponse{}, nil
	}
	read := facetReader(c.schema[path.String()])
	if read == nil {
		return nil, status.Errorf(codes.InvalidArgument, "Wrong input: No appropriate index for faceting: `%s`. Please create one to facet on this field.", path)
	}
	counts := map[facetValue]uint64{}
	for _, p := range c.points {
		for value := range facetValues(p, path, read) {
			counts[value]++
		}
	}
	for _, p := range c.gone {
		for value := range facetValues(p, path, read) {
			if r.GetExact() && counts[value] == 0 {
				counts[value] = 0
			}
		}
	}
	values := slices.SortedFunc(maps.Keys(counts), func(a, b facetValue) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), a.compare(b))
	})
	reply := &api.FacetResponse{}
	for _, value := range values[:min(limit, len(values))] {
		reply.Hits = append(reply.Hits, &api.FacetHit{Value: value.proto(), Count: counts[value]})
	}
	return reply, nil
}

// facetValue is a text, a whole number or a bool, in this order.
type facetValue struct {
	kind  int // 0, 1, 2
	text  string
	whole int64 // a number, or 1 for true
}

func (v facetValue) compare(other facetValue) int {
	return cmp.Or(cmp.Compare(v.kind, other.kind), cmp.Compare(v.text, other.text), cmp.Compare(v.whole, other.whole))
}

func (v facetValue) proto() *api.FacetValue {
	switch v.kind {
	case 0:
		return &api.FacetValue{Variant: &api.FacetValue_StringValue{StringValue: v.text}}
	case 1:
		return &api.FacetValue{Variant: &api.FacetValue_IntegerValue{IntegerValue: v.whole}}
	}
	return &api.FacetValue{Variant: &api.FacetValue_BoolValue{BoolValue: v.whole == 1}}
}

// facetValues returns the values that an index has of a point, each once.
func facetValues(p *point, path jsonPath, read func(*api.Value) (facetValue, bool)) map[facetValue]bool {
	found := map[facetValue]bool{}
	for _, element := range elements(path.lookup(p.payload)) {
		if value, ok := read(element); ok {
			found[value] = true
		}
	}
	return found
}

// facetReader returns what an index has of one value, nil for an index without facets.
func facetReader(schema *api.PayloadSchemaInfo) func(*api.Value) (facetValue, bool) {
	params := schema.GetParams().GetIntegerIndexParams()
	switch schema.GetDataType() {
	case api.PayloadSchemaType_Keyword:
		return func(v *api.Value) (facetValue, bool) {
			_, ok := v.GetKind().(*api.Value_StringValue)
			return facetValue{text: v.GetStringValue()}, ok
		}
	case api.PayloadSchemaType_Uuid:
		return func(v *api.Value) (facetValue, bool) {
			text := strings.ToLower(v.GetStringValue())
			return facetValue{text: text}, len(text) == 36 && strings.Count(text, "-") == 4
		}
	case api.PayloadSchemaType_Bool:
		return func(v *api.Value) (facetValue, bool) {
			_, ok := v.GetKind().(*api.Value_BoolValue)
			if v.GetBoolValue() {
				return facetValue{kind: 2, whole: 1}, ok
			}
			return facetValue{kind: 2}, ok
		}
	case api.PayloadSchemaType_Integer:
		if params != nil && params.Lookup != nil && !params.GetLookup() {
			return nil
		}
		return func(v *api.Value) (facetValue, bool) {
			n, ok := wholeNumber(v)
			return facetValue{kind: 1, whole: n}, ok
		}
	}
	return nil
}
