package caption

import (
	"context"
	"errors"
	"fmt"

	"gonum.org/v1/gonum/blas/blas32"

	"engram/data/space"
	"engram/embed"
	"engram/embed/ort"
	"engram/embed/scan"
)

// Folder is the name of the folder of a caption model in the folder of its decoder.
const Folder = "caption"

// ErrMismatch reports captions, voxels or models that do not belong together.
var ErrMismatch = errors.New("does not fit")

// Encoder embeds captions: clip.TextEncoder.
type Encoder interface {
	Encode(ctx context.Context, texts []string) ([]embed.Vector, error)
}

// Data is what a caption model is trained on.
type Data struct {
	Voxels   blas32.General // [trials, V], betas as they were measured
	Images   []int          // for each trial the row of Captions that was seen
	Captions [][]string     // of each image one or more; of images that no trial saw perhaps none
	// Encoder embeds the captions, and Space says whose it is.
	Encoder Encoder
	Space   space.Space
	// Tokens writes the image tokens of a row of Captions, T·D elements, to dst. They are kept
	// where there are at most MostElements of them; nil keeps none.
	Tokens func(dst []float32, image int) error
	Width  int // T·D
}

// MostElements is how many elements of image tokens a caption model keeps at most: 1 GB in half
// precision.
const MostElements = 512 << 20

// Model is a trained caption model.
type Model struct {
	decoder *scan.Model
	known   known
	memory  memory
}

// known are the captions of the training images, each once.
type known struct {
	texts      []string       // the first caption of an image with this embedding
	embeddings blas32.General // [captions, D]
	// of has the caption of each image that was seen, in the order in which trials saw them
	// first, as scan.LeftOut has the images.
	of []int32
}

// Train embeds the captions and solves the ridge. Of the options, Preset, Target and Unserved
// are its own.
func Train(ctx context.Context, rt *ort.Runtime, data Data, opts scan.Options) (*Model, error) {
	m, err := train(ctx, rt, data, opts)
	if err != nil {
		return nil, fmt.Errorf("caption: %w", err)
	}
	return m, nil
}

func train(ctx context.Context, rt *ort.Runtime, data Data, opts scan.Options) (*Model, error) {
	targets, err := data.embed(ctx)
	if err != nil {
		return nil, err
	}
	opts.Preset, opts.Target, opts.Unserved, opts.Checkpoint = scan.PresetGaussian, data.Space, true, ""
	decoder, err := scan.Train(ctx, rt, scan.Data{
		Voxels: data.Voxels, Images: data.Images, Targets: targets, T: 1, D: targets.Cols,
	}, opts)
	if err != nil {
		return nil, err
	}
	memory, err := data.memory()
	return &Model{decoder, data.known(targets), memory}, err
}

// embed returns the mean embedding of each image's captions in unit length, [images, D].
func (d *Data) embed(ctx context.Context) (blas32.General, error) {
	var texts []string // each once
	at := map[string]int{}
	for _, image := range d.Images {
		if image < 0 || image >= len(d.Captions) {
			return blas32.General{}, fmt.Errorf("a trial saw image %d, there are captions of %d images: %w", image, len(d.Captions), ErrMismatch)
		}
		if len(d.Captions[image]) == 0 {
			return blas32.General{}, fmt.Errorf("image %d has no caption: %w", image, ErrMismatch)
		}
		for _, text := range d.Captions[image] {
			if _, ok := at[text]; !ok {
				at[text] = len(texts)
				texts = append(texts, text)
			}
		}
	}
	vectors, err := d.Encoder.Encode(ctx, texts)
	if err != nil {
		return blas32.General{}, err
	}
	width := len(vectors[0])
	out := blas32.General{Rows: len(d.Captions), Cols: width, Stride: width, Data: make([]float32, len(d.Captions)*width)}
	for i, captions := range d.Captions {
		mean := out.Data[i*width:][:width]
		for _, text := range captions {
			if k, ok := at[text]; ok {
				for j, x := range vectors[k] {
					mean[j] += x
				}
			}
		}
		if length := embed.Norm(mean); length > 0 {
			for j := range mean {
				mean[j] /= float32(length)
			}
		}
	}
	return out, nil
}

// known returns the captions of the images that trials saw.
func (d *Data) known(targets blas32.General) known {
	k := known{embeddings: blas32.General{Cols: targets.Cols, Stride: targets.Cols}}
	at, seen := map[string]int{}, map[int]bool{}
	for _, image := range d.Images {
		if seen[image] {
			continue
		}
		seen[image] = true
		key := fmt.Sprintf("%q", d.Captions[image])
		row, ok := at[key]
		if !ok {
			row = len(k.texts)
			at[key] = row
			k.texts = append(k.texts, d.Captions[image][0])
			k.embeddings.Data = append(k.embeddings.Data, targets.Data[image*targets.Stride:][:targets.Cols]...)
			k.embeddings.Rows++
		}
		k.of = append(k.of, int32(row))
	}
	return k
}

// Read is what a scan tells of captions.
type Read struct {
	// LogLikelihoods has for each training image the log-likelihood of its caption, less what
	// all have in common, in the order of scan.LeftOut.
	LogLikelihoods []float32
	Likeliest      string // of the training images' captions
}

// read compares a prediction, from the mean of so many scans, with the known captions.
func (k *known) read(by *scan.Metric, predicted []float32, coordinates blas32.General, repeats int) (r Read, err error) {
	query, err := by.Query(predicted, repeats)
	if err != nil {
		return r, err
	}
	likely, err := by.Score(query, coordinates, by.Offsets(coordinates, repeats))
	if err != nil {
		return r, err
	}
	best := 0
	for i, l := range likely {
		if l > likely[best] {
			best = i
		}
	}
	r = Read{LogLikelihoods: make([]float32, len(k.of)), Likeliest: k.texts[best]}
	for i, row := range k.of {
		r.LogLikelihoods[i] = likely[row]
	}
	return r, nil
}
