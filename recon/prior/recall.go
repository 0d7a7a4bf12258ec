package prior

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas/blas32"

	"engram/embed"
)

// Recall draws predicted scores towards the scores of known images, such as the training
// images, by how likely each is to have been seen. Images of generated or natural scenes lie
// near each other in groups, and a linear map predicts the middle between the groups.
type Recall struct {
	// Sharpness multiplies log-likelihoods before the softmax over the images: likelihoods
	// of components whose errors are related are too sure.
	Sharpness float64 `json:"sharpness"`
	Share     float64 `json:"share"` // of the images' scores in the result, 0 to 1
}

// DefaultRecall returns what was found to do best for training scenes of the demo's subject
// (see NOTES.md of package pretrain).
func DefaultRecall() Recall { return Recall{Sharpness: .2, Share: .5} }

// Draw returns (1 − Share)·predicted + Share·Σ pᵢ·imagesᵢ, [Rank], with p the softmax of
// Sharpness times the log-likelihoods, one for each row of images, [n, Rank].
func (r Recall) Draw(predicted []float32, images blas32.General, logLikelihoods []float32) ([]float32, error) {
	if images.Rows == 0 || images.Rows != len(logLikelihoods) || images.Cols != len(predicted) {
		return nil, fmt.Errorf("prior: wanted %d scores and a likelihood for each of one image or more, found images of %d×%d and %d likelihoods",
			len(predicted), images.Rows, images.Cols, len(logLikelihoods))
	}
	greatest := float32(math.Inf(-1))
	for i, l := range logLikelihoods {
		if math.IsNaN(float64(l)) || math.IsInf(float64(l), 0) {
			return nil, fmt.Errorf("prior: the likelihood of image %d is %v: %w", i, l, embed.ErrNotFinite)
		}
		greatest = max(greatest, l)
	}
	var sum float64
	mean := make([]float64, len(predicted))
	for i, l := range logLikelihoods {
		p := math.Exp(r.Sharpness * float64(l-greatest))
		sum += p
		if p < 1e-6 {
			continue // of no weight that float32 could show
		}
		for k, x := range images.Data[i*images.Stride:][:images.Cols] {
			mean[k] += p * float64(x)
		}
	}
	out := make([]float32, len(mean))
	for k, x := range predicted {
		out[k] = float32((1-r.Share)*float64(x) + r.Share*mean[k]/sum)
	}
	return out, nil
}
