package prior

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas32"

	"engram/embed"
)

// Recall draws predicted scores towards the scores of known images, such as the training
// images, by how likely each is to have been seen. Images of generated or natural scenes lie
// near each other in groups, and a linear map predicts the middle between the groups.
type Recall struct {
	// Sharpness multiplies log-likelihoods before the softmax over the images: likelihoods
	// of components whose errors are related are too sure. CaptionSharpness does so with the
	// log-likelihoods of the images' captions, where they are known.
	Sharpness        float64 `json:"sharpness"`
	CaptionSharpness float64 `json:"caption_sharpness,omitempty"`
	Share            float64 `json:"share"` // of the images' scores in the result, 0 to 1
}

// DefaultRecall returns what was found to do best for training scenes of the demo's subject
// (see NOTES.md of package pretrain).
func DefaultRecall() Recall { return Recall{Sharpness: .2, Share: .5} }

// CaptionRecall returns what was found to do best where captions are known, too: a caption says
// what kinds of things were seen, so that few images can be drawn from (see NOTES.md).
func CaptionRecall() Recall { return Recall{Sharpness: .3, CaptionSharpness: 1.2, Share: .7} }

// Likely are the log-likelihoods of known images, one for each image.
type Likely struct {
	Images   []float32 // by the scores of the images
	Captions []float32 // by their captions; nil where these are not known
}

// Draw returns (1 − Share)·predicted + Share·Σ pᵢ·imagesᵢ, [Rank], with p the softmax of
// Sharpness and CaptionSharpness times the log-likelihoods, one for each row of images,
// [n, Rank].
func (r Recall) Draw(predicted []float32, images blas32.General, by Likely) ([]float32, error) {
	if images.Rows == 0 || images.Rows != len(by.Images) || images.Cols != len(predicted) || by.Captions != nil && len(by.Captions) != images.Rows {
		return nil, fmt.Errorf("prior: wanted %d scores and a likelihood for each of one image or more, found images of %d×%d and %d likelihoods (%d of captions)",
			len(predicted), images.Rows, images.Cols, len(by.Images), len(by.Captions))
	}
	weights, err := r.Weights(by)
	if err != nil {
		return nil, err
	}
	mean := make([]float64, len(predicted))
	for i, p := range weights {
		if p < 1e-6 {
			continue // of no weight that float32 could show
		}
		for k, x := range images.Data[i*images.Stride:][:images.Cols] {
			mean[k] += p * float64(x)
		}
	}
	out := make([]float32, len(mean))
	for k, x := range predicted {
		out[k] = float32((1-r.Share)*float64(x) + r.Share*mean[k])
	}
	return out, nil
}

// Weights returns the weight of each image, whose sum is 1: the softmax of Sharpness and
// CaptionSharpness times the log-likelihoods.
func (r Recall) Weights(by Likely) ([]float64, error) {
	weights, err := r.logits(by)
	if err != nil {
		return nil, err
	}
	greatest, sum := slices.Max(weights), 0.
	for i, l := range weights {
		weights[i] = math.Exp(l - greatest)
		sum += weights[i]
	}
	for i := range weights {
		weights[i] /= sum
	}
	return weights, nil
}

// logits returns the logarithm of each image's weight, but for a constant.
func (r Recall) logits(by Likely) ([]float64, error) {
	out := make([]float64, len(by.Images))
	for _, part := range []struct {
		name      string
		list      []float32
		sharpness float64
	}{{"image", by.Images, r.Sharpness}, {"the caption of image", by.Captions, r.CaptionSharpness}} {
		for i, l := range part.list {
			if math.IsNaN(float64(l)) || math.IsInf(float64(l), 0) {
				return nil, fmt.Errorf("prior: the likelihood of %s %d is %v: %w", part.name, i, l, embed.ErrNotFinite)
			}
			out[i] += part.sharpness * float64(l)
		}
	}
	return out, nil
}
