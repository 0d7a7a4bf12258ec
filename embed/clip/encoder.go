package clip

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"engram/embed"
	"engram/embed/model"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/pixels"
)

// ErrKind reports a model that has no image encoder.
var ErrKind = errors.New("not an image encoder")

// Options say how an Encoder or a TextEncoder runs. The zero value is the default.
type Options struct {
	Batch       int    // the most images or texts in one run of the graph; 0 means 16. A graph of int8 gets one
	Device      string // "cpu" (the default) or "cuda:N"
	Threads     int    // as in ort.SessionOptions
	Concurrency int    // as in ort.SessionOptions
}

// Encoder is the image encoder of a model. It is safe for concurrent use.
type Encoder struct {
	model     *model.Model
	session   *ort.Session
	transform *pixels.Transform
	input     string // names of tensors
	output    string
	batch     batching
	buffers   sync.Pool // of *buffers
}

// buffers are a group of inputs and outputs, kept between runs.
type buffers struct{ in, out []float32 }

// Open opens the image graph of m, a model of kind clip or features. It fails
// where the model's tensors differ from the manifest: pixels
// [n, 3, S, S] in, [n, D] out, or [n, T, D] for models of more than one token,
// all float32. The number of images n may be fixed in the graph. Outputs that the
// manifest does not name are not computed. The caller closes the encoder before rt.
func Open(rt *ort.Runtime, m *model.Model, opts Options) (*Encoder, error) {
	if m.Kind != model.CLIP && m.Kind != model.Features {
		return nil, fmt.Errorf("clip: %s is a model of kind %s, wanted clip or features: %w", m.Dir(), m.Kind, ErrKind)
	}
	p := m.Preprocess
	transform, err := pixels.NewTransform(pixels.Options{
		Size: m.ImageSize, Filter: pixels.Filter(p.Filter), Antialias: p.Antialias, Crop: pixels.Crop(p.Crop),
		Resize: p.Resize, Rounding: pixels.Rounding(p.Rounding), Fill: byte(p.Fill),
		Range: p.Range, Mean: p.Mean, Std: p.Std,
	})
	if err != nil {
		return nil, fmt.Errorf("clip: %s: %w", m.Dir(), err)
	}
	graph := m.Graphs["image"]
	e := &Encoder{model: m, transform: transform, input: graph.Inputs["pixels"]}
	size := int64(m.ImageSize)
	in := ort.Spec{Name: e.input, Type: onnx.Float, Shape: []int64{-1, 3, size, size}}
	out := ort.Spec{Type: onnx.Float, Shape: e.outputShape(-1)}
	for _, e.output = range graph.Outputs {
		out.Name = e.output // a manifest has exactly one
	}
	e.session, err = rt.OpenFile(m.GraphPath("image"), ort.SessionOptions{
		Device: opts.Device, Threads: opts.Threads, Concurrency: opts.Concurrency,
		Inputs: []ort.Spec{in}, Outputs: []ort.Spec{out},
	})
	if err != nil {
		return nil, fmt.Errorf("clip: %w", err)
	}
	for _, in := range e.session.Inputs() {
		if in.Name != e.input {
			err := notInManifest(in, e.input)
			return nil, errors.Join(fmt.Errorf("clip: %s: %w", m.GraphPath("image"), err), e.session.Close())
		}
		e.batch = newBatching(m, in, opts)
	}
	return e, nil
}

// outputShape returns the shape of the model's output for n images.
func (e *Encoder) outputShape(n int64) []int64 {
	if e.model.T == 1 {
		return []int64{n, int64(e.model.D)}
	}
	return []int64{n, int64(e.model.T), int64(e.model.D)}
}

// Model returns the model that the encoder was opened from.
func (e *Encoder) Model() *model.Model { return e.model }

// Dim returns D, the number of elements of a vector.
func (e *Encoder) Dim() int { return e.model.D }

// RunSize returns the most images of one run of the graph.
func (e *Encoder) RunSize() int { return e.batch.size }

// Device returns where the model runs: "cpu" or "cuda:N".
func (e *Encoder) Device() string { return e.session.Device() }

// Close waits for runs under way and frees the model. It is idempotent.
func (e *Encoder) Close() error { return e.session.Close() }

// Preprocess writes the model's input for img to dst: [3, S, S] float32.
func (e *Encoder) Preprocess(img *pixels.Image, dst []float32) error {
	return e.transform.Apply(dst, img)
}

