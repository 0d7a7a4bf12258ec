package clip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"engram/embed"
	"engram/embed/model"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/tokenizer"
)

// ErrNoText reports a model without a text graph.
var ErrNoText = errors.New("no text model")

// ErrNoWord reports a text without a word that the tokenizer knows.
var ErrNoWord = errors.New("no known word")

// TextEncoder is the text encoder of a model. It is safe for concurrent use.
type TextEncoder struct {
	model     *model.Model
	session   *ort.Session
	tokenizer *tokenizer.Tokenizer
	inputs    []textInput
	output    string
	batch     batching
	length    lengthRule
}

// textInput is an input of a text graph: ids, or the mask that is 1 for each id
// before the padding.
type textInput struct {
	name string
	kind onnx.ElemType // Int32 or Int64
	mask bool
}

// OpenText opens the text graph of m, a model of kind clip that has one: ids
// [n, context] in, int64 or int32, and where the manifest names one a mask of the same
// shape; embedding [n, D] float32 out. The number of texts n may be fixed in the
// graph, and the context left open. The caller closes the encoder before rt.
func OpenText(rt *ort.Runtime, m *model.Model, opts Options) (*TextEncoder, error) {
	graph, ok := m.Graphs["text"]
	if !ok {
		return nil, fmt.Errorf("clip: %s: %w", m.Dir(), ErrNoText)
	}
	t := m.Tokenizer
	e := &TextEncoder{model: m, output: graph.Outputs["embedding"]}
	var err error
	e.tokenizer, err = tokenizer.Open(tokenizer.Spec{
		Dir: m.Dir(), File: t.File, Merges: t.Merges, Context: t.Context, Pad: t.Pad, Clean: t.Clean, Lower: t.Lower,
	})
	if err != nil {
		return nil, err
	}
	e.session, err = rt.OpenFile(m.GraphPath("text"), ort.SessionOptions{
		Device: opts.Device, Threads: opts.Threads, Concurrency: opts.Concurrency,
		Outputs: []ort.Spec{{Name: e.output, Type: onnx.Float, Shape: []int64{-1, int64(m.D)}}},
	})
	if err != nil {
		return nil, fmt.Errorf("clip: %w", err)
	}
	if err := e.bind(graph, opts); err != nil {
		return nil, errors.Join(fmt.Errorf("clip: %s: %w", m.GraphPath("text"), err), e.session.Close())
	}
	return e, nil
}

// bind finds the ids and the mask among the graph's inputs.
func (e *TextEncoder) bind(graph model.Graph, opts Options) error {
	ids, mask := graph.Inputs["ids"], graph.Inputs["mask"]
	wanted := ids
	if mask != "" {
		wanted += " and " + mask
	}
	for _, in := range e.session.Inputs() {
		switch {
		case in.Name != ids && in.Name != mask:
			return notInManifest(in, wanted)
		case in.Type != onnx.Int64 && in.Type != onnx.Int32:
			return fmt.Errorf("wanted input %s of int64 or int32, found %s: %w", in.Name, in, ort.ErrMismatch)
		case in.Shape != nil && len(in.Shape) != 2:
			return fmt.Errorf("wanted input %s with the axes texts and ids, found %s: %w", in.Name, in, ort.ErrMismatch)
		case in.Shape != nil && in.Shape[1] > 0 && in.Shape[1] != int64(e.tokenizer.Context()):
			return fmt.Errorf("wanted input %s of %d ids, the manifest's context, found %s: %w", in.Name, e.tokenizer.Context(), in, ort.ErrMismatch)
		}
		e.inputs = append(e.inputs, textInput{in.Name, in.Type, in.Name == mask})
		if in.Name == ids {
			e.batch = newBatching(e.model, in, opts)
			e.length.open = in.Shape == nil || in.Shape[1] < 0
		}
	}
	for _, name := range []string{ids, mask} {
		if name != "" && !slices.ContainsFunc(e.inputs, func(in textInput) bool { return in.name == name }) {
			return fmt.Errorf("there is no input %s, which the manifest names: %w", name, ort.ErrMismatch)
		}
	}
	return nil
}

// Model returns the model that the encoder was opened from.
func (e *TextEncoder) Model() *model.Model { return e.model }

// Dim returns D, the number of elements of a vector.
func (e *TextEncoder) Dim() int { return e.model.D }

// Context returns the most ids of a text, the special ones counted.
func (e *TextEncoder) Context() int { return e.tokenizer.Context() }

// RunSize returns the most texts of one run of the graph.
func (e *TextEncoder) RunSize() int { return e.batch.size }

// Device returns where the model runs: "cpu" or "cuda:N".
func (e *TextEncoder) Device() string { return e.session.Device() }

// Close waits for runs under way and frees the model. It is idempotent.
func (e *TextEncoder) Close() error { return e.session.Close() }

// Tokenize says what the tokenizer makes of a text: whether it knows anything of
// it, and whether Encode leaves something out because it is longer than Context.
func (e *TextEncoder) Tokenize(text string) tokenizer.Encoding {
	return e.tokenizer.Encode(make([]int64, e.tokenizer.Context()), text)
}

