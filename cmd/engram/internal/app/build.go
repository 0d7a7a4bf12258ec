package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"engram/data/progress"
	"engram/index"
	"engram/index/ingest"
	"engram/index/open"
	"engram/index/source"
)

// BuildSpec says what to index with which model into which index.
type BuildSpec struct {
	Source SourceSpec
	// Model is the model of images; "" means the one of the index that is there, else
	// Pixels. Of embeddings it is the model
	// that made them, "" where nobody says which.
	Model       string
	Out         string // folder or collection, new or made by an earlier build
	Collection  open.Collection
	Part        ingest.Part  // of the shards; the zero Part is all
	Where       index.Filter // keep only rows whose payload it chooses; nil: all
	Prune       bool         // delete the items of shards and folders that are gone
	RetryFailed bool         // try again what could not be read before
	Batch       int          // images in one run of the model; 0: what suits the device
	// Tokens says how the tokens of images are kept beside their vectors: an
	// index.TokenKind, NoTokens, or "" for what the index does that is there.
	Tokens string
}

// NoTokens is the value of BuildSpec.Tokens that keeps none.
const NoTokens = "none"

// tokens returns the format of the tokens that a new index keeps.
func (s *BuildSpec) tokens(in *input) (index.TokenFormat, error) {
	if s.Tokens == "" || s.Tokens == NoTokens {
		return index.TokenFormat{}, nil
	}
	if in.encoder == nil || in.ofVectors {
		return index.TokenFormat{}, fmt.Errorf("--tokens %s: embeddings have no tokens, wanted images: %w", s.Tokens, index.ErrTokens)
	}
	f := index.TokenFormat{Kind: index.TokenKind(s.Tokens), Count: in.model.T, Dim: in.model.D}
	if err := f.Check(); err != nil {
		return f, fmt.Errorf("--tokens: %w", err)
	}
	return f, nil
}

// Build brings an index in line with its sources. One that it does not have yet is
// added. The report is not nil where what
// it counts is in the index, also beside an error.
func (a *App) Build(ctx context.Context, spec BuildSpec, watch progress.Func) (_ *ingest.Report, err error) {
	in, err := a.openInput(ctx, spec, watch)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, in)
	to, err := a.openTarget(ctx, spec, in)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, to)
	job := in.job(spec)
	job.Store, job.Ledger = to.Store, to.ledger
	job.Progress = watch
	report, err := job.Run(ctx)
	if report != nil {
		report.Sources = summaries(in.sources)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return nil, err // what the report counts may not have reached the disk
	}
	if err == nil {
		err = unusable(spec.Source.Place, report)
	}
	if err == nil && spec.Model == "" && in.encoder != nil && in.model.Name == Pixels {
		a.notify("%s", wordsHint())
	}
	return report, err
}

// ofVectors reports whether the rows of a source are vectors, and not images.
func ofVectors(shards []source.Shard) bool {
	return slices.ContainsFunc(shards, func(s source.Shard) bool { return s.Dim != 0 })
}

// dimOf returns the dimension of the vectors of a source, 0 where it has images.
// Where it has vectors and none of them can be read, the error says why not.
func dimOf(ctx context.Context, place string, shards []source.Shard) (int, error) {
	if !ofVectors(shards) {
		return 0, nil
	}
	for _, s := range shards {
		if s.Dim > 0 {
			return s.Dim, nil
		}
	}
	for _, err := range shards[0].Read(ctx, 0) {
		if err != nil {
			return 0, fmt.Errorf("none of the %d shards of %s could be used; %s: %w", len(shards), place, shards[0].Name, err)
		}
	}
	return 0, fmt.Errorf("%s has no vectors", place)
}

// unusable is an error where nothing of a source can be used.
func unusable(place string, r *ingest.Report) error {
	switch {
	case r.Stored+r.Unchanged+r.Excluded > 0:
		return nil
	case r.Unusable > 0 && len(r.Bad) > 0:
		return fmt.Errorf("none of the %d rows of %s could be used; %s: %s", r.Unusable, place, r.Bad[0].Name, r.Bad[0].Reason)
	case r.Damaged > 0 && len(r.PerShard) > 0:
		return fmt.Errorf("none of the %d shards of %s could be used; %s: %s", r.Shards, place, r.PerShard[0].Name, r.PerShard[0].Damaged)
	}
	return nil
}
