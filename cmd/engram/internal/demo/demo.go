package demo

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	"engram/embed/bundle"
	"engram/embed/dataset"
	"engram/embed/ort"
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
		Voxels: 4000, Repeats: 3, Epochs: 30, Pixels: 256, Pictures: 8,
	}
	large := small
	large.Name, large.Gallery, large.Seen = "large", 10000, 9000
	return []Scale{small, large}
}

// Options say what to show.
type Options struct {
	Dir   string // absolute path of the folder for everything, made where it is missing
	Seed  uint64 // of the scenes, the subject, the noise and the training
	Scale Scale
	// MindEye is a folder for the scans in MindEye's layout; "": none.
	MindEye string
	Host
}

// Host is what the demo is given to work with.
type Host struct {
	Bundle  *bundle.Bundle  // the embedding
	Encoder dataset.Encoder // its image model
	Runtime *ort.Runtime
	Session ort.SessionOptions // of decoders
	// Autoencoder and Denoiser make pictures of the embedding's tokens. Both are
	// nil where there are none, and nothing is reconstructed.
	Autoencoder, Denoiser *bundle.Bundle
	// Index brings the index in the folder out in line with a folder of images.
	Index func(ctx context.Context, images, out string) error
	// Progress begins to show a step such as "drawing", counted in a unit such as
	// "scenes". One goroutine at a time calls set.
	Progress func(what, unit string) (set func(done, total int64), finish func())
	Log      *slog.Logger
}

// Embedding names the bundle.
func (h *Host) Embedding() string { return h.Bundle.Name + " " + h.Bundle.Version }

// Result is where the results of the demo lie.
type Result struct {
	Report Report
	Index  string // folder of the index
	// Decoder is the folder of the compact decoder.
	Decoder string
	// Trials are the scans of test scenes and zebras.
	Trials []Trial
}

// demo is a run under way.
type demo struct {
	Options
	cast   cast
	stages []Done
	kept   map[string]bool // the folders of this run's stages
}

// Run brings all stages about and returns their results. It writes the report
// to demo.json. A cancelled run returns the context's error; another one goes on
// from there. The same options give the same scores on one machine.
func Run(ctx context.Context, opts Options) (*Result, error) {
	d := &demo{Options: opts, cast: newCast(opts), kept: map[string]bool{}}
	var made folders
	for _, step := range []struct {
		dir   *string
		stage func() stage
	}{
		{&made.scenes, func() stage { return d.drawing() }},
		{&made.index, func() stage { return d.indexing(made) }},
		{&made.targets, func() stage { return d.embedding(made) }},
		{&made.scans, func() stage { return d.scanning() }},
		{&made.decoders, func() stage { return d.training(made) }},
		{&made.scores, func() stage { return d.scoring(made) }},
		{&made.pictures, func() stage { return d.picturing(made) }},
	} {
		if step.dir == &made.pictures && d.Denoiser == nil {
			continue
		}
		var err error
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
	}
	if err := readJSON(filepath.Join(made.scores, scoresFile), &result.Report.Scores); err != nil {
		return nil, err
	}
	if made.pictures != "" {
		if err := readJSON(filepath.Join(made.pictures, picturesFile), &result.Report.Pictures); err != nil {
			return nil, err
		}
	}
	if err := writeJSON(filepath.Join(d.Dir, "demo.json"), result.Report); err != nil {
		return nil, err
	}
	if err := d.sweep(); err != nil {
		return nil, err
	}
	scans, err := d.readScans(made.scans)
	if err != nil {
		return nil, err
	}
	result.Trials = d.storedTrials(scans)
	return result, nil
}

// folders are those of the stages.
type folders struct{ scenes, index, targets, scans, decoders, scores, pictures string }

// counter returns a function that shows one more unit done of total, to be
// called from any goroutine, and one for the end.
func (d *demo) counter(what, unit string, total int) (step, finish func()) {
	set, finish := d.Progress(what, unit)
	set(0, int64(total))
	var mu sync.Mutex
	done := int64(0)
	return func() {
		mu.Lock()
		defer mu.Unlock()
		done++
		set(min(done, int64(total)), int64(total)) // some are looked at twice
	}, finish
}

// count writes a number of things as people read it.
func count(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", count(n/1000), n%1000)
}