// Encode returns the vector of each text, of unit length, in the space of the
// model's images. A text without a word that the tokenizer knows fails the call
// (ErrNoWord): its vector would mean nothing. A text that is too long is cut, see
// Tokenize.
func (e *TextEncoder) Encode(ctx context.Context, texts []string) ([]embed.Vector, error) {
	rows, err := e.tokenize(texts)
	if err != nil {
		return nil, err
	}
	if err := e.settle(ctx, rows); err != nil {
		return nil, err
	}
	if e.length.shorter() { // texts of about one length share a run
		slices.SortStableFunc(rows, func(a, b tokens) int { return cmp.Compare(a.n, b.n) })
	}
	vectors := make([]embed.Vector, len(texts))
	err = e.batch.each(ctx, len(rows), func(ctx context.Context, from, to int) error {
		part := rows[from:to]
		data, err := e.infer(ctx, part, e.length.of(part, e.tokenizer.Context()))
		if err != nil {
			return err
		}
		for i, row := range part {
			v := embed.Vector(data[i*e.model.D:][:e.model.D:e.model.D])
			if err := embed.Normalize(v); err != nil {
				return fmt.Errorf("clip: embedding of text %d of %d: %w", row.text+1, len(texts), err)
			}
			vectors[row.text] = v
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return vectors, nil
}

// tokens are the ids of a text.
type tokens struct {
	text int     // its place among the texts of the caller
	ids  []int64 // as many as the context, padded
	n    int     // ids before the padding
}

// tokenize returns the ids of all texts.
func (e *TextEncoder) tokenize(texts []string) ([]tokens, error) {
	length := e.tokenizer.Context()
	all := make([]int64, len(texts)*length)
	rows := make([]tokens, len(texts))
	for i, text := range texts {
		ids := all[i*length:][:length]
		encoding := e.tokenizer.Encode(ids, text)
		if encoding.Known == 0 {
			return nil, e.noWord(text)
		}
		rows[i] = tokens{i, ids, encoding.N}
	}
	return rows, nil
}

// noWord says why a text has no vector.
func (e *TextEncoder) noWord(text string) error {
	const shown = 60 // runes of a text in a message
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("clip: the text is empty: %w", ErrNoWord)
	}
	if runes := []rune(text); len(runes) > shown {
		text = string(runes[:shown]) + "…"
	}
	return fmt.Errorf("clip: the vocabulary of %s has no word of %q: %w", e.model.Name, text, ErrNoWord)
}

// infer runs the graph on the first length ids of each text and returns its output,
// D elements a text.
func (e *TextEncoder) infer(ctx context.Context, rows []tokens, length int) ([]float32, error) {
	n := e.batch.rows(len(rows))
	shape := []int64{int64(n), int64(length)}
	in := make(ort.Tensors, len(e.inputs))
	for _, input := range e.inputs {
		if input.kind == onnx.Int32 {
			in[input.name] = &ort.Tensor{Shape: shape, Data: fillIDs[int32](rows, n, length, input.mask)}
		} else {
			in[input.name] = &ort.Tensor{Shape: shape, Data: fillIDs[int64](rows, n, length, input.mask)}
		}
	}
	out := ort.Tensors{e.output: nil}
	if err := e.session.Run(ctx, in, out); err != nil {
		return nil, fmt.Errorf("clip: %w", err)
	}
	return out[e.output].Data.([]float32), nil // as OpenText wanted
}

// fillIDs returns the tensor [n, length] of the texts' ids, or of their mask. Rows
// that no text is for repeat the last one, so that no run is without a real id.
func fillIDs[T int32 | int64](rows []tokens, n, length int, mask bool) []T {
	out := make([]T, n*length)
	for i := range n {
		row, to := rows[min(i, len(rows)-1)], out[i*length:][:length]
		for j := range to {
			switch {
			case !mask:
				to[j] = T(row.ids[j])
			case j < row.n:
				to[j] = 1
			}
		}
	}
	return out
}

// lengthRule says how many ids of a text a graph is given. Where the graph leaves
// that open, padding may be left out if it does not matter: in CLIP, where no id sees
// a later one and the first end of text is pooled, and behind a mask. SigLIP needs
// all of it. No file says which it is, so that the first text is encoded both ways.
type lengthRule struct {
	open  bool // the graph takes any number of ids
	known atomic.Int32
}

// What is known of a graph whose number of ids is open.
const (
	untried int32 = iota
	paddingMatters
	paddingIsIdle
)

// shorter tells whether texts are given without padding.
func (l *lengthRule) shorter() bool { return l.known.Load() == paddingIsIdle }

// of returns the number of ids of a run.
func (l *lengthRule) of(rows []tokens, context int) int {
	if !l.shorter() {
		return context
	}
	longest := 0
	for _, row := range rows {
		longest = max(longest, row.n)
	}
	return longest
}

// settle finds out whether padding matters from the first of the texts that has
// some.
func (e *TextEncoder) settle(ctx context.Context, rows []tokens) error {
	// equal is the cosine that rounding alone leaves: of two float32 runs it differs
	// from 1 by less than 1e-9. A graph of int8 measures the range of the padding too,
	// which changes its rounding; .9998 was seen.
	equal := 1 - 1e-6
	if e.model.Precision == "int8" {
		equal = .998
	}
	if !e.length.open || e.length.known.Load() != untried {
		return nil
	}
	at := slices.IndexFunc(rows, func(row tokens) bool { return row.n < len(row.ids) })
	if at < 0 {
		return nil
	}
	one := rows[at : at+1]
	padded, err := e.infer(ctx, one, len(one[0].ids))
	if err != nil {
		return err
	}
	found := paddingMatters
	short, err := e.infer(ctx, one, one[0].n)
	if ctx.Err() != nil {
		return err
	}
	// A graph that fails on fewer ids needs the padding.
	if err == nil && cosine(padded[:e.model.D], short[:e.model.D]) > equal {
		found = paddingIsIdle
	}
	e.length.known.Store(found)
	return nil
}
