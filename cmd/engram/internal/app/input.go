package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"engram/data/progress"
	"engram/embed/clip"
	"engram/embed/model"
	"engram/index"
	"engram/index/embedfiles"
	"engram/index/ingest"
	"engram/index/source"
)

// SourceSpec says what to read, and how.
type SourceSpec struct {
	Place string   // a folder, a file, a pattern or scenes, as source.Open takes it
	More  []string // further places, which are read alike
	source.Options
}

// opened is one source of a build.
type opened struct {
	source.Source
	place    string
	findings *source.Findings
	shards   []source.Shard
	origin   source.Origin
	note     string // what a user is told of its place in the index
}

// open opens the sources.
func (s SourceSpec) open(ctx context.Context) ([]*opened, error) {
	var all []*opened
	for _, place := range append([]string{s.Place}, s.More...) {
		o := &opened{place: place, findings: &source.Findings{}}
		opts := s.Options
		opts.Findings = o.findings
		var err error
		if o.Source, err = source.Open(place, opts); err != nil {
			return nil, err
		}
		if o.shards, err = o.Shards(ctx); err != nil {
			return nil, err
		}
		o.origin = o.Origin()
		for _, other := range all {
			if other.origin.String() == o.origin.String() {
				return nil, fmt.Errorf("wanted different sources, found %s twice", o.origin)
			}
		}
		all = append(all, o)
	}
	return all, nil
}

// label gives a source its place among the sources of an index.
func (o *opened) label(label string) {
	o.origin.Label = label
	o.shards = source.Labelled(o.shards, label)
}

// summaries returns what sources met beside their rows.
func summaries(sources []*opened) []source.Summary {
	all := make([]source.Summary, len(sources))
	for i, o := range sources {
		all[i] = o.findings.Summary()
		all[i].Place, all[i].Label, all[i].Note = o.place, o.origin.Label, o.note
	}
	return all
}

// input is the sources of a build and the model for their images.
type input struct {
	sources []*opened
	model   *model.Model  // nil for embeddings whose model nobody names
	encoder *ImageEncoder // nil for embeddings
	how     clip.Options  // the encoder runs
	dim     int
	// ofVectors says that a source has embeddings, which have no tokens.
	ofVectors bool
}

// openInput opens the sources of a build, and the model where they have images.
func (a *App) openInput(ctx context.Context, spec BuildSpec, watch progress.Func) (*input, error) {
	var in input
	var err error
	if in.sources, err = spec.Source.open(ctx); err != nil {
		return nil, err
	}
	withImages := false
	for _, o := range in.sources {
		if len(o.shards) == 0 {
			return nil, noImages(o.place, o.findings.Summary())
		}
		dim, err := dimOf(ctx, o.place, o.shards)
		switch {
		case err != nil:
			return nil, err
		case dim == 0:
			withImages = true
		case in.dim != 0 && in.dim != dim:
			return nil, fmt.Errorf("the vectors of %s have %d elements, other sources %d: %w", o.place, dim, in.dim, index.ErrDimension)
		default:
			in.dim = dim
		}
	}
	if in.ofVectors = in.dim > 0; in.ofVectors {
		if in.model, err = a.modelOfEmbeddings(ctx, spec, in.dim, watch); err != nil || !withImages {
			return &in, err
		}
		if in.model == nil {
			return nil, errors.New("wanted --model with the model that made the embeddings, to embed the images with it, too")
		}
	} else if in.model, err = a.imageModel(ctx, spec, watch); err != nil {
		return nil, err
	}
	in.how = a.bulk(spec.Batch)
	in.encoder, err = a.openImageEncoder(ctx, in.model, in.how, watch)
	in.dim = in.model.D
	return &in, err
}

// imageModel opens the model that a build embeds images with: the one that is named,
// else the one of the index that is brought up to date, else Pixels.
func (a *App) imageModel(ctx context.Context, spec BuildSpec, watch progress.Func) (*model.Model, error) {
	if spec.Model != "" || spec.Out == "" {
		return a.OpenModel(ctx, cmp.Or(spec.Model, Pixels), watch)
	}
	x, err := a.OpenIndex(ctx, spec.Out)
	if err != nil { // there is none yet, or the build says what is wrong with it
		return a.OpenModel(ctx, Pixels, watch)
	}
	defer x.Close()
	m, err := a.modelOf(ctx, x, modelSpec{}, watch)
	if errors.Is(err, errNoModel) {
		return a.OpenModel(ctx, Pixels, watch)
	}
	return m, err
}

