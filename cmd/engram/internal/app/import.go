package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"engram/data/progress"
	"engram/data/vfs"
	"engram/embed/hub/layout"
	"engram/embed/model"
	"engram/embed/ort"
)

// ImportSpec says what becomes a model, and where.
type ImportSpec struct {
	// From is the path of a bare ONNX file, of a folder with a manifest, or of a folder
	// as a repository of the hub publishes it.
	From string
	Text string // folder of the text graph, where it is not From's
	As   string // the name under which the model is installed
	Out  string // the folder of the model, in place of an installed one
	// Manifest is what is known of a bare ONNX file: all but T, D, the names of tensors,
	// and ImageSize where it is 0. Of a folder as it is published, Name, Version,
	// Licence, Source and Precision are used where they are not "".
	Manifest model.Manifest
	// Input and Output are the names of the image input and of the embedding
	// output of a bare ONNX file; "" is the only one.
	Input, Output string
}

// ImportModel makes a model of files on this machine. A bare ONNX file is run once, to
// learn the shape of its output.
func (a *App) ImportModel(ctx context.Context, spec ImportSpec, watch progress.Func) (_ *Details, err error) {
	info, err := os.Stat(spec.From)
	if err != nil && isHub(spec.From) {
		return nil, fmt.Errorf("%s is a repository of the hub and no folder, fetch it with engram model get %s", spec.From, spec.From)
	}
	if err != nil {
		return nil, err
	}
	place, err := a.placeOf(spec)
	if err != nil {
		return nil, err
	}
	s, err := a.stage(ctx, place)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.empty(); err != nil {
		return nil, err
	}
	switch {
	case !info.IsDir():
		err = a.importGraph(ctx, s, spec, watch)
	case isModelFolder(spec.From):
		err = a.importModel(ctx, s, spec.From, watch)
	default:
		err = a.importPublished(ctx, s, spec, watch)
	}
	if err != nil {
		return nil, about(spec.From, inside{errors.Join(err, s.discard()), s.dir})
	}
	m, err := a.openFolder(place)
	if err != nil {
		return nil, err
	}
	if err := a.drift(m); err != nil {
		return nil, err
	}
	return a.details(ctx, m, false, watch)
}

// placeOf returns the folder of the model that will be made, in which there may be one
// to replace.
func (a *App) placeOf(spec ImportSpec) (string, error) {
	if spec.Out != "" {
		out, err := filepath.Abs(spec.Out)
		if err != nil {
			return "", err
		}
		return out, CheckReplaceable(spec.Out, model.Features, model.CLIP)
	}
	if err := checkName(spec.As); err != nil {
		return "", fmt.Errorf("%w (--as says how it is called)", err)
	}
	all, err := a.modelsDir()
	if err != nil {
		return "", err
	}
	place := filepath.Join(all, spec.As)
	if err := (&published{name: spec.As}).checkName(); err != nil {
		return "", err
	}
	if isModelFolder(place) {
		return "", fmt.Errorf("%s is installed already, choose another name with --as, or engram model remove %s", spec.As, spec.As)
	}
	return place, nil
}

// empty removes what an earlier try has left.
func (s *staging) empty() error {
	if err := s.discard(); err != nil {
		return err
	}
	return vfs.MkdirAll(s.dir, 0o755)
}

// importGraph makes a model of one ONNX image encoder.
func (a *App) importGraph(ctx context.Context, s *staging, spec ImportSpec, watch progress.Func) (err error) {
	if err := model.CheckGraph(spec.From); err != nil {
		return err
	}
	rt, err := a.Runtime(ctx, watch)
	if err != nil {
		return err
	}
	defer closeInto(&err, rt)
	if err := spec.inspect(ctx, rt); err != nil {
		return err
	}
	made, err := model.Wrap(s.dir, spec.From, spec.Manifest)
	if err != nil {
		return err
	}
	return a.finish(ctx, s, made.Manifest, watch)
}

// importModel copies a folder that is a model.
func (a *App) importModel(ctx context.Context, s *staging, from string, watch progress.Func) error {
	m, err := model.Open(from)
	if err != nil {
		return err
	}
	for name := range m.Files {
		if err := copyInto(ctx, s.dir, from, name); err != nil {
			return err
		}
	}
	if err := copyInto(ctx, s.dir, from, model.CanaryName); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return a.finish(ctx, s, m.Manifest, watch)
}

