package query

import (
	"encoding/json"
	"fmt"

	"engram/httpapi/internal/problem"
)

// maxQueries bounds the queries of a batch: as many as an index answers in one pass over
// its vectors.
const maxQueries = 512

// batchObject is the body of a batch.
type batchObject struct {
	Queries []json.RawMessage `json:"queries"`
}

// ReadBatch reads the JSON of a batch: {"queries": [query, …]}. A query in it says how
// many items it wants, and nothing else of how they are ranked.
func ReadBatch(raw []byte) ([]Query, error) {
	var object batchObject
	if err := decodeObject(raw, &object, new(partObject), []string{"queries"}); err != nil {
		return nil, err
	}
	if n := len(object.Queries); n < 1 || n > maxQueries {
		return nil, fmt.Errorf("the batch has %d queries, wanted 1 to %d: %w", n, maxQueries, problem.ErrQuery)
	}
	queries := make([]Query, len(object.Queries))
	for i, raw := range object.Queries {
		queries[i].K = DefaultK
		err := queries[i].fromJSON(raw)
		if err == nil && queries[i].wanted != (wanted{}) {
			err = fmt.Errorf("a query of a batch has no least score, folding, diversity, groups or pages: %w", problem.ErrQuery)
		}
		if err != nil {
			return nil, fmt.Errorf("query %d: %w", i+1, err)
		}
	}
	return queries, nil
}
