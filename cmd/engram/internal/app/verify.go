package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"engram/data/progress"
	"engram/index"
	"engram/index/source"
	"engram/index/verify"
)

// VerifySpec says which index to check, and how much of it. Of the options,
// Originals, Unknown and Progress are the App's own.
type VerifySpec struct {
	Index string
	Model string // "": where the index remembers it
	verify.Options
}

// Verify checks an index, and compares it with what it was made from as far as
// that is there.
func (a *App) Verify(ctx context.Context, spec VerifySpec, watch progress.Func) (_ *verify.Report, err error) {
	x, err := a.OpenIndex(ctx, spec.Index)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, x)
	opts := spec.Options
	opts.Progress = watch
	o, err := a.openOriginals(ctx, x, spec.Model, watch)
	switch {
	case err != nil && spec.Model != "":
		return nil, err
	case err != nil:
		opts.Unknown = err.Error()
	default:
		defer closeInto(&err, o)
		opts.Originals = o.vectors
	}
	return verify.Verify(ctx, x.Store, opts)
}

// originals are what an index was made from.
type originals struct {
	shards  []source.Shard
	encoder *ImageEncoder // nil where the shards have vectors
}

// openOriginals opens the source of an index, and the model where it has images.
func (a *App) openOriginals(ctx context.Context, x *Index, model string, watch progress.Func) (*originals, error) {
	if x.origins() == "" {
		return nil, errors.New("the index does not say what it was made from")
	}
	o := &originals{}
	var err error
	images := false
	for _, origin := range x.Origins {
		shards, err := origin.Shards(ctx)
		if err != nil {
			return nil, err
		}
		o.shards = append(o.shards, shards...)
		images = images || !ofVectors(shards)
	}
	if !images {
		return o, nil
	}
	o.encoder, err = a.imageEncoderOf(ctx, x, modelSpec{model: model}, watch)
	return o, err
}

// Close frees the model.
func (o *originals) Close() error {
	if o.encoder == nil {
		return nil
	}
	return o.encoder.Close()
}

// vectors makes the vectors of items again.
func (o *originals) vectors(ctx context.Context, items []index.Item) ([]verify.Original, error) {
	made := make([]verify.Original, len(items))
	for found, err := range source.Find(ctx, o.shards, items) {
		if err != nil {
			return nil, err
		}
		switch to := &made[found.Item]; {
		case found.Changed:
		case found.Row.Vector != nil:
			// It is the number of a row alone that joins vector and payload.
			to.Vector, to.Payload = slices.Clone(found.Row.Vector), maps.Clone(found.Row.Payload)
		default:
			to.Vector, to.Err = o.embed(ctx, found.Row)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// embed returns the vector of a row's image.
func (o *originals) embed(ctx context.Context, row source.Row) ([]float32, error) {
	file, err := row.Open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	vector, err := o.encoder.Embed(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", row.Name, err)
	}
	return vector, nil
}
