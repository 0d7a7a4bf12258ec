package results

import (
	"context"

	"engram/index"
)

// Ranking is the order of a store's items for one query.
type Ranking struct {
	// Store has the vectors and the payloads of the items.
	Store index.Store
	// Query ranks the items by cosine similarity. Its K and WithPayload are not used.
	Query index.Query

	// Metric names what the scores of Ranked are. Where it is set, Ranked is the whole
	// ranking instead of Query's, and the filter has been applied. Hits need no payloads.
	Metric string
	Ranked []index.Hit

	// Index and Asked tell the index and the query from others in a cursor. Asked is
	// what the query was made of, such as words, which a model may turn into a vector
	// that differs in the last bit next time; nil: the vector of Query.
	Index string
	Asked []byte
}

// check refuses options that do not fit the scores.
func (r Ranking) check(o Options) error {
	if r.Metric == "" && o.MinScore != nil && !(*o.MinScore >= -1 && *o.MinScore <= 1) {
		return refuse("a least score of %v, wanted a cosine from -1 to 1", *o.MinScore)
	}
	return nil
}

// best returns the n best items, or all there are.
func (r Ranking) best(ctx context.Context, n int, withPayload bool) ([]index.Hit, error) {
	if r.Metric != "" {
		return r.Ranked[:min(n, len(r.Ranked))], ctx.Err()
	}
	q := r.Query
	q.K, q.WithPayload = n, withPayload
	return r.Store.Search(ctx, q)
}

// within returns the queries for the n best items that have a value each.
func (r Ranking) within(key string, values []any, n int) []index.Query {
	queries := make([]index.Query, len(values))
	for i, value := range values {
		queries[i] = r.Query
		queries[i].K, queries[i].WithPayload, queries[i].Explain = n, true, nil // they run at once
		var f index.Filter = index.Equal{Key: key, Value: value}
		if r.Query.Filter != nil {
			f = index.And{r.Query.Filter, f}
		}
		queries[i].Filter = f
	}
	return queries
}
