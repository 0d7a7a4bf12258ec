package caption

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"gonum.org/v1/gonum/blas/blas32"

	"engram/data/safetensors"
	"engram/data/space"
	"engram/data/vfs"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/embed/scan"
)

// The file of the known captions, see FORMAT.md, and what it has.
const (
	captionsFile   = "captions.safetensors"
	format         = "1"
	embeddingsName = "embeddings" // [captions, D]
	imagesName     = "images"     // [images], the caption of each
	tokensName     = "tokens"     // [images, T·D] in half precision; absent where they are too many
	formatKey      = "format"
	decoderKey     = "decoder"  // fingerprint
	captionsKey    = "captions" // JSON list of strings
)

// Save writes a caption model into a folder, which it makes: a decoder of kind decoder, whose
// tokens are one embedding, and the known captions beside it.
func (m *Model) Save(dir string) error {
	if err := m.save(dir); err != nil {
		return fmt.Errorf("caption: %w", err)
	}
	return nil
}

func (m *Model) save(dir string) error {
	if err := m.decoder.Save(dir); err != nil {
		return err
	}
	saved, err := model.Open(dir)
	if err != nil {
		return err
	}
	texts, err := json.Marshal(m.known.texts)
	if err != nil {
		return err
	}
	k := m.known.embeddings
	tensors := map[string]safetensors.Tensor{
		embeddingsName: {Shape: []int{k.Rows, k.Cols}, Data: k.Data},
		imagesName:     {Shape: []int{len(m.known.of)}, Data: m.known.of},
	}
	if m.memory.width > 0 {
		tensors[tokensName] = safetensors.Tensor{Shape: []int{len(m.known.of), m.memory.width}, Data: m.memory.tokens}
	}
	return safetensors.WriteFile(vfs.OS{}, filepath.Join(dir, captionsFile), tensors, map[string]string{formatKey: format, decoderKey: saved.Fingerprint(), captionsKey: string(texts)})
}

// Predictor reads captions from voxels. It is safe for concurrent use.
type Predictor struct {
	decoder     *scan.Decoder
	metric      *scan.Metric
	known       known
	memory      memory
	coordinates blas32.General // of the known captions
}

// Open opens the caption model in a folder, beside a decoder of a CLIP's tokens. The captions of
// another CLIP give space.ErrOther, and a folder without a model fs.ErrNotExist.
func Open(rt *ort.Runtime, dir string, clip space.Space, opts ort.SessionOptions) (*Predictor, error) {
	decoder, err := scan.Open(rt, dir, opts)
	if err != nil {
		return nil, err
	}
	p := &Predictor{decoder: decoder}
	if err = clip.Check("the decoder", decoder.Config().Target, "the caption model "+dir); err == nil {
		err = p.readKnown(dir)
	}
	if err == nil {
		err = p.prepare()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("caption: %w", err), decoder.Close())
	}
	return p, nil
}

// Open makes a predictor of a model in memory. It has no fingerprint.
func (m *Model) Open(rt *ort.Runtime, opts ort.SessionOptions) (*Predictor, error) {
	decoder, err := m.decoder.Open(rt, opts)
	if err != nil {
		return nil, fmt.Errorf("caption: %w", err)
	}
	p := &Predictor{decoder: decoder, known: m.known, memory: m.memory}
	if err := p.prepare(); err != nil {
		return nil, errors.Join(fmt.Errorf("caption: %w", err), decoder.Close())
	}
	return p, nil
}

// readKnown reads what is known of the training images.
func (p *Predictor) readKnown(dir string) error {
	path := filepath.Join(dir, captionsFile)
	tensors, about, err := safetensors.ReadFile(path)
	if err != nil {
		return err
	}
	if about[formatKey] != format {
		return fmt.Errorf("%s: format is %q, this version reads format %s", path, about[formatKey], format)
	}
	if about[decoderKey] != p.decoder.Fingerprint() {
		return fmt.Errorf("%s is of the decoder %.12s, the decoder there is %.12s: %w", path, about[decoderKey], p.decoder.Fingerprint(), ErrMismatch)
	}
	k := &p.known
	if err := json.Unmarshal([]byte(about[captionsKey]), &k.texts); err != nil {
		return fmt.Errorf("%s: captions: %w", path, err)
	}
	n, d := len(k.texts), p.decoder.Config().D
	values, _ := tensors[embeddingsName].Data.([]float32)
	k.of, _ = tensors[imagesName].Data.([]int32)
	if n == 0 || len(values) != n*d || len(k.of) == 0 || slices.Min(k.of) < 0 || int(slices.Max(k.of)) >= n {
		return fmt.Errorf("%s: wanted embeddings of %d elements of its %d captions, and one of these for each image, found %d elements and %d images: %w",
			path, d, n, len(values), len(k.of), ErrMismatch)
	}
	k.embeddings = blas32.General{Rows: n, Cols: d, Stride: d, Data: values}
	tokens, ok := tensors[tokensName]
	if !ok {
		return nil
	}
	p.memory.tokens, _ = tokens.Data.([]uint16)
	if p.memory.width = len(p.memory.tokens) / len(k.of); p.memory.width*len(k.of) != len(p.memory.tokens) || p.memory.width == 0 {
		return fmt.Errorf("%s: wanted as many elements of tokens of each of %d images, found %d: %w", path, len(k.of), len(p.memory.tokens), ErrMismatch)
	}
	return nil
}

// prepare computes what is the same for every scan.
func (p *Predictor) prepare() (err error) {
	if p.metric, err = p.decoder.Metric(); err != nil {
		return err
	}
	if name := p.metric.Name(); name != scan.MetricLikelihood {
		return fmt.Errorf("the metric of the decoder is %s, wanted %s: %w", name, scan.MetricLikelihood, ErrMismatch)
	}
	p.coordinates, err = p.metric.Map(p.known.embeddings)
	return err
}

// Fingerprint returns the fingerprint of the folder's decoder.
func (p *Predictor) Fingerprint() string { return p.decoder.Fingerprint() }

// Close frees the model.
func (p *Predictor) Close() error { return p.decoder.Close() }

// Read returns what scans tell of captions: betas as they were measured, [n, V], each row
// the mean of so many scans. It refuses what scan.Decoder.Decode refuses.
func (p *Predictor) Read(ctx context.Context, means blas32.General, repeats []int) ([]Read, error) {
	if len(repeats) != means.Rows {
		return nil, fmt.Errorf("caption: wanted the scans of each of %d means, found %d: %w", means.Rows, len(repeats), ErrMismatch)
	}
	predicted, err := p.decoder.Decode(ctx, means)
	if err != nil {
		return nil, fmt.Errorf("caption: %w", err)
	}
	out := make([]Read, means.Rows)
	for i, n := range repeats {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if out[i], err = p.known.read(p.metric, predicted.Data[i*predicted.Stride:][:predicted.Cols], p.coordinates, n); err != nil {
			return nil, fmt.Errorf("caption: scan %d: %w", i, err)
		}
	}
	return out, nil
}
