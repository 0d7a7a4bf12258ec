package app

import (
	"context"
	"fmt"
	"strings"

	"engram/data/progress"
	"engram/embed/model"
	"engram/embed/ort"
)

// WrapSpec has the ONNX file that becomes a model.
type WrapSpec struct {
	Model string // path of the file
	Out   string // folder of the model
	// Manifest is the model's but for what Wrap reads from the model: T, D, names
	// of tensors, and ImageSize where it is 0.
	Manifest model.Manifest
	// Input and Output are the names of the image input and of the embedding
	// output; "" is the only one.
	Input, Output string
}

// Wrap makes a model of one ONNX image encoder, which it runs once, to learn the
// shape of its output.
func (a *App) Wrap(ctx context.Context, spec WrapSpec, watch progress.Func) (_ *model.Model, err error) {
	if err := CheckReplaceable(spec.Out, model.Features, model.CLIP); err != nil {
		return nil, err
	}
	if err := model.CheckGraph(spec.Model); err != nil {
		return nil, err
	}
	rt, err := a.Runtime(ctx, watch)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, rt)
	if err := spec.inspect(ctx, rt); err != nil {
		return nil, err
	}
	return model.Wrap(spec.Out, spec.Model, spec.Manifest)
}

// inspect fills in the tensors' names, the image size, T and D from the model.
func (s *WrapSpec) inspect(ctx context.Context, rt *ort.Runtime) error {
	file, m := s.Model, &s.Manifest
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
	shape := []int64{1, 3, int64(m.ImageSize), int64(m.ImageSize)}
	out := ort.Tensors{output.Name: nil}
	in := ort.Tensors{input.Name: {Shape: shape, Data: make([]float32, 3*m.ImageSize*m.ImageSize)}}
	if err := session.Run(ctx, in, out); err != nil {
		return err
	}
	found := out[output.Name].Shape
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
