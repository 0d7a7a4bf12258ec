package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"engram/data/progress"
	"engram/embed/bundle"
	"engram/index"
	"engram/index/embedfiles"
	"engram/index/ingest"
	"engram/index/open"
	"engram/index/source"
)

// SourceSpec says what to read, and how.
type SourceSpec struct {
	Place string // a folder, a file, a pattern or scenes, as source.Open takes it
	source.Options
}

// open opens the source, which tells findings what it meets beside its rows.
func (s SourceSpec) open(findings *source.Findings) (source.Source, error) {
	s.Findings = findings
	return source.Open(s.Place, s.Options)
}

// BuildSpec says what to index with which model into which index.
type BuildSpec struct {
	Source SourceSpec
	// Bundle is the model of images, "" for Pixels. Of embeddings it is the model
	// that made them, "" where nobody says which.
	Bundle      string
	Out         string // folder or collection, new or made by an earlier build
	Collection  open.Collection
	Part        ingest.Part  // of the shards; the zero Part is all
	Where       index.Filter // keep only rows whose payload it chooses; nil: all
	Prune       bool         // delete the items of shards and folders that are gone
	RetryFailed bool         // try again what could not be read before
	Batch       int          // images in one run of the model; 0: 16
}

// Build brings an index in line with a source. The report is not nil where what
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
		report.Sources = in.summaries()
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return nil, err // what the report counts may not have reached the disk
	}
	if err == nil {
		err = unusable(spec.Source.Place, report)
	}
	return report, err
}

// input is the source of a build and the model for its images.
type input struct {
	source   source.Source
	findings *source.Findings
	shards   []source.Shard
	bundle   *bundle.Bundle // nil for embeddings whose model nobody names
	model    *Model         // nil for embeddings
	dim      int
}

// summaries returns what the source met beside its rows.
func (in *input) summaries() []source.Summary { return []source.Summary{in.findings.Summary()} }

// openInput opens the source of a build, and the model where it has images.
func (a *App) openInput(ctx context.Context, spec BuildSpec, watch progress.Func) (*input, error) {
	in := input{findings: &source.Findings{}}
	var err error
	if in.source, err = spec.Source.open(in.findings); err != nil {
		return nil, err
	}
	if in.shards, err = in.source.Shards(ctx); err != nil {
		return nil, err
	}
	if len(in.shards) == 0 {
		return nil, empty(spec.Source.Place, in.findings.Summary())
	}
	if in.dim, err = dimOf(ctx, spec.Source.Place, in.shards); err != nil {
		return nil, err
	}
	if in.dim > 0 {
		in.bundle, err = a.bundleOfEmbeddings(spec, in.dim)
		return &in, err
	}
	if spec.Bundle == "" {
		spec.Bundle = Pixels
	}
	if in.bundle, err = a.OpenBundle(spec.Bundle); err != nil {
		return nil, err
	}
	in.model, err = a.OpenModel(ctx, in.bundle, watch)
	in.dim = in.bundle.D
	return &in, err
}

// empty is the error of a place without rows, which says what it has instead.
func empty(place string, found source.Summary) error {
	text := fmt.Sprintf("%s has no images (jpg, png, webp, gif, bmp, tiff)", place)
	for _, line := range found.Lines() {
		text += "; " + line
	}
	return errors.New(text)
}

// bundleOfEmbeddings opens the bundle of embeddings of dim elements, nil where
// none is named.
func (a *App) bundleOfEmbeddings(spec BuildSpec, dim int) (*bundle.Bundle, error) {
	if spec.Bundle == "" {
		return nil, nil
	}
	b, err := a.OpenBundle(spec.Bundle)
	if err == nil && b.D != dim {
		err = fmt.Errorf("the embeddings of %s have %d elements, those of bundle %s %d", spec.Source.Place, dim, Label(b), b.D)
	}
	return b, err
}

// describe returns what an index of the input is, and its origin.
func (in *input) describe() (index.Info, source.Origin, error) {
	info, origin := index.Info{Dim: in.dim}, in.source.Origin()
	var made embedfiles.Made // of files that embed has not made, the zero Made
	if origin.Kind == source.Embeddings {
		if found, err := embedfiles.ReadMade(origin.Source); err == nil && found.Dim == in.dim {
			made, origin.Root = found, found.Root
		}
	}
	if in.bundle == nil {
		info.Space = made.Space
		return info, origin, nil
	}
	info.Space = SpaceOf(in.bundle)
	if made.Space.Known() && !made.Space.Same(info.Space) {
		return info, origin, fmt.Errorf("the embeddings of %s were made with bundle %s, --bundle is %s: %w", origin.Source, made.Space, info.Space, index.ErrBundle)
	}
	var err error
	origin.Bundle, err = filepath.Abs(in.bundle.Dir())
	return info, origin, err
}

// job returns the job of a build but for its target.
func (in *input) job(spec BuildSpec) ingest.Job {
	job := ingest.Job{
		Shards: in.shards, Part: spec.Part, Where: spec.Where, Prune: spec.Prune, Retry: spec.RetryFailed, Batch: spec.Batch,
	}
	if in.model != nil {
		job.Encoder = imageEncoder{in.model}
	}
	return job
}

// Close closes the model.
func (in *input) Close() error {
	if in.model == nil {
		return nil
	}
	return in.model.Close()
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
