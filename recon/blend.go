package recon

import (
	"fmt"
	"math"

	"engram/embed/pixels"
)

// Blend returns (1 − weight)·made + weight·blurry, by sRGB values, rounded. The blurry image
// has the colours at their places and no details, the picture made has details at places that
// are not quite right: their mean is nearer to what was seen, pixel by pixel, and shows things
// less clearly (see NOTES.md). MindEye2 blends its reconstructions so before it measures them
// (Scotti et al. 2024, arXiv 2403.11207, with a weight of 1/4). weight is a number from 0 to 1,
// and the pictures have one size: else the error wraps ErrMismatch.
func Blend(made, blurry *pixels.Image, weight float64) (*pixels.Image, error) {
	if err := CheckBlend(weight); err != nil {
		return nil, err
	}
	if made.W != blurry.W || made.H != blurry.H || len(made.Pix) != len(blurry.Pix) {
		return nil, fmt.Errorf("recon: a picture of %d×%d pixels is blended with a blurry image of %d×%d: %w", made.W, made.H, blurry.W, blurry.H, ErrMismatch)
	}
	out := &pixels.Image{W: made.W, H: made.H, Pix: make([]byte, len(made.Pix))}
	for i, v := range made.Pix {
		out.Pix[i] = byte(math.Round((1-weight)*float64(v) + weight*float64(blurry.Pix[i])))
	}
	return out, nil
}

// CheckBlend refuses a weight that Blend has no use for.
func CheckBlend(weight float64) error {
	if !(weight >= 0 && weight <= 1) {
		return fmt.Errorf("recon: the weight of the blurry image is %v, wanted a number from 0 to 1: %w", weight, ErrMismatch)
	}
	return nil
}
