package app_test

import (
	"context"
	"fmt"
	"os"

	"engram/cmd/engram/internal/app"
	"engram/data/progress"
	"engram/embed/ort"
)

// The built-in model needs neither weights nor a network.
func Example() {
	cache, err := os.MkdirTemp("", "engram-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(cache)
	a := app.New(app.Options{Library: ort.LibraryOptions{CacheDir: cache}})
	m, err := a.OpenModel(context.Background(), app.Pixels, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(app.Label(m), m.T, m.D)
	// Output: pixels 1 1 1024
}

// job is an operation with its spec, as a queue of jobs runs it: the queue knows
// a function, and neither the App nor what it does.
type job func(context.Context, progress.Func) (any, error)

func newJob[Spec, Result any](do func(context.Context, Spec, progress.Func) (Result, error), spec Spec) job {
	return func(ctx context.Context, watch progress.Func) (any, error) { return do(ctx, spec, watch) }
}

// Operations of an App are jobs of a server: their reports go to a browser and
// their results become JSON.
func ExampleApp() {
	a := app.New(app.Options{})
	jobs := map[string]job{
		"build":       newJob(a.Build, app.BuildSpec{Source: app.SourceSpec{Place: "photos"}, Out: "photos.index"}),
		"train":       newJob(a.Train, app.TrainSpec{Data: app.Dataset{Voxels: "voxels.npy", Stimuli: "stimuli.npy"}, Out: "decoder"}),
		"reconstruct": newJob(a.Reconstruct, app.ReconstructSpec{}),
	}
	_, err := jobs["reconstruct"](context.Background(), func(r progress.Report) { fmt.Println(r.Stage, r.Done, r.Total) })
	fmt.Println(err)
	// Output: wanted tokens of one scan or more, found none
}