// importPublished makes a model of a folder that has the files of a repository of the
// hub, such as a clone.
func (a *App) importPublished(ctx context.Context, s *staging, spec ImportSpec, watch progress.Func) error {
	src, err := layout.Folder(spec.From)
	if err != nil {
		return err
	}
	known := spec.Manifest
	opts := layout.Options{Precision: known.Precision, Repository: filepath.Base(spec.From)}
	if spec.Text != "" {
		if opts.Text, err = layout.Folder(spec.Text); err != nil {
			return err
		}
	}
	plan, err := layout.New(ctx, src, opts)
	if err != nil {
		return err
	}
	images, texts := plan.Fetch, plan.FetchText
	for len(images)+len(texts) > 0 {
		if err := copyAll(ctx, s.dir, spec.From, images); err != nil {
			return err
		}
		if err := copyAll(ctx, filepath.Join(s.dir, layout.TextDir), spec.Text, texts); err != nil {
			return err
		}
		if images, texts, err = plan.External(s.dir); err != nil {
			return err
		}
	}
	from, err := filepath.Abs(spec.From)
	if err != nil {
		return err
	}
	manifest, err := plan.Finish(s.dir, layout.Identity{
		Name: cmp.Or(known.Name, filepath.Base(from)), Version: cmp.Or(known.Version, "1"), Licence: known.Licence,
		Source: cmp.Or(known.Source, filepath.Base(from)),
	})
	if err != nil {
		return err
	}
	for _, note := range plan.Notes {
		a.notify("%s", note)
	}
	return a.finish(ctx, s, manifest, watch)
}

// copyAll copies files from one folder into another at their paths.
func copyAll(ctx context.Context, to, from string, names []string) error {
	for _, name := range names {
		if err := copyInto(ctx, to, from, name); err != nil {
			return err
		}
	}
	return nil
}

// copyInto copies a file from one folder into another at its path.
func copyInto(ctx context.Context, to, from, name string) error {
	path := filepath.Join(to, filepath.FromSlash(name))
	in, err := os.Open(filepath.Join(from, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	defer in.Close()
	if err := vfs.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return vfs.WriteFile(path, func(w io.Writer) error {
		_, err := io.Copy(w, interruptible{ctx, in})
		return err
	})
}

// interruptible is a reader that ends with its context.
type interruptible struct {
	ctx context.Context
	io.Reader
}

func (r interruptible) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.Reader.Read(p)
}

// inspect fills in the tensors' names, the image size, T and D from the model.
func (s *ImportSpec) inspect(ctx context.Context, rt *ort.Runtime) error {
	file, m := s.From, &s.Manifest
	session, err := rt.OpenFile(file, ort.SessionOptions{})
	if err != nil {
		return err
	}
	defer session.Close()
	input, err := choose(session.Inputs(), s.Input, "input")
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	output, err := choose(session.Outputs(), s.Output, "output")
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if m.ImageSize == 0 && len(input.Shape) == 4 && input.Shape[3] > 0 {
		m.ImageSize = int(input.Shape[3])
	}
	if m.ImageSize == 0 {
		m.ImageSize = 224
	}
	if m.ImageSize < 1 || m.ImageSize > maxImageSize {
		return fmt.Errorf("--size is %d pixels, wanted 1 to %d", m.ImageSize, maxImageSize)
	}
	found, err := runOnce(ctx, session, imageTensors{input.Name, output.Name, m.ImageSize})
	if err != nil {
		return err
	}
	embedding := "embedding"
	switch {
	case len(found) == 2:
		m.T, m.D = 1, int(found[1])
	case len(found) == 3 && found[1] > 1 && m.Kind == model.CLIP:
		m.T, m.D = int(found[1]), int(found[2])
		embedding = "tokens"
	default:
		return fmt.Errorf("%s: output %s has shape %v for one image, wanted [1 D] (or, for --kind clip, [1 T D])", file, output.Name, found)
	}
	m.Graphs = map[string]model.Graph{"image": {
		Inputs:  map[string]string{"pixels": input.Name},
		Outputs: map[string]string{embedding: output.Name},
	}}
	return nil
}

// imageTensors names the tensors of an image graph, and the side of its images in
// pixels.
type imageTensors struct {
	input, output string
	size          int
}

// runOnce runs an image graph on a black image, and returns the output's shape.
func runOnce(ctx context.Context, session *ort.Session, t imageTensors) ([]int64, error) {
	side := int64(t.size)
	out := ort.Tensors{t.output: nil}
	in := ort.Tensors{t.input: {Shape: []int64{1, 3, side, side}, Data: make([]float32, 3*side*side)}}
	if err := session.Run(ctx, in, out); err != nil {
		return nil, err
	}
	return out[t.output].Shape, nil
}

// maxImageSize bounds the side of an encoder's input, in pixels.
const maxImageSize = 4096

// choose returns the tensor that was named, or the only one there is.
func choose(specs []ort.Spec, name, flag string) (ort.Spec, error) {
	names := make([]string, len(specs))
	for i, spec := range specs {
		if spec.Name == name || name == "" && len(specs) == 1 {
			return spec, nil
		}
		names[i] = spec.Name
	}
	if name == "" {
		return ort.Spec{}, fmt.Errorf("the model has several %ss, choose one with --%s: %s", flag, flag, strings.Join(names, ", "))
	}
	return ort.Spec{}, fmt.Errorf("there is no %s %q, the model has: %s", flag, name, strings.Join(names, ", "))
}
