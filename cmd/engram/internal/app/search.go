package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"engram/data/progress"
	"engram/embed/dataset"
	"engram/index"
)

// SearchSpec says which index to search for what. One of Image, Scan, Vector and
// Item is the query.
type SearchSpec struct {
	Index string
	Model string // of Image; "": where the index remembers it
	// AssumeModel takes it on trust that Model, or the model of Decoder, made the
	// vectors of an index that does not record its model.
	AssumeModel bool
	K           int // number of hits
	Filter      index.Filter
	// Exact and Recall say how much of the exact result is to be found (see
	// index.Query).
	Exact  bool
	Recall float64

	Image  string    // path of an image file
	Scan   string    // path of a file of scans: .npy, or NIfTI with Mask
	Vector string    // path of a .npy file of vectors
	Item   *index.ID // which is left out of the hits

	ImagesRoot string // folder where the images are now, "": where the index remembers them

	Rows    []int  // of the file of scans or vectors, from 0; of scans the repeats of one image
	Mask    string // path of a NIfTI file
	Labels  string // of Mask, see Dataset
	Decoder string // folder of the decoder of Scan
}

// Found are the hits of a search.
type Found struct {
	Hits []index.Hit // the nearest first
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
	query := index.Query{K: spec.K, Filter: spec.Filter, WithPayload: true, Exact: spec.Exact, Recall: spec.Recall}
	if query.Vector, err = a.queryVector(ctx, x, spec, watch); err != nil {
		return nil, err
	}
	if spec.Item != nil {
		query.K++ // for the item itself, which is its own nearest
	}
	hits, err := x.Search(ctx, query)
	if err != nil {
		return nil, err
	}
	if spec.Item != nil {
		hits = without(*spec.Item, hits, spec.K)
	}
	return &Found{Hits: hits, roots: x.imagesRoots(spec.ImagesRoot)}, nil
}

// without returns the first k hits that are not an item.
func without(item index.ID, hits []index.Hit, k int) []index.Hit {
	others := hits[:0]
	for _, hit := range hits {
		if hit.ID != item {
			others = append(others, hit)
		}
	}
	return others[:min(k, len(others))]
}

// queryVector returns the vector to search for.
func (a *App) queryVector(ctx context.Context, x *Index, spec SearchSpec, watch progress.Func) ([]float32, error) {
	switch {
	case spec.Image != "":
		return a.imageVector(ctx, x, spec, watch)
	case spec.Scan != "":
		return a.scanVector(ctx, x, spec, watch)
	case spec.Vector != "":
		return fileVector(x, spec)
	case spec.Item != nil:
		return itemVector(ctx, x, *spec.Item)
	}
	return nil, errors.New("wanted an image, a scan, a vector or an item to search for, found none")
}

func (a *App) imageVector(ctx context.Context, x *Index, spec SearchSpec, watch progress.Func) (_ []float32, err error) {
	file, err := os.Open(spec.Image)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	m, err := a.imageEncoderOf(ctx, x, modelSpec{spec.Model, spec.AssumeModel}, watch)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, m)
	vector, err := m.Embed(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", spec.Image, err)
	}
	return vector, nil
}

func (a *App) scanVector(ctx context.Context, x *Index, spec SearchSpec, watch progress.Func) (_ []float32, err error) {
	if spec.Decoder == "" {
		return nil, errors.New("a search by scan needs --decoder")
	}
	scans, err := dataset.Recording{Path: spec.Scan, Mask: spec.Mask, Labels: spec.Labels}.Open()
	if err != nil {
		return nil, err
	}
	defer scans.Close()
	repeats, err := scans.Rows(spec.Rows)
	if err != nil {
		return nil, err
	}
	d, err := a.decoderOf(ctx, x, spec.Decoder, spec.AssumeModel, watch)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, d)
	compared, err := d.CheckVoxels(scans)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", spec.Scan, err)
	}
	for _, warning := range scans.Warnings {
		a.opts.Logger.Warn(warning)
	}
	a.opts.Logger.Info(fmt.Sprintf("%s, %d averaged; %s", scans, len(repeats), compared))
	vector, err := d.Query(ctx, repeats)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", spec.Scan, err)
	}
	return vector, nil
}

func fileVector(x *Index, spec SearchSpec) ([]float32, error) {
	rows, err := dataset.Rows(spec.Vector, "", spec.Rows)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 {
		return nil, fmt.Errorf("--row names %d rows, a search by vector takes one", len(rows))
	}
	if len(rows[0]) != x.Info.Dim {
		return nil, fmt.Errorf("%s: the vector has %d elements, the index %d: %w", spec.Vector, len(rows[0]), x.Info.Dim, index.ErrDimension)
	}
	return rows[0], nil
}

func itemVector(ctx context.Context, x *Index, id index.ID) ([]float32, error) {
	items, err := x.Get(ctx, []index.ID{id})
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("the index has no item %d", id)
	}
	return items[0].Vector, nil
}
