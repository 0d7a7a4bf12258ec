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
	"engram/embed/hub/catalogue"
	"engram/embed/hub/layout"
	"engram/embed/model"
	"engram/embed/ort"
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
	made, err := model.Write(s.dir, manifest)
	if err != nil {
		return useless(err)
	}
	if err := a.tryOut(ctx, rt, made); err != nil {
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

// tryOut runs a model of images that was just made, so that a graph that cannot run is
// found before an index needs it, and keeps the vectors as the model's canary. A model
// that brings a canary from elsewhere is compared with it.
func (a *App) tryOut(ctx context.Context, rt *ort.Runtime, m *model.Model) error {
	if m.Kind != model.CLIP && m.Kind != model.Features {
		return nil
	}
	here, err := clip.MakeCanary(ctx, rt, m, clip.Options{Device: a.opts.Device})
	if err != nil {
		return err
	}
	there, err := m.Canary()
	if err != nil {
		return err
	}
	if there == nil {
		return model.WriteCanary(m.Dir(), *here)
	}
	image, text, ok := clip.Drift(there, here)
	if !ok || min(image, text) < sameVectors && m.Precision != string(catalogue.INT8) {
		return fmt.Errorf("%s: the vectors have cosine %.4f (images) and %.4f (texts) to the ones that the model gave when it was made: %w", m.Dir(), image, text, clip.ErrCanary)
	}
	return nil
}

// sameVectors is the least cosine at which indexes of other machines fit a model, as
// package clip has it.
const sameVectors = .99

// drift tells how far an installed model of int8 is from its fp32 form.
func (a *App) drift(m *model.Model) error {
	if m.Precision != string(catalogue.INT8) {
		return nil
	}
	mine, err := m.Canary()
	if err != nil || mine == nil {
		return err
	}
	installed, err := a.InstalledModels()
	if err != nil {
		return err
	}
	for _, other := range installed {
		if other.Partial || other.Manifest.Source != m.Source || other.Manifest.Precision != "" {
			continue
		}
		exact, err := a.openFolder(other.Dir)
		if err != nil {
			return err
		}
		theirs, err := exact.Canary()
		if err != nil {
			return err
		}
		if theirs == nil {
			continue
		}
		if image, text, ok := clip.Drift(theirs, mine); ok {
			a.notify("warning: int8 weights: the least cosine to the vectors of %s is %.4f for images and %.4f for texts (3 of each, on this machine)", other.Name, image, text)
			return nil
		}
	}
	a.notify("warning: int8 weights give other vectors than fp32, and not the same ones on every processor; where the fp32 model is installed too, the difference is measured")
	return nil
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
// their paths in that folder, and the folder by its manifest, because nobody can look
// into it afterwards.
type inside struct {
	error
	dir string
}

func (e inside) Error() string {
	text := strings.ReplaceAll(e.error.Error(), e.dir+string(filepath.Separator), "")
	return strings.ReplaceAll(text, e.dir, model.FileName)
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
	return err
}

// about adds what an error is about, where its text does not say so.
func about(what string, err error) error {
	if strings.Contains(err.Error(), what) {
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}
