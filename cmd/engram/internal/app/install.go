package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"engram/data/progress"
	"engram/embed/clip"
	"engram/embed/hub"
	"engram/embed/hub/layout"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/embed/pixels"
)

// finish tries a model out where it was made, and gives it its place.
func (a *App) finish(ctx context.Context, s *staging, manifest model.Manifest, watch progress.Func) (err error) {
	rt, err := a.Runtime(ctx, watch)
	if err != nil {
		return err
	}
	defer closeInto(&err, rt)
	if manifest.D == 0 && manifest.Graphs["image"].File != "" {
		if manifest.D, err = learnDim(ctx, rt, s.dir, manifest); err != nil {
			return useless(err)
		}
	}
	made, err := s.write(manifest)
	if err != nil {
		return useless(err)
	}
	if err := tryOutModel(ctx, rt, made); err != nil {
		return useless(err)
	}
	return s.install(made)
}

// learnDim runs an image graph that does not say how long its vectors are.
func learnDim(ctx context.Context, rt *ort.Runtime, dir string, m model.Manifest) (int, error) {
	graph := m.Graphs["image"]
	session, err := rt.OpenFile(filepath.Join(dir, filepath.FromSlash(graph.File)), ort.SessionOptions{})
	if err != nil {
		return 0, err
	}
	defer session.Close()
	output := graph.Outputs["embedding"]
	shape, err := runOnce(ctx, session, imageTensors{graph.Inputs["pixels"], output, m.ImageSize})
	if err == nil && len(shape) != 2 {
		err = fmt.Errorf("%s: output %s has shape %v for one image, wanted [1 D]", graph.File, output, shape)
	}
	if err != nil {
		return 0, err
	}
	return int(shape[1]), nil
}

// tryOutModel embeds an image and a text with a model that was just made, so that a graph that
// cannot run is found before an index needs it.
func tryOutModel(ctx context.Context, rt *ort.Runtime, m *model.Model) error {
	if _, ok := m.Graphs["image"]; !ok {
		return nil
	}
	image, err := clip.Open(rt, m, clip.Options{})
	if err != nil {
		return err
	}
	defer image.Close()
	if _, err := image.Encode(ctx, []*pixels.Image{testImage()}); err != nil {
		return err
	}
	if _, ok := m.Graphs["text"]; !ok {
		return nil
	}
	text, err := clip.OpenText(rt, m, clip.Options{})
	if err != nil {
		return err
	}
	defer text.Close()
	_, err = text.Encode(ctx, []string{"a photo"})
	return err
}

// testImage has all grey levels.
func testImage() *pixels.Image {
	img := &pixels.Image{W: 256, H: 256, Pix: make([]byte, 3*256*256)}
	for i := range img.Pix {
		img.Pix[i] = byte(i / 3)
	}
	return img
}

// useless marks an error as one that another download does not mend, unless the user
// interrupted the work.
func useless(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return fmt.Errorf("%w: %w", errUseless, err)
}

// inside is an error of the folder in which a model is made. Its text names files by
// their paths in that folder, which nobody can look into afterwards.
type inside struct {
	error
	dir string
}

func (e inside) Error() string {
	return strings.ReplaceAll(e.error.Error(), e.dir+string(filepath.Separator), "")
}

func (e inside) Unwrap() error { return e.error }

// errUseless reports files that arrived as they are published and make no model that
// runs here.
var errUseless = errors.New("this model cannot be used")

// keepOrDiscard removes what a failed installation leaves where another try would find
// it as useless. What an interrupted download brought is kept for the next try.
func (s *staging) keepOrDiscard(err error) error {
	if slices.ContainsFunc([]error{errUseless, layout.ErrLayout, layout.ErrOperator, hub.ErrPointer, layout.ErrNoONNX, layout.ErrPrecision}, func(e error) bool { return errors.Is(err, e) }) {
		return inside{errors.Join(err, s.discard()), s.dir}
	}
	s.removeIfEmpty()
	return err
}
