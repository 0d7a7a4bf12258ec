package demo

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"engram/cmd/engram/internal/app"
	"engram/data/progress"
	"engram/embed/model"
)

// Scale says how much there is of everything.
type Scale struct {
	Name    string `json:"name"`
	Gallery int    `json:"gallery"` // scenes to search among, beside test scenes and zebras
	Seen    int    `json:"seen"`    // of those, how many the subject sees for training
	Test    int    `json:"test"`    // scenes that decoders are scored on
	Zebras  int    `json:"zebras"`  // of the zebra set, at most 60
	Voxels  int    `json:"voxels"`
	Repeats int    `json:"repeats"` // of every scene seen
	Epochs  int    `json:"epochs"`  // of training
	Pixels  int    `json:"pixels"`  // side of a picture
	// Pictures are how many scans of test scenes are reconstructed, at most Test,
	// and half as many of zebras.
	Pictures int `json:"pictures"`
}

// Scales returns the scales that there are, the smallest first.
func Scales() []Scale {
	small := Scale{
		Name: "small", Gallery: 5000, Seen: 5000, Test: 300, Zebras: 60,
		Voxels: 6000, Repeats: 3, Epochs: 30, Pixels: 256, Pictures: 8,
	}
	large := small
	large.Name, large.Gallery, large.Seen = "large", 10000, 9000
	return []Scale{small, large}
}

// Options say what to show.
type Options struct {
	Dir   string // absolute path of the folder for everything (see Claim)
	Seed  uint64 // of the scenes, the subject, the noise and the training
	Scale Scale
	// MindEye is a folder for the scans in MindEye's layout; "": none.
	MindEye string
	// Subjects is how many subjects MindEye's folder has; less than 2: the one of the demo.
	Subjects int
}

// Result says where the results of the demo lie.
type Result struct {
	Report Report
	Index  string // folder of the index
	// Decoder is the folder of the decoder that is served.
	Decoder string
	Scans   string // folder of the scans
	// Trials are the scans of test scenes and zebras.
	Trials []Trial
}

// demo is a run under way.
type demo struct {
	Options
	app      *app.App
	watch    progress.Func
	model    *model.Model      // the embedding
	encoder  *app.ImageEncoder // its image model
	painters []*model.Model    // the models that make pictures of the embedding's tokens
	cast     cast
	stages   []Done
	kept     map[string]bool // the folders of this run's stages
}

// Run brings all stages about and returns their results. It writes the report
// to demo.json. A cancelled run returns the context's error; another one goes on
// from there. The same options give the same scores on one machine.
func Run(ctx context.Context, a *app.App, opts Options, watch progress.Func) (_ *Result, err error) {
	d := newDemo(a, opts, watch)
	if err := d.openPainters(ctx); err != nil {
		return nil, err
	}
	if err := d.openEmbedding(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.encoder.Close()) }()
	var made folders
	for _, step := range append(d.measuring(&made), step{&made.pictures, func() stage { return d.picturing(made) }}) {
		if *step.dir, err = d.run(ctx, step.stage()); err != nil {
			return nil, err
		}
	}
	if d.MindEye != "" {
		if err := d.exportMindEye(ctx, made); err != nil {
			return nil, err
		}
	}
	result := &Result{
		Report:  d.newReport(),
		Index:   filepath.Join(made.index, "index"),
		Decoder: filepath.Join(made.decoders, decoders[0].preset),
		Scans:   made.scans,
	}
	if err := result.Report.readMeasured(made); err != nil {
		return nil, err
	}
	if err := readJSON(filepath.Join(made.pictures, picturesFile), &result.Report.Pictures); err != nil {
		return nil, err
	}
	if err := writeJSON(filepath.Join(d.Dir, "demo.json"), result.Report); err != nil {
		return nil, err
	}
	if err := sweep(d.Dir, func(folder string) bool { return d.kept[folder] }); err != nil {
		return nil, err
	}
	scans, err := d.readScans(made.scans, d.cast.test, d.cast.zebras)
	if err != nil {
		return nil, err
	}
	result.Trials = d.storedTrials(scans)
	return result, nil
}

// newDemo returns a run that has not begun.
func newDemo(a *app.App, opts Options, watch progress.Func) *demo {
	return &demo{Options: opts, app: a, watch: watch, kept: map[string]bool{}, cast: newCast(opts)}
}

// folders are the folders of the stages.
type folders struct{ scenes, index, targets, scans, decoders, scores, served, pictures string }

// step is a stage and where its folder is noted for the stages after it.
type step struct {
	dir   *string
	stage func() stage
}

// measuring returns the stages up to the figures, in order.
func (d *demo) measuring(made *folders) []step {
	return []step{
		{&made.scenes, d.drawing},
		{&made.index, func() stage { return d.indexing(*made) }},
		{&made.targets, func() stage { return d.embeddingTokens(*made) }},
		{&made.scans, d.scanning},
		{&made.decoders, func() stage { return d.training(*made) }},
		{&made.scores, func() stage { return d.scoring(*made) }},
		{&made.served, func() stage { return d.serving(*made) }},
	}
}

// openPainters opens the models that make pictures.
func (d *demo) openPainters(ctx context.Context) error {
	for _, name := range []string{app.ScenesAutoencoder, app.ScenesDenoiser} {
		m, err := d.app.OpenModel(ctx, name, d.watch)
		if err != nil {
			return err
		}
		d.painters = append(d.painters, m)
	}
	return nil
}

// openEmbedding opens the model of the embedding.
func (d *demo) openEmbedding(ctx context.Context) (err error) {
	if d.model, err = d.app.OpenModel(ctx, app.ScenesCLIP, d.watch); err != nil {
		return err
	}
	d.encoder, err = d.app.OpenImageEncoder(ctx, d.model, d.watch)
	return err
}

// embedding names the model.
func (d *demo) embedding() string { return app.Label(d.model) }

// counter begins a stage of work on total scenes and returns a function that
// reports one more of them done, to be called from any goroutine.
func (d *demo) counter(what string, total int) (step func()) {
	report := d.watch.Stage(what, "scenes", int64(total))
	var mu sync.Mutex
	done := int64(0)
	return func() {
		mu.Lock()
		defer mu.Unlock()
		done++
		report(min(done, int64(total)), int64(total)) // some are looked at twice
	}
}

// count writes a number of things as people read it.
func count(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", count(n/1000), n%1000)
}
