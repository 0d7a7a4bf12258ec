package demo

import (
	"context"
	"fmt"
	"path/filepath"

	"engram/cmd/engram/internal/app"
	"engram/data/npy"
	"engram/data/progress"
	"engram/data/scenes"
	"engram/embed/dataset"
	"engram/index"
)

// set is a part of the gallery: a folder of pictures.
type set struct {
	name   string
	scenes []scenes.Scene
}

// cast are all scenes. Training scenes and the others never mean the same, see
// scenes.Split.
type cast struct{ train, test, zebras set }

func newCast(o Options) cast {
	world := scenes.New(o.Seed)
	draw := func(name string, split scenes.Split, n int) set {
		s := set{name: name}
		for i := range n {
			s.scenes = append(s.scenes, world.Scene(split, uint64(i)))
		}
		return s
	}
	return cast{
		train:  draw("train", scenes.Train, o.Scale.Gallery),
		test:   draw("test", scenes.Test, o.Scale.Test),
		zebras: set{name: "zebras", scenes: scenes.Zebras(o.Seed)[:o.Scale.Zebras]},
	}
}

func (c *cast) sets() []set { return []set{c.train, c.test, c.zebras} }

// path returns the path of picture i in the folder of all pictures.
func (s *set) path(i int) string { return fmt.Sprintf("%s/%012d.png", s.name, i+1) }

// trial returns the name of the scans of scene i.
func (s *set) trial(i int) string { return fmt.Sprintf("%s-%03d", s.name, i+1) }

// drawing is the stage of the pictures.
func (d *demo) drawing() stage {
	return stage{name: "scenes", version: 1, inputs: []any{
		d.Seed, d.Scale.Gallery, d.Scale.Test, d.Scale.Zebras, d.Scale.Pixels,
	}, build: func(ctx context.Context, dir string) error {
		step := d.counter("drawing scenes", d.Scale.Gallery+d.Scale.Test+d.Scale.Zebras)
		for _, s := range d.cast.sets() {
			folder := scenes.Folder{Dir: dir, Name: s.name, Size: d.Scale.Pixels, Progress: step}
			if err := scenes.WriteFolder(ctx, folder, s.scenes); err != nil {
				return err
			}
		}
		return nil
	}}
}

// indexing is the stage of the index.
func (d *demo) indexing(from folders) stage {
	return stage{name: "index", version: 2, inputs: []any{
		filepath.Base(from.scenes), d.model.Fingerprint(),
	}, build: func(ctx context.Context, dir string) error {
		spec := app.BuildSpec{Source: app.SourceSpec{Place: from.scenes}, Model: app.ScenesCLIP, Out: filepath.Join(dir, "index"), Tokens: string(index.TokensFloat16)}
		_, err := d.app.Build(ctx, spec, d.watch)
		return err
	}}
}

// embedding is the stage of the tokens, which decoders are trained on and
// scored by: a file [scenes, T, D] for each set.
func (d *demo) embeddingTokens(from folders) stage {
	return stage{name: "targets", version: 1, inputs: []any{
		filepath.Base(from.scenes), d.model.Fingerprint(),
	}, build: func(ctx context.Context, dir string) error {
		total := int64(d.Scale.Gallery + d.Scale.Test + d.Scale.Zebras)
		embedded := d.watch.Stage("embedding scenes", "scenes", total)
		before := int64(0)
		for _, s := range d.cast.sets() {
			stimuli, err := dataset.OpenStimuli(filepath.Join(from.scenes, s.name))
			if err != nil {
				return err
			}
			tokens, err := stimuli.Embed(ctx, d.encoder, func(r progress.Report) { embedded(before+r.Done, total) })
			if err != nil {
				return err
			}
			before += int64(tokens.Rows)
			shape := []int{tokens.Rows, d.model.T, d.model.D}
			if err := npy.WriteFile(filepath.Join(dir, s.name+".npy"), shape, tokens.Data); err != nil {
				return err
			}
		}
		return nil
	}}
}
