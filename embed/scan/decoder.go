package scan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"engram/data/space"
	"engram/embed"
	"engram/embed/internal/matrix"
	"engram/embed/model"
	"engram/embed/onnx"
	"engram/embed/ort"

	"gonum.org/v1/gonum/blas/blas32"
)

// maxDecodeBatch bounds the trials that one run of the model decodes.
const maxDecodeBatch = 256

// Decoder predicts embeddings from voxels. It is safe for concurrent use.
type Decoder struct {
	config  Config
	print   string // fingerprint of the model; "" of one in memory
	session *ort.Session
	mean    []float32 // [T·D], of the training images' targets; nil where it is not known
	metric  func() (*Metric, error)
	parts   func() (*Components, error)
	first   func() (*firstStage, error)
	zscore  func() (*ZScore, error) // of training; nil where it is not known
	scoring lazySession             // voxels to scores; see Scores
}

// Open opens the decoder in a folder: one that Save wrote, or any model of kind
// decoder that was made elsewhere.
func Open(rt *ort.Runtime, dir string, opts ort.SessionOptions) (*Decoder, error) {
	m, own, err := openModel(dir)
	if err != nil {
		return nil, err
	}
	d := &Decoder{config: Config{
		Preset: m.Name, Voxels: m.Voxels, T: m.T, D: m.D, Target: space.Space{Name: m.Target, Fingerprint: m.Target},
	}}
	d.print = m.Fingerprint()
	var from arrays // of a decoder that Save wrote
	if own {
		if d.config, err = readConfig(m); err != nil {
			return nil, err
		}
		from = openArrays(m, d.config)
		if d.config.Rank > 0 {
			if d.mean, err = from(targetMean); err != nil {
				return nil, err
			}
		}
	}
	d.metric = sync.OnceValues(func() (*Metric, error) { return newMetric(d.config, d.mean, from) })
	d.parts = sync.OnceValues(func() (*Components, error) { return readParts(d.config, d.mean, from) })
	d.first = sync.OnceValues(func() (*firstStage, error) { return d.readFirstStage(from) })
	d.zscore = sync.OnceValues(func() (*ZScore, error) { return readZScore(from) })
	d.scoring.open = func() (*ort.Session, error) { return openScoring(rt, d.config, from, opts) }
	graph := m.Graphs["decoder"]
	whole := d.sessionOptions(opts, graph.Inputs["voxels"], outputName(graph, m.T))
	if name, ok := graph.Outputs["backbone"]; ok {
		whole.Outputs = append(whole.Outputs, ort.Spec{Name: name, Type: onnx.Float, Shape: []int64{-1, int64(m.T), int64(m.D)}})
	}
	if d.session, err = rt.OpenFile(m.GraphPath("decoder"), whole); err != nil {
		return nil, err
	}
	return d, nil
}

func outputName(m model.Graph, t int) string {
	if t == 1 {
		return m.Outputs["embedding"]
	}
	return m.Outputs["tokens"]
}

// Open makes a decoder of a model in memory.
func (m *Model) Open(rt *ort.Runtime, opts ort.SessionOptions) (*Decoder, error) {
	content, err := m.ONNX()
	if err != nil {
		return nil, err
	}
	d := &Decoder{config: m.Config, mean: m.Values[targetMean], metric: sync.OnceValues(m.Metric), parts: sync.OnceValues(m.Components)}
	d.first = sync.OnceValues(func() (*firstStage, error) { return d.readFirstStage(m.arrays()) })
	d.zscore = sync.OnceValues(func() (*ZScore, error) { return readZScore(m.arrays()) })
	d.scoring.open = func() (*ort.Session, error) { return openScoring(rt, m.Config, m.arrays(), opts) }
	if d.session, err = rt.OpenBytes("decoder", content, d.sessionOptions(opts, voxelsName, tokensName)); err != nil {
		return nil, err
	}
	return d, nil
}

// sessionOptions adds what the model must take and give.
func (d *Decoder) sessionOptions(opts ort.SessionOptions, input, output string) ort.SessionOptions {
	shape := []int64{-1, int64(d.config.T), int64(d.config.D)}
	if d.config.T == 1 {
		shape = []int64{-1, int64(d.config.D)}
	}
	opts.Inputs = []ort.Spec{{Name: input, Type: onnx.Float, Shape: []int64{-1, int64(d.config.Voxels)}}}
	opts.Outputs = []ort.Spec{{Name: output, Type: onnx.Float, Shape: shape}}
	return opts
}

