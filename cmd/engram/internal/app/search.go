package app

import (
	"context"

	"engram/cmd/engram/internal/twostage"
	"engram/data/progress"
	"engram/index"
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

	// Parts are what to search for: one, or several that make one query by their
	// weights (see embed.Combine).
	Parts []Part

	ImagesRoot string // folder where the images are now, "": where the index remembers them

	// FirstStage searches for a scan by its vector alone. Otherwise all tokens rank
	// the candidates that the vector finds, Candidates of them; 0 leaves their number
	// to package twostage.
	FirstStage bool
	Candidates int

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
	Hits  []index.Hit // the nearest first
	Notes []string    // what a user should know about the query, such as that a text was cut
	// Stages says how a search by scan ranked by all tokens; nil: scores are cosines.
	Stages *twostage.Stages
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
	if spec.byScan() {
		return q.searchByScan(ctx)
	}
	query := index.Query{K: spec.K, Filter: spec.Filter, WithPayload: true, Exact: spec.Exact, Recall: spec.Recall}
	if query.Vector, err = q.vector(ctx); err != nil {
		return nil, err
	}
	left := spec.items()
	query.K += len(left) // for these items themselves, which may be among the nearest
	hits, err := x.Search(ctx, query)
	if err != nil {
		return nil, err
	}
	return &Found{Hits: without(left, hits, spec.K), Notes: q.notes, Damage: x.Info.Damage, roots: x.imagesRoots(spec.ImagesRoot)}, nil
}

// byScan reports whether all tokens of a prediction can rank the items.
func (s *SearchSpec) byScan() bool {
	return len(s.Parts) == 1 && s.Parts[0].Kind == PartScan && s.Parts[0].Weight > 0 && !s.FirstStage
}

// items returns the items of the query.
func (s *SearchSpec) items() map[index.ID]bool {
	items := map[index.ID]bool{}
	for _, p := range s.Parts {
		if p.Kind == PartItem {
			items[p.Item] = true
		}
	}
	return items
}

// without returns the first k hits that are not among some items.
func without(items map[index.ID]bool, hits []index.Hit, k int) []index.Hit {
	others := hits[:0]
	for _, hit := range hits {
		if !items[hit.ID] {
			others = append(others, hit)
		}
	}
	return others[:min(k, len(others))]
}
