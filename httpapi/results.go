package httpapi

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"engram/index"
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
			return nil, fmt.Errorf("%s is %.20q, wanted a number: %w", name, text, errQuery)
		}
		return &x, nil
	}
	count := func() (int, error) {
		n, whole := wholeNumber(text)
		if !whole || n < 1 {
			return 0, fmt.Errorf("%s is %.20q, wanted a whole number from 1: %w", name, text, errQuery)
		}
		return n, nil
	}
	switch name {
	case "min_score":
		w.minScore, err = number()
	case "fold":
		w.fold, err = parseBool(name, text)
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

// resultOptions returns what the query wants of a ranking.
func (q *query) resultOptions() (results.Options, error) {
	o := results.Options{
		K: q.k, Without: q.items(), MinScore: q.minScore, GroupBy: q.groupBy, GroupSize: q.groupSize, After: q.after,
	}
	switch {
	case q.foldFrom != nil && !(*q.foldFrom > 0 && *q.foldFrom <= 1): // or NaN
		return o, fmt.Errorf("fold_from is %v, wanted a cosine above 0 and up to 1: %w", *q.foldFrom, errQuery)
	case q.foldFrom != nil:
		o.Fold = *q.foldFrom
	case q.fold:
		o.Fold = results.DefaultFold
	}
	switch {
	case q.mmr != nil:
		o.Diverse = &results.Diverse{Lambda: *q.mmr, Candidates: q.mmrCandidates}
	case q.mmrCandidates > 0:
		return o, fmt.Errorf("mmr_candidates is given without mmr: %w", errQuery)
	}
	if n := q.groupSize; n > maxGrouped/q.k {
		return o, fmt.Errorf("%d groups of %d hits, wanted %d hits at most: %w", q.k, n, maxGrouped, errQuery)
	}
	return o, o.Check()
}

// asked returns what tells the query from others beside its filter and what it wants.
func (q *query) asked() []byte {
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
	for _, p := range q.parts {
		text([]byte(p.kind))
		number(math.Float64bits(p.weight))
		text([]byte(p.text))
		text(p.image)
		floats(p.vector)
		number(uint64(len(p.repeats)))
		for _, row := range p.repeats {
			floats(row)
		}
		number(uint64(p.item))
		text([]byte(p.trial))
	}
	number(uint64(q.candidates))
	if q.firstStage {
		number(1)
	}
	return h.Sum(nil)
}

// groupView is what has one value under a payload key beside the hit itself.
type groupView struct {
	Value  any       `json:"value"`
	Others []hitView `json:"others"`
}

// viewHit is a hit as visitors see it.
func (s *Server) viewHit(hit results.Hit) hitView {
	view := hitView{itemView: s.viewItem(hit.ID, hit.Payload), Score: hit.Score, Folded: viewIDs(hit.Folded)}
	if hit.Group != nil {
		view.Group = &groupView{Value: hit.Group.Value, Others: make([]hitView, len(hit.Group.Others))}
		for i, other := range hit.Group.Others {
			view.Group.Others[i] = s.viewHit(other)
		}
	}
	return view
}

// viewIDs are ids as decimal strings, nil for none.
func viewIDs(ids []index.ID) (list []string) {
	for _, id := range ids {
		list = append(list, strconv.FormatUint(uint64(id), 10))
	}
	return list
}
