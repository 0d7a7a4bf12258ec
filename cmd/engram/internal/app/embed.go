package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"engram/data/laion"
	"engram/data/progress"
	"engram/index/embedfiles"
)

// EmbedSpec says what to embed with which model into which folder.
type EmbedSpec struct {
	Source  SourceSpec
	Model   string // "": Pixels
	Out     string // new or made by an earlier run
	Text    bool   // embed the first caption of each row by the model's text graph, not its image
	Float32 bool   // write float32 rather than float16
	Rows    int    // of a pair of files, at least; 0: 1,000,000
	Batch   int    // images or captions in one run of the model; 0: what suits the device
}

// Embed writes the vectors of a source's images or captions in the layout of
// LAION. The report is not nil where what it counts is in the folder, also beside
// an error.
func (a *App) Embed(ctx context.Context, spec EmbedSpec, watch progress.Func) (report *embedfiles.Report, err error) {
	sources, err := spec.Source.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if report != nil {
			report.Sources = summaries(sources)
		}
	}()
	job := embedfiles.Job{
		Settings: embedfiles.Settings{Set: laion.Image, Float32: spec.Float32},
		Root:     cmp.Or(sources[0].origin.Root, sources[0].origin.Source),
		Dir:      spec.Out, Rows: spec.Rows, Batch: spec.Batch, Progress: watch,
	}
	job.Shards = sources[0].shards
	if spec.Model == "" {
		spec.Model = Pixels
	}
	b, err := a.OpenModel(ctx, spec.Model, watch)
	if err != nil {
		return nil, err
	}
	job.Dim, job.Space = b.D, SpaceOf(b)
	if spec.Text {
		if err := needText(b); err != nil {
			return nil, err
		}
		var m *TextEncoder
		if m, err = a.OpenTextEncoder(ctx, b, watch); err != nil {
			return nil, err
		}
		defer closeInto(&err, m)
		job.Set, job.Encoder = laion.Text, captionEncoder{m}
		return runEmbed(ctx, spec.Source.Place, job)
	}
	how := a.bulk(spec.Batch)
	m, err := a.openImageEncoder(ctx, b, how, watch)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, m)
	job.Encoder, job.Batch, job.Encoders = pictureEncoder{m}, how.Batch, how.Concurrency
	return runEmbed(ctx, spec.Source.Place, job)
}

// runEmbed runs a job. That it embeds nothing is an error.
func runEmbed(ctx context.Context, place string, job embedfiles.Job) (*embedfiles.Report, error) {
	report, err := job.Run(ctx)
	if err != nil && !errors.Is(err, context.Canceled) {
		return nil, err
	}
	if err == nil && report.Rows == 0 {
		err = fmt.Errorf("%s has nothing to embed", place)
		if len(report.Bad) > 0 {
			err = fmt.Errorf("none of the %d rows of %s could be embedded; %s: %s", report.Unusable, place, report.Bad[0].Name, report.Bad[0].Reason)
		}
	}
	return report, err
}
