package clip

import (
	"context"
	"errors"
	"fmt"

	"engram/embed"
	"engram/embed/model"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/tokenizer"
)

// ErrNoText reports a model without a text graph.
var ErrNoText = errors.New("no text model")

// ErrNoWord reports a text without a word that the vocabulary knows.
var ErrNoWord = errors.New("no known word")

// TextEncoder is the text encoder of a model. It is safe for concurrent use.
type TextEncoder struct {
	model     *model.Model
	session   *ort.Session
	tokenizer *tokenizer.Tokenizer
	input     string // names of tensors
	output    string
	batch     int
}

// OpenText opens the text graph of m, a model of kind clip that has one: ids
// [n, context] int64 in, embedding [n, D] float32 out. The caller closes the
// encoder before rt.
func OpenText(rt *ort.Runtime, m *model.Model, opts Options) (*TextEncoder, error) {
	graph, ok := m.Graphs["text"]
	if !ok {
		return nil, fmt.Errorf("clip: %s: %w", m.Dir(), ErrNoText)
	}
	v, err := tokenizer.Open(tokenizer.Spec{Dir: m.Dir(), File: m.Tokenizer.File, Context: m.Tokenizer.Context})
	if err != nil {
		return nil, err
	}
	e := &TextEncoder{
		model: m, tokenizer: v, input: graph.Inputs["ids"], output: graph.Outputs["embedding"], batch: opts.Batch,
	}
	if e.batch <= 0 {
		e.batch = 16
	}
	e.session, err = rt.OpenFile(m.GraphPath("text"), ort.SessionOptions{
		Device: opts.Device, Threads: opts.Threads, Concurrency: opts.Concurrency,
		Inputs:  []ort.Spec{{Name: e.input, Type: onnx.Int64, Shape: []int64{-1, int64(v.Context())}}},
		Outputs: []ort.Spec{{Name: e.output, Type: onnx.Float, Shape: []int64{-1, int64(m.D)}}},
	})
	if err != nil {
		return nil, fmt.Errorf("clip: %w", err)
	}
	return e, nil
}

// Model returns the model that the encoder was opened from.
func (e *TextEncoder) Model() *model.Model { return e.model }

// Close waits for runs under way and frees the model. It is idempotent.
func (e *TextEncoder) Close() error { return e.session.Close() }

// Encode returns the vector of each text, of unit length, in the space of the
// model's images. A text without a word that the vocabulary knows fails the call
// (ErrNoWord): its vector would mean nothing.
func (e *TextEncoder) Encode(ctx context.Context, texts []string) ([]embed.Vector, error) {
	vectors := make([]embed.Vector, 0, len(texts))
	length := e.tokenizer.Context()
	for start := 0; start < len(texts); start += e.batch {
		part := texts[start:min(start+e.batch, len(texts))]
		ids := make([]int64, len(part)*length)
		for i, text := range part {
			if e.tokenizer.Encode(ids[i*length:][:length], text).Known == 0 {
				return nil, fmt.Errorf("clip: the vocabulary of %s has no word of %q: %w", e.model.Name, text, ErrNoWord)
			}
		}
		out := ort.Tensors{e.output: nil}
		in := ort.Tensors{e.input: {Shape: []int64{int64(len(part)), int64(length)}, Data: ids}}
		if err := e.session.Run(ctx, in, out); err != nil {
			return nil, fmt.Errorf("clip: %w", err)
		}
		data := out[e.output].Data.([]float32) // as OpenText wanted
		for i := range part {
			v := embed.Vector(data[i*e.model.D:][:e.model.D:e.model.D])
			if err := embed.Normalize(v); err != nil {
				return nil, fmt.Errorf("clip: embedding of text %d of %d: %w", start+i+1, len(texts), err)
			}
			vectors = append(vectors, v)
		}
	}
	return vectors, nil
}
