package query

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"engram/httpapi/internal/problem"
	"engram/index/results"
)

// maxGrouped bounds the hits of all groups of one search.
const maxGrouped = 10_000

// wanted is what a query wants of the ranking (see results.Options).
type wanted struct {
	minScore      *float64
	fold          bool
	foldFrom      *float64 // nil: results.DefaultFold
	mmr           *float64 // the lambda of a diverse search
	mmrCandidates int
	groupBy       string
	groupSize     int
	after         string
}

// wantedObject has the members of wanted in JSON.
type wantedObject struct {
	MinScore      *float64        `json:"min_score"`
	Fold          *bool           `json:"fold"`
	FoldFrom      *float64        `json:"fold_from"`
	MMR           *float64        `json:"mmr"`
	MMRCandidates json.RawMessage `json:"mmr_candidates"`
	GroupBy       *string         `json:"group_by"`
	GroupSize     json.RawMessage `json:"group_size"`
	After         *string         `json:"after"`
}

// wantedNames returns the options of wanted.
func wantedNames() []string {
	return []string{"min_score", "fold", "fold_from", "mmr", "mmr_candidates", "group_by", "group_size", "after"}
}

// set takes an option from text.
func (w *wanted) set(name, text string) (err error) {
	number := func() (*float64, error) {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("%s is %.20q, wanted a number: %w", name, text, problem.ErrQuery)
		}
		return &x, nil
	}
	count := func() (int, error) {
		n, whole := WholeNumber(text)
		if !whole || n < 1 {
			return 0, fmt.Errorf("%s is %.20q, wanted a whole number from 1: %w", name, text, problem.ErrQuery)
		}
		return n, nil
	}
	switch name {
	case "min_score":
		w.minScore, err = number()
	case "fold":
		w.fold, err = ParseBool(name, text)
	case "fold_from":
		w.foldFrom, err = number()
	case "mmr":
		w.mmr, err = number()
	case "mmr_candidates":
		w.mmrCandidates, err = count()
	case "group_by":
		w.groupBy = text
	case "group_size":
		w.groupSize, err = count()
	case "after":
		w.after = text
	}
	return err
}

// options takes over the members of a query object.
func (w *wanted) options(object wantedObject) error {
	take := func(to, from *float64) *float64 {
		if from == nil {
			return to
		}
		return from
	}
	w.minScore, w.foldFrom, w.mmr = take(w.minScore, object.MinScore), take(w.foldFrom, object.FoldFrom), take(w.mmr, object.MMR)
	if object.Fold != nil {
		w.fold = *object.Fold
	}
	if object.GroupBy != nil {
		w.groupBy = *object.GroupBy
	}
	if object.After != nil {
		w.after = *object.After
	}
	if present(object.MMRCandidates) {
		if err := w.set("mmr_candidates", string(object.MMRCandidates)); err != nil {
			return err
		}
	}
	if present(object.GroupSize) {
		return w.set("group_size", string(object.GroupSize))
	}
	return nil
}

// Results returns what the query wants of a ranking.
func (q *Query) Results() (results.Options, error) {
	o := results.Options{
		K: q.K, Without: q.Items(), MinScore: q.minScore, GroupBy: q.groupBy, GroupSize: q.groupSize, After: q.after,
	}
	switch {
	case q.foldFrom != nil && !(*q.foldFrom > 0 && *q.foldFrom <= 1): // or NaN
		return o, fmt.Errorf("fold_from is %v, wanted a cosine above 0 and up to 1: %w", *q.foldFrom, problem.ErrQuery)
	case q.foldFrom != nil:
		o.Fold = *q.foldFrom
	case q.fold:
		o.Fold = results.DefaultFold
	}
	switch {
	case q.mmr != nil:
		o.Diverse = &results.Diverse{Lambda: *q.mmr, Candidates: q.mmrCandidates}
	case q.mmrCandidates > 0:
		return o, fmt.Errorf("mmr_candidates is given without mmr: %w", problem.ErrQuery)
	}
	if n := q.groupSize; n > maxGrouped/q.K {
		return o, fmt.Errorf("%d groups of %d hits, wanted %d hits at most: %w", q.K, n, maxGrouped, problem.ErrQuery)
	}
	return o, o.Check()
}

// Asked returns what tells the query from others beside its filter and what it wants.
func (q *Query) Asked() []byte {
	h := sha256.New()
	number := func(n uint64) { h.Write(binary.LittleEndian.AppendUint64(nil, n)) }
	text := func(b []byte) {
		number(uint64(len(b)))
		h.Write(b)
	}
	floats := func(row []float32) {
		b := make([]byte, 0, 4*len(row))
		for _, x := range row {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
		text(b)
	}
	for _, p := range q.Parts {
		text([]byte(p.Kind))
		number(math.Float64bits(p.Weight))
		text([]byte(p.Text))
		text(p.Image)
		floats(p.Vector)
		text(p.Volume)
		number(uint64(len(p.Repeats)))
		for _, row := range p.Repeats {
			floats(row)
		}
		number(uint64(p.Item))
		text([]byte(p.Trial))
	}
	number(uint64(q.Candidates))
	if q.FirstStage {
		number(1)
	}
	return h.Sum(nil)
}
