package recon

import "engram/embed"

// TokenLengths returns the mean Euclidean length of each of the T tokens over
// the tokens of images, [T]. All images have the same T and D.
func TokenLengths(images []embed.Tokens) []float64 {
	if len(images) == 0 {
		return nil
	}
	mean := make([]float64, images[0].T)
	for _, image := range images {
		for t := range mean {
			mean[t] += embed.Norm(image.Data[t*image.D:][:image.D]) / float64(len(images))
		}
	}
	return mean
}

// RestoreLengths scales every predicted token, in place, to the mean length that
// TokenLengths found for its position. A token without a direction stays zero.
//
// A decoder that is not sure predicts something between the possible tokens,
// which is shorter than each of them. The denoiser was trained on the tokens of
// images alone, and takes a short token for an image with little in it.
func RestoreLengths(predicted []embed.Tokens, lengths []float64) {
	for _, tokens := range predicted {
		for t, want := range lengths {
			token := tokens.Data[t*tokens.D:][:tokens.D]
			length := embed.Norm(token)
			if length == 0 {
				continue
			}
			scale := float32(want / length)
			for i := range token {
				token[i] *= scale
			}
		}
	}
}
