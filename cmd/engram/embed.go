package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"engram/cmd/engram/internal/app"
	"engram/data/laion"
	"engram/data/space"
	"engram/embed/bundle"
	"engram/embed/clip"
	"engram/embed/ort"
	"engram/index/embedfiles"
	"engram/index/ingest"
	"engram/index/source"

	"github.com/spf13/cobra"
)

func (a *console) embedCommand() *cobra.Command {
	var f embedFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "embed SOURCE",
		Short: "Embed images or captions into files that any program can load",
		Long: "Embed writes the vectors of a source's images, or of their captions, in the layout of LAION and\n" +
			"clip-retrieval: img_emb/img_emb_N.npy with metadata/metadata_N.parquet, row by row in the order of the\n" +
			"source. Sources are those of index build, which reads such folders, too. A run that was broken off,\n" +
			"whatever by, goes on where it was; a pair of files that is there is whole and is not touched again. What\n" +
			"cannot be embedded is passed over, listed, and kept in bad/.",
		Example: "  engram embed ~/Pictures --out pictures.emb\n" +
			"  engram embed 'laion/{00000..00041}.tar' --bundle clip --out laion.emb\n" +
			"  engram embed coco --bundle clip --text --out captions.emb --json",
		Args: oneArgument("a source"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.source.source = args[0]
			report, err := a.embed(cmd.Context(), f)
			if report == nil {
				return err
			}
			if asJSON {
				return errors.Join(a.printJSON(report), err)
			}
			a.printEmbedded(report)
			return err
		},
	}
	flags := cmd.Flags()
	f.source.addSource(flags)
	flags.StringVar(&f.bundle, "bundle", app.Pixels, "`folder` of the model bundle, or pixels, the built-in one that needs no weights")
	flags.StringVar(&f.out, "out", "", "`folder` of the embeddings, new or made by an earlier run (required)")
	flags.BoolVar(&f.text, "text", false, "embed the first caption of each row, by the bundle's text model, not its image")
	flags.BoolVar(&f.float32, "float32", false, "write float32 rather than float16")
	flags.IntVar(&f.rows, "rows", 1_000_000, "rows of a pair of files, at least: folders and tars are not divided")
	flags.IntVar(&f.batch, "batch", 16, "images or captions in one run of the model")
	flags.BoolVar(&asJSON, "json", false, "print the summary as JSON")
	_ = cmd.MarkFlagRequired("out") // the flag exists
	return cmd
}

// embedFlags say what to embed with which model into which folder.
type embedFlags struct {
	source        buildFlags
	bundle, out   string
	text, float32 bool
	rows, batch   int
}

// embed embeds a source. The report is not nil where what it counts is in the
// folder, also beside an error.
func (a *console) embed(ctx context.Context, f embedFlags) (_ *embedfiles.Report, err error) {
	if f.batch < 1 || f.rows < 1 {
		return nil, fmt.Errorf("--batch and --rows are %d and %d, wanted 1 or more", f.batch, f.rows)
	}
	source, err := f.source.open()
	if err != nil {
		return nil, err
	}
	shards, err := source.Shards(ctx)
	if err != nil {
		return nil, err
	}
	b, err := a.openBundle(f.bundle)
	if err != nil {
		return nil, err
	}
	if f.text {
		m, err := a.openTextModel(ctx, b)
		if err != nil {
			return nil, err
		}
		defer closeInto(&err, m)
		return runEmbed(ctx, a, f, b, shards, captionEncoder{m})
	}
	m, err := a.openModel(ctx, b)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, m)
	return runEmbed(ctx, a, f, b, shards, batchEncoder{m})
}

// runEmbed embeds shards with an open model.
func runEmbed(ctx context.Context, a *console, f embedFlags, b *bundle.Bundle, shards []source.Shard, encoder ingest.Encoder) (*embedfiles.Report, error) {
	display := a.display()
	defer display.finish()
	job := embedfiles.Job{
		Settings: embedfiles.Settings{Set: laion.Image, Dim: b.D, Space: space.Space{Name: app.Label(b), Fingerprint: b.Fingerprint()}, Float32: f.float32},
		Shards:   shards, Encoder: encoder, Dir: f.out, Rows: f.rows, Batch: f.batch,
		Progress: display.report,
	}
	if f.text {
		job.Set = laion.Text
	}
	report, err := job.Run(ctx)
	if err != nil && !errors.Is(err, context.Canceled) {
		return nil, err
	}
	if err == nil && report.Rows == 0 {
		err = fmt.Errorf("%s has nothing to embed", f.source.source)
		if len(report.Bad) > 0 {
			err = fmt.Errorf("none of the %d rows of %s could be embedded; %s: %s", report.Unusable, f.source.source, report.Bad[0].Name, report.Bad[0].Reason)
		}
	}
	return report, err
}

// printEmbedded prints the summary of an embedding.
func (a *console) printEmbedded(r *embedfiles.Report) {
	for _, bad := range r.Bad {
		fmt.Fprintf(a.stderr, "skipped %s: %s\n", bad.Name, bad.Reason)
	}
	fmt.Fprintf(a.stdout, "pairs %d (%d there before), rows %d, bad %d; encoded %d in %.1f s, %.1f rows/s\n",
		r.Pairs, r.Skipped, r.Rows, r.Unusable, r.Encoded, r.Seconds, r.Rate())
}

// textModel is an open text encoder with the library that runs it.
type textModel struct {
	*clip.TextEncoder
	runtime *ort.Runtime
}

// openTextModel opens the text encoder of a bundle.
func (a *console) openTextModel(ctx context.Context, b *bundle.Bundle) (*textModel, error) {
	rt, err := a.loadRuntime(ctx)
	if err != nil {
		return nil, err
	}
	encoder, err := clip.OpenText(rt, b, clip.Options{Device: a.device})
	if err != nil {
		return nil, errors.Join(err, rt.Close())
	}
	return &textModel{encoder, rt}, nil
}

// Close frees the encoder and the library.
func (m *textModel) Close() error { return errors.Join(m.TextEncoder.Close(), m.runtime.Close()) }

// captionEncoder is the text model as package ingest needs it.
type captionEncoder struct{ *textModel }

// textInput is a caption on its way to the model.
type textInput string

// Size implements ingest.Input.
func (t textInput) Size() int { return len(t) }

func (captionEncoder) Decode(text io.Reader) (ingest.Input, error) {
	b, err := io.ReadAll(text)
	return textInput(b), err
}

func (e captionEncoder) Encode(ctx context.Context, inputs []ingest.Input) ([][]float32, error) {
	texts := make([]string, len(inputs))
	for i, input := range inputs {
		texts[i] = string(input.(textInput))
	}
	vectors, err := e.TextEncoder.Encode(ctx, texts)
	return asRows(vectors, err)
}
