package app

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"

	"engram/cmd/engram/internal/twostage"
	"engram/data/progress"
	"engram/index"
	"engram/index/results"
)

// DefaultIndex is the index of commands where none is named, in the working
// directory.
const DefaultIndex = "engram.index"

// SearchSpec says which index to search for what.
type SearchSpec struct {
	Index string
	Model string // of texts and images; "": where the index remembers it
	// AssumeModel takes it on trust that Model, or the model of Decoder, made the
	// vectors of an index that does not record its model.
	AssumeModel bool
	K           int // number of hits
	Filter      index.Filter
	// Exact and Recall say how much of the exact result is to be found (see
	// index.Query).
	Exact  bool
	Recall float64
	// Explain asks for Found.Search.
	Explain bool

	// Parts are what to search for: one, or several that make one query by their
	// weights (see embed.Combine).
	Parts []Part

	ImagesRoot string // folder where the images are now, "": where the index remembers them

	// FirstStage searches for a scan by its vector alone. Otherwise all tokens rank
	// the candidates that the vector finds, Candidates of them; 0 leaves their number
	// to package twostage.
	FirstStage bool
	Candidates int

	// Results say what is wanted of the ranking. K and Without are set by K and Parts.
	Results results.Options

	Mask    string // path of a NIfTI file, of scans
	Labels  string // of Mask, see Dataset
	Decoder string // folder of the decoder of scans
}

// PartKind says what a part of a query is.
type PartKind string

// The kinds of part.
const (
	PartText   PartKind = "text"
	PartImage  PartKind = "image"
	PartVector PartKind = "vector"
	PartScan   PartKind = "scan"
	PartItem   PartKind = "item"
)

// Part is one part of a query.
type Part struct {
	Kind PartKind
	// Value is the text; or the path of the file: an image, a .npy file of vectors,
	// or a file of scans (.npy, or NIfTI with SearchSpec.Mask). An item has none.
	Value string
	Item  index.ID // which is left out of the hits
	Rows  []int    // of a file of scans or vectors, from 0; of scans the repeats of one image
	// Weight is how much the part counts; a negative one asks for less of it.
	Weight float64
}

// HasRows tells whether the part is of a file with rows to choose among.
func (p *Part) HasRows() bool { return p.Kind == PartVector || p.Kind == PartScan }

// Found are the hits of a search.
type Found struct {
	Hits []results.Hit // the nearest first; of a diverse search as they were chosen
	// Next is the Results.After of the next page, "" where there is none.
	Next string
	// Bounded says that a bound kept the search from filling the page or its groups.
	Bounded bool
	Notes   []string // what a user should know about the query, such as that a text was cut
	// Stages says how a search by scan ranked by all tokens; nil: scores are cosines.
	Stages *twostage.Stages
	// Search says how the index found the hits, nil where it is not asked for or all items
	// were ranked by their tokens.
	Search *index.Explanation
	Damage string // of the index (see index.Info)
	// roots are the folders that paths in payloads are relative to.
	roots roots
}

// Search returns the items of an index that are nearest to a query.
func (a *App) Search(ctx context.Context, spec SearchSpec, watch progress.Func) (_ *Found, err error) {
	x, err := a.OpenIndex(ctx, spec.Index)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, x)
	q := &querier{app: a, index: x, spec: spec, watch: watch}
	defer closeInto(&err, q)
	if spec.Explain {
		q.explanation = new(index.Explanation)
	}
	o := spec.results()
	if err := o.Check(); err != nil {
		return nil, err
	}
	found := &Found{Damage: x.Info.Damage, roots: x.imagesRoots(spec.ImagesRoot)}
	r, err := q.rank(ctx, found)
	if err != nil {
		return nil, err
	}
	if r.Asked, err = spec.asked(); err != nil {
		return nil, err
	}
	if r.Index, err = placeOf(spec.Index); err != nil {
		return nil, err
	}
	answer, err := results.Search(ctx, r, o)
	if err != nil {
		return nil, err
	}
	found.Hits, found.Next, found.Bounded = answer.Hits, answer.Next, answer.Bounded
	if found.Stages != nil && !answer.Begins(r) {
		found.Stages.Confidence = nil
	}
	if spec.Explain && q.explanation.Path != "" {
		found.Search = q.explanation
	}
	return found, nil
}

// rank returns the order of the items for the query. It adds to found what is to be
// said of it.
func (q *querier) rank(ctx context.Context, found *Found) (r results.Ranking, err error) {
	if q.spec.byScan() {
		r, err = q.rankByScan(ctx, found)
	} else {
		r = q.ranking()
		r.Query.Vector, err = q.vector(ctx)
	}
	found.Notes = append(found.Notes, q.notes...)
	return r, err
}

// ranking returns the order of the items by a vector that is yet to be set.
func (q *querier) ranking() results.Ranking {
	return results.Ranking{Store: q.index.Store, Query: index.Query{Filter: q.spec.Filter, Exact: q.spec.Exact, Recall: q.spec.Recall, Explain: q.explanation}}
}

// results returns what is wanted of the ranking.
func (s *SearchSpec) results() results.Options {
	o := s.Results
	o.K = s.K
	for _, p := range s.Parts {
		if p.Kind == PartItem {
			o.Without = append(o.Without, p.Item)
		}
	}
	return o
}

// asked returns what tells the query from others in a cursor: its parts, files by
// their paths, and how a scan is ranked.
func (s *SearchSpec) asked() ([]byte, error) {
	return json.Marshal([]any{s.Parts, s.Decoder, s.Mask, s.Labels, s.FirstStage, s.Candidates})
}

// placeOf returns what tells an index from others: its address, or the absolute path of
// its folder.
func placeOf(name string) (string, error) {
	if strings.Contains(name, "://") {
		return name, nil
	}
	return filepath.Abs(name)
}

// byScan reports whether all tokens of a prediction can rank the items.
func (s *SearchSpec) byScan() bool {
	return len(s.Parts) == 1 && s.Parts[0].Kind == PartScan && s.Parts[0].Weight > 0 && !s.FirstStage
}
