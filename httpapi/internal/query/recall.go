package query

import (
	"encoding/json"
	"fmt"
	"math"

	"engram/httpapi/internal/problem"
	"engram/index"
)

// Bounds of a measurement of recall.
const (
	defaultProbes = 100
	maxProbes     = 1000
)

// Recall says how the recall of an index is to be measured.
type Recall struct {
	Queries int     // searches
	K       int     // hits of each
	Recall  float64 // that is asked for, as Query.Recall
	Seed    uint64  // of the drawing of the queries
}

// ReadRecall reads {"queries": …, "k": …, "recall": …, "seed": …}, each of which may be
// missing, and the whole too. K is up to maxK.
func ReadRecall(raw []byte, maxK int) (Recall, error) {
	asked := Recall{Queries: defaultProbes, K: min(DefaultK, maxK)}
	if len(raw) == 0 {
		return asked, nil
	}
	var object struct {
		Queries json.RawMessage `json:"queries"`
		K       json.RawMessage `json:"k"`
		Recall  *float64        `json:"recall"`
		Seed    json.RawMessage `json:"seed"`
	}
	if err := ReadObject(raw, &object, []string{"queries", "k", "recall", "seed"}); err != nil {
		return asked, err
	}
	var seed int
	for _, number := range []struct {
		name        string
		given       json.RawMessage
		least, most int
		to          *int
	}{
		{"queries", object.Queries, 1, maxProbes, &asked.Queries},
		{"k", object.K, 1, maxK, &asked.K},
		{"seed", object.Seed, 0, math.MaxInt32, &seed},
	} {
		if !present(number.given) {
			continue
		}
		n, whole := WholeNumber(string(number.given))
		if !whole || n < number.least || n > number.most {
			return asked, fmt.Errorf("%s is %.20s, wanted a whole number from %d to %d: %w", number.name, number.given, number.least, number.most, problem.ErrQuery)
		}
		*number.to = n
	}
	asked.Seed = uint64(seed)
	if object.Recall != nil {
		asked.Recall = *object.Recall
	}
	return asked, index.Query{K: asked.K, Recall: asked.Recall}.Check()
}
