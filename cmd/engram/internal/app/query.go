package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"engram/data/progress"
	"engram/embed"
	"engram/embed/dataset"
	"engram/embed/model"
	"engram/index"
)

// querier turns the parts of a query into a vector of an index's space. It opens
// a model with the first part that needs it. The caller closes it.
type querier struct {
	app   *App
	index *Index
	spec  SearchSpec
	watch progress.Func
	notes []string // for the user
	// explanation is of the search of the index, nil where it is not asked for.
	explanation *index.Explanation

	model  *model.Model // of texts and images
	image  *ImageEncoder
	text   *TextEncoder
	opened []io.Closer
}

// Close closes the models.
func (q *querier) Close() error {
	var faults []error
	for _, opened := range slices.Backward(q.opened) {
		faults = append(faults, opened.Close())
	}
	return errors.Join(faults...)
}

// vector returns the vector to search for.
func (q *querier) vector(ctx context.Context) ([]float32, error) {
	if len(q.spec.Parts) == 0 {
		return nil, errors.New("wanted a text, an image, a vector, a scan or an item to search for, found none")
	}
	parts := make([]embed.Weighted, 0, len(q.spec.Parts))
	for _, p := range q.spec.Parts {
		if err := embed.CheckWeight(p.Weight); err != nil {
			return nil, err
		}
		vector, err := q.partVector(ctx, p)
		if err != nil {
			return nil, err
		}
		parts = append(parts, embed.Weighted{Vector: vector, Weight: p.Weight})
	}
	return embed.Combine(parts)
}

// partVector returns the vector of one part.
func (q *querier) partVector(ctx context.Context, p Part) ([]float32, error) {
	switch p.Kind {
	case PartText:
		return q.textVector(ctx, p.Value)
	case PartImage:
		return q.imageVector(ctx, p.Value)
	case PartScan:
		return q.scanVector(ctx, p)
	case PartVector:
		return q.fileVector(p)
	case PartItem:
		return q.itemVector(ctx, p.Item)
	}
	return nil, fmt.Errorf("a part of a query is of kind %q, wanted text, image, vector, scan or item", p.Kind)
}

// openModel opens the model of texts and images.
func (q *querier) openModel(ctx context.Context) (err error) {
	if q.model == nil {
		q.model, err = q.app.modelOf(ctx, q.index, modelSpec{q.spec.Model, q.spec.AssumeModel}, q.watch)
	}
	return err
}

func (q *querier) textVector(ctx context.Context, text string) ([]float32, error) {
	if err := embed.CheckText(text); err != nil {
		return nil, err
	}
	if err := q.openModel(ctx); err != nil {
		return nil, err
	}
	if q.text == nil {
		m, err := q.app.OpenTextEncoder(ctx, q.model, q.watch)
		if err != nil {
			return nil, err
		}
		q.text, q.opened = m, append(q.opened, m)
	}
	vector, cut, err := q.text.Embed(ctx, text)
	if cut {
		q.notes = append(q.notes, fmt.Sprintf("the text %.40q is longer than the model reads and was cut", text))
	}
	return vector, err
}

func (q *querier) imageVector(ctx context.Context, path string) (_ []float32, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := q.openModel(ctx); err != nil {
		return nil, err
	}
	if q.image == nil {
		m, err := q.app.OpenImageEncoder(ctx, q.model, q.watch)
		if err != nil {
			return nil, err
		}
		q.image, q.opened = m, append(q.opened, m)
	}
	vector, err := q.image.Embed(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return vector, nil
}

func (q *querier) fileVector(p Part) ([]float32, error) {
	rows, err := dataset.Rows(p.Value, "", p.Rows)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 {
		return nil, fmt.Errorf("--row names %d rows, a search by vector takes one", len(rows))
	}
	if dim := q.index.Info.Dim; len(rows[0]) != dim {
		return nil, fmt.Errorf("%s: the vector has %d elements, the index %d: %w", p.Value, len(rows[0]), dim, index.ErrDimension)
	}
	if embed.Norm(rows[0]) == 0 {
		return nil, fmt.Errorf("%s: %w", p.Value, embed.ErrZero)
	}
	return rows[0], nil
}

func (q *querier) itemVector(ctx context.Context, id index.ID) ([]float32, error) {
	items, err := q.index.Get(ctx, []index.ID{id})
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("the index has no item %d", id)
	}
	return items[0].Vector, nil
}
