package prior

import (
	"fmt"
	"math"

	"engram/embed"
)

// Recall draws predicted tokens towards the tokens of known images, such as the training
// images, by how likely each is to have been seen. Images of generated or natural scenes lie
// near each other in groups, and a linear map predicts the middle between the groups.
type Recall struct {
	// Sharpness multiplies log-likelihoods before the softmax over the images: likelihoods
	// of components whose errors are related are too sure.
	Sharpness float64
	Share     float64 // of the images' tokens in the result, 0 to 1
}

// DefaultRecall returns what was found to do best for training scenes of the demo's subject
// (see NOTES.md of package pretrain).
func DefaultRecall() Recall { return Recall{Sharpness: .2, Share: .5} }

// Draw returns (1 − Share)·predicted + Share·Σ pᵢ·imagesᵢ, with p the softmax of Sharpness times
// the log-likelihoods, one for each image. All tokens have one T and D.
func (r Recall) Draw(predicted embed.Tokens, images []embed.Tokens, logLikelihoods []float64) (embed.Tokens, error) {
	if len(images) == 0 || len(images) != len(logLikelihoods) {
		return embed.Tokens{}, fmt.Errorf("prior: wanted a likelihood for each of one image or more, found %d images and %d likelihoods", len(images), len(logLikelihoods))
	}
	greatest := math.Inf(-1)
	for i, l := range logLikelihoods {
		if math.IsNaN(l) || math.IsInf(l, 0) {
			return embed.Tokens{}, fmt.Errorf("prior: the likelihood of image %d is %v: %w", i, l, embed.ErrNotFinite)
		}
		greatest = max(greatest, l)
	}
	var sum float64
	mean := make([]float64, len(predicted.Data))
	for i, l := range logLikelihoods {
		image := images[i]
		if image.T != predicted.T || image.D != predicted.D || len(image.Data) != len(mean) {
			return embed.Tokens{}, fmt.Errorf("prior: tokens of image %d are %d×%d, wanted %d×%d", i, image.T, image.D, predicted.T, predicted.D)
		}
		p := math.Exp(r.Sharpness * (l - greatest))
		sum += p
		if p < 1e-6 {
			continue // of no weight that float32 could show
		}
		for k, x := range image.Data {
			mean[k] += p * float64(x)
		}
	}
	out := embed.Tokens{T: predicted.T, D: predicted.D, Data: make([]float32, len(mean))}
	for k, x := range predicted.Data {
		out.Data[k] = float32((1-r.Share)*float64(x) + r.Share*mean[k]/sum)
	}
	return out, nil
}