// Config returns the decoder's shape. Of a decoder made elsewhere only Preset
// (its name), Voxels, T, D and Target are known.
func (d *Decoder) Config() Config { return d.config }

// Fingerprint returns the fingerprint of the decoder's folder, "" of a model in memory.
func (d *Decoder) Fingerprint() string { return d.print }

// Device returns the device that the decoder runs on, such as "cpu".
func (d *Decoder) Device() string { return d.session.Device() }

// RunSize returns the most trials of one run of the model.
func (d *Decoder) RunSize() int {
	if shape := d.session.Inputs()[0].Shape; len(shape) > 0 && shape[0] > 0 {
		return int(shape[0])
	}
	return maxDecodeBatch
}

// Close frees the model.
func (d *Decoder) Close() error { return errors.Join(d.session.Close(), d.scoring.Close()) }

// Decode predicts the tokens of what was seen, [n, T·D], from betas as they were
// measured, [n, V]. It refuses another number of voxels and NaN and infinite
// ones (embed.ErrNotFinite).
func (d *Decoder) Decode(ctx context.Context, voxels blas32.General) (blas32.General, error) {
	return d.decode(ctx, voxels, 0)
}

// Backbone predicts what a prior takes, [n, T·D], as Decode predicts tokens: the backbone
// of a decoder made elsewhere that has one, else the tokens.
func (d *Decoder) Backbone(ctx context.Context, voxels blas32.General) (blas32.General, error) {
	return d.decode(ctx, voxels, len(d.session.Outputs())-1)
}

// decode returns an output of the model for all trials, [n, T·D]: 0 for the tokens, 1 for
// the backbone.
func (d *Decoder) decode(ctx context.Context, voxels blas32.General, which int) (blas32.General, error) {
	if err := d.checkVoxels(voxels); err != nil {
		return blas32.General{}, err
	}
	out := matrix.New(voxels.Rows, d.config.outputs())
	shape := []int64{int64(d.config.T), int64(d.config.D)}
	if d.config.T == 1 && which == 0 {
		shape = shape[1:]
	}
	if err := run(ctx, d.session, which, voxels, out, shape); err != nil {
		return blas32.General{}, err
	}
	// Voxels near the end of float32 give infinite sums.
	return out, matrix.Check(out, matrix.Names{Matrix: "predicted tokens", Row: "trial", Col: "element"})
}

// checkVoxels refuses another number of voxels, and NaN and infinite ones.
func (d *Decoder) checkVoxels(voxels blas32.General) error {
	if voxels.Cols != d.config.Voxels {
		return fmt.Errorf("voxels: the decoder reads %d voxels, the scan has %d", d.config.Voxels, voxels.Cols)
	}
	return matrix.Check(voxels, voxelNames())
}

// run fills out, [n, elements], with an output of a session whose rows have a shape, from
// voxels, [n, V].
func run(ctx context.Context, session *ort.Session, which int, voxels, out blas32.General, shape []int64) error {
	input, output := session.Inputs()[0].Name, session.Outputs()[which].Name
	for from := 0; from < voxels.Rows; from += maxDecodeBatch {
		part := matrix.Part(voxels, from, min(from+maxDecodeBatch, voxels.Rows))
		result := &ort.Tensor{Shape: slices.Concat([]int64{int64(part.Rows)}, shape), Data: out.Data[from*out.Cols : (from+part.Rows)*out.Cols]}
		if err := session.Run(ctx, ort.Tensors{input: tensor(part)}, ort.Tensors{output: result}); err != nil {
			return err
		}
	}
	return nil
}

// Global returns the global token of a prediction, [T·D], less the mean global token of
// the training images where it is known, at unit length. Taking the mean away ranks the
// images by how they differ from the average image, which is what a scan tells; all
// images of an index have that average in common, and it outweighs the rest.
func (d *Decoder) Global(tokens []float32) (embed.Vector, error) {
	query := append(embed.Vector(nil), tokens[:d.config.D]...)
	for j := range query {
		if d.mean != nil {
			query[j] -= d.mean[j]
		}
	}
	return query, embed.Normalize(query)
}

// TargetMean returns the mean of the training images' targets, [T·D], which is
// taken away from images and predictions before they are compared; nil where
// it is not known. The slice is the decoder's own.
func (d *Decoder) TargetMean() []float32 { return d.mean }