// Encode returns the global vector of each image: token 0, of unit length. The
// vectors lie side by side in memory that is the caller's. An image whose
// embedding has no direction fails the call with embed.ErrZero or
// embed.ErrNotFinite.
func (e *Encoder) Encode(ctx context.Context, images []*pixels.Image) ([]embed.Vector, error) {
	d := e.model.D
	all := make([]float32, len(images)*d)
	vectors := make([]embed.Vector, 0, len(images))
	err := e.run(ctx, images, func(tokens []float32) error {
		v := all[len(vectors)*d:][:d:d]
		copy(v, tokens)
		vectors = append(vectors, v)
		return embed.Normalize(v)
	})
	if err != nil {
		return nil, err
	}
	return vectors, nil
}

// EncodeTokens returns the T tokens of each image, all of them divided by the
// norm of token 0, so that token 0 is what Encode returns and the others keep
// their length relative to it.
func (e *Encoder) EncodeTokens(ctx context.Context, images []*pixels.Image) ([]embed.Tokens, error) {
	d := e.model.D
	out := make([]embed.Tokens, 0, len(images))
	err := e.run(ctx, images, func(tokens []float32) error {
		t := embed.Tokens{T: e.model.T, D: d, Data: make([]float32, len(tokens))}
		copy(t.Data, tokens)
		out = append(out, t)
		norm := embed.Norm(t.Global())
		if err := embed.Normalize(t.Global()); err != nil {
			return err
		}
		if i := embed.FirstNotFinite(tokens); i >= 0 {
			return fmt.Errorf("token %d is not finite: %w", i/d, embed.ErrNotFinite)
		}
		for i, v := range t.Data[d:] {
			t.Data[d+i] = float32(float64(v) / norm)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// run encodes the images group by group and gives each one's T·D elements to
// emit, in order. The slice is valid until emit returns. A group is what fills the
// runs that go on at once, so that its images are preprocessed on all processors.
func (e *Encoder) run(ctx context.Context, images []*pixels.Image, emit func(tokens []float32) error) error {
	group := min(max(e.batch.size, defaultBatch/e.batch.size*e.batch.size), len(images))
	rows := group
	if over := rows % e.batch.size; e.batch.fixed && over > 0 {
		rows += e.batch.size - over // the last run is filled up
	}
	length, width := e.transform.Len(), e.model.T*e.model.D // elements of an image, and of its tokens
	b, _ := e.buffers.Get().(*buffers)
	if b == nil || len(b.out) < rows*width {
		b = &buffers{in: make([]float32, rows*length), out: make([]float32, rows*width)}
	}
	defer e.buffers.Put(b)
	for start := 0; start < len(images); start += group {
		part := images[start:min(start+group, len(images))]
		if err := e.preprocess(ctx, part, start, b.in); err != nil {
			return err
		}
		err := e.batch.each(ctx, len(part), func(ctx context.Context, from, to int) error {
			n := e.batch.rows(to - from)
			clear(b.in[to*length : (from+n)*length])
			return e.infer(ctx, n, b.in[from*length:][:n*length], b.out[from*width:][:n*width])
		})
		if err != nil {
			return err
		}
		for i := range part {
			if err := emit(b.out[i*width:][:width]); err != nil {
				return fmt.Errorf("clip: embedding of image %d of %d: %w", start+i+1, len(images), err)
			}
		}
	}
	return nil
}

// infer runs the graph on n images.
func (e *Encoder) infer(ctx context.Context, n int, in, out []float32) error {
	size := int64(e.model.ImageSize)
	err := e.session.Run(ctx,
		ort.Tensors{e.input: {Shape: []int64{int64(n), 3, size, size}, Data: in}},
		ort.Tensors{e.output: {Shape: e.outputShape(int64(n)), Data: out}},
	)
	if err != nil {
		return fmt.Errorf("clip: %w", err)
	}
	return nil
}

// preprocess writes the tensors of a batch to in, on all processors. first is
// the place of the batch among the images of the caller.
func (e *Encoder) preprocess(ctx context.Context, images []*pixels.Image, first int, in []float32) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, img := range images {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := e.transform.Apply(in[i*e.transform.Len():][:e.transform.Len()], img); err != nil {
				return fmt.Errorf("clip: image %d: %w", first+i+1, err)
			}
			return nil
		})
	}
	return group.Wait()
}
