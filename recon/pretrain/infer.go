package pretrain

import (
	"context"
	"fmt"

	"engram/embed/ort"
)

// session opens a model file for serving.
func session(rt *ort.Runtime, name string, content []byte) (*ort.Session, error) {
	s, err := rt.OpenBytes(name, content, ort.SessionOptions{})
	if err != nil {
		return nil, fmt.Errorf("pretrain: %w", err)
	}
	return s, nil
}

// scoreBatch is how many pictures go through a model at a time.
const scoreBatch = 50

// infer runs a model with one input and one output over n rows of in, each of
// the given shape, and returns its output's rows side by side.
func infer[T float32 | int64](ctx context.Context, s *ort.Session, in []T, shape ...int64) ([]float32, error) {
	width := 1
	for _, d := range shape {
		width *= int(d)
	}
	input, output := s.Inputs()[0].Name, s.Outputs()[0].Name
	var all []float32
	for len(in) > 0 {
		n := min(scoreBatch, len(in)/width)
		out := ort.Tensors{output: nil}
		feed := ort.Tensors{input: {Shape: append([]int64{int64(n)}, shape...), Data: in[:n*width]}}
		if err := s.Run(ctx, feed, out); err != nil {
			return nil, fmt.Errorf("pretrain: %w", err)
		}
		all = append(all, out[output].Data.([]float32)...) // of a model that this package made
		in = in[n*width:]
	}
	return all, nil
}