// noImages is the error of a place without rows, which says what it has instead.
func noImages(place string, found source.Summary) error {
	text := append([]string{place + " has no images (jpg, png, webp, gif, bmp, tiff, avif)"}, found.Lines()...)
	return errors.New(strings.Join(text, "; "))
}

// modelOfEmbeddings opens the model of embeddings of dim elements, nil where
// none is named.
func (a *App) modelOfEmbeddings(ctx context.Context, spec BuildSpec, dim int, watch progress.Func) (*model.Model, error) {
	if spec.Model == "" {
		return nil, nil
	}
	m, err := a.OpenModel(ctx, spec.Model, watch)
	if err == nil && m.D != dim {
		err = fmt.Errorf("the embeddings of %s have %d elements, those of model %s %d", spec.Source.Place, dim, Label(m), m.D)
	}
	return m, err
}

// info describes an index of the input. Embeddings that engram embed has made say
// what model made them, and where their images are.
func (in *input) info() (index.Info, error) {
	info := index.Info{Dim: in.dim}
	if in.model != nil {
		info.Space = SpaceOf(in.model)
	}
	for _, o := range in.sources {
		if o.origin.Kind != source.Embeddings {
			continue
		}
		made, err := embedfiles.ReadMade(o.origin.Source)
		if err != nil || made.Dim != in.dim {
			continue // of files that embed has not made
		}
		o.origin.Root = made.Root
		if !info.Space.Known() {
			info.Space = made.Space
		}
		if made.Space.Known() && !made.Space.Same(info.Space) {
			if in.model == nil {
				return info, fmt.Errorf("the embeddings of %s were made with model %s, other sources with %s: %w", o.origin.Source, made.Space, info.Space, index.ErrModel)
			}
			return info, fmt.Errorf("the embeddings of %s were made with model %s, --model is %s: %w", o.origin.Source, made.Space, info.Space, index.ErrModel)
		}
	}
	return info, nil
}

// place finds out which sources of an index the input's are, by their origins, and
// labels them. A source that the index does not have yet is a further one. Where
// the folder of one is gone, and its photos are in the input, it has moved: it
// keeps its items and its ledger.
func (in *input) place(ctx context.Context, x *Index) error {
	known := x.Origins
	for _, o := range in.sources {
		if in.model != nil {
			var err error
			if o.origin.Model, err = filepath.Abs(in.model.Dir()); err != nil {
				return err
			}
		}
		label, found, err := o.find(ctx, x)
		if err != nil {
			return err
		}
		if !found {
			label = source.NewLabel(o.origin, known)
		}
		if !found && len(known) > 0 {
			o.note = added(o.origin, known, label)
		}
		if o.label(label); !found {
			known = append(known, o.origin)
		}
	}
	return nil
}

// added says that a source comes into an index of others.
func added(o source.Origin, known []source.Origin, label string) string {
	return fmt.Sprintf("%s is added to the index of %s, as %s", o, known[0], label)
}

// find returns the label of a source in an index.
func (o *opened) find(ctx context.Context, x *Index) (label string, found bool, err error) {
	for _, known := range x.Origins {
		if name := known.String(); name == "" || name == o.origin.String() {
			return known.Label, true, nil
		}
	}
	for _, known := range x.Origins {
		if o.origin.Rivals(known) {
			return "", false, fmt.Errorf("%s is the index of %s, wanted that of %s: choose another --out", x.Name, known, o.origin)
		}
	}
	for _, known := range x.Origins {
		if known.Kind != o.origin.Kind && known.Kind != "" || !known.Gone() || o.origin.Kind == source.Scenes {
			continue
		}
		moved, err := source.CheckMoved(ctx, x.Store, known, o.origin.Base())
		if err != nil {
			return "", false, err
		}
		if moved.Suits() {
			o.note = fmt.Sprintf("what was in %s is in %s now: %d of %d files looked for are there", known, o.origin, moved.Found, moved.Sampled)
			return known.Label, true, nil
		}
	}
	return "", false, nil
}

// job returns the job of a build but for its target.
func (in *input) job(spec BuildSpec) ingest.Job {
	job := ingest.Job{Part: spec.Part, Where: spec.Where, Prune: spec.Prune, Retry: spec.RetryFailed}
	for _, o := range in.sources {
		job.Shards = append(job.Shards, o.shards...)
		job.Labels = append(job.Labels, o.origin.Label)
	}
	if in.encoder != nil {
		job.Encoder, job.Batch, job.Encoders = pictureEncoder{in.encoder}, in.how.Batch, in.how.Concurrency
	}
	return job
}

// Close closes the model.
func (in *input) Close() error {
	if in.encoder == nil {
		return nil
	}
	return in.encoder.Close()
}
