package metrics

import (
	"fmt"

	"engram/embed/pixels"
)

// PublishedSide is the number of pixels per side at which the literature compares pixels.
const PublishedSide = 425

// PublishedFirst is the number of pixels per side to which MindEye's evaluation resizes all
// pictures before every metric (Reconstruction_Metrics.py).
const PublishedFirst = 256

// NSD names the Natural Scenes Dataset (Allen et al. 2022, Nature Neuroscience 25), which the
// published figures are of.
const NSD = "nsd"

// PublishedScore is a figure of the literature.
type PublishedScore struct {
	// Column is PixCorr, SSIM, or the name of a model as scripts/export_metrics.py names it.
	Column   string
	Value    float64
	Distance bool // of the features, which is better where it is lower; else two-way identification
}

// PublishedScores returns the figures that MindEye's published evaluation prints for
// subject 1, of 982 images, with 16 candidates and the blurry image at a strength of .85.
func PublishedScores() []PublishedScore {
	return []PublishedScore{
		{"PixCorr", .3925, false}, {"SSIM", .3467, false}, {"alexnet-2", .9738, false}, {"alexnet-5", .9865, false},
		{"inception", .9453, false}, {"clip", .9434, false}, {"efficientnet", .6345, true}, {"swav", .3578, true},
	}
}

// Resized returns a picture of side by side pixels, resized bilinearly and without a filter
// against aliasing.
func Resized(img *pixels.Image, side int) (*pixels.Image, error) {
	if side == img.W && side == img.H {
		return img, nil
	}
	how := pixels.Options{Size: side, Filter: pixels.Bilinear, Crop: pixels.Squeeze, Range: [2]float64{0, 1}, Std: [3]float64{1, 1, 1}}
	t, err := pixels.NewTransform(how)
	if err != nil {
		return nil, err
	}
	planes := make([]float32, 3*side*side)
	if err := t.Apply(planes, img); err != nil {
		return nil, err
	}
	return how.Image(planes)
}

// PixelScores are what one reconstruction is worth, pixel by pixel.
type PixelScores struct {
	PixCorr float64 // see PixCorr
	SSIM    float64 // see SSIM
}

// Pixels compares each reconstruction, made, with what was seen, after both have
// been resized to side by side pixels, bilinearly; where side is 0, both have one
// size and stay as they are.
func Pixels(seen, made []*pixels.Image, side int) ([]PixelScores, error) {
	if len(seen) != len(made) {
		return nil, fmt.Errorf("metrics: %d reconstructions of %d pictures", len(made), len(seen))
	}
	scores := make([]PixelScores, len(seen))
	for i := range seen {
		a, err := resized(seen[i], side)
		if err != nil {
			return nil, err
		}
		b, err := resized(made[i], side)
		if err != nil {
			return nil, err
		}
		if err := sameSize(a, b); err != nil {
			return nil, fmt.Errorf("%w (picture %d)", err, i)
		}
		scores[i].PixCorr = pixCorr(a.values, b.values)
		if scores[i].SSIM, err = ssim(a, b); err != nil {
			return nil, fmt.Errorf("%w (picture %d)", err, i)
		}
	}
	return scores, nil
}

// resized returns the values of a picture, resized where side is not 0.
func resized(img *pixels.Image, side int) (values, error) {
	if side == 0 || side == img.W && side == img.H {
		return valuesOf(img), nil
	}
	t, err := pixels.NewTransform(pixels.Options{
		Size: side, Filter: pixels.Bilinear, Crop: pixels.Squeeze, Range: [2]float64{0, 1}, Std: [3]float64{1, 1, 1},
	})
	if err != nil {
		return values{}, err
	}
	planes := make([]float32, 3*side*side)
	if err := t.Apply(planes, img); err != nil {
		return values{}, err
	}
	v := values{w: side, h: side, values: make([]float64, len(planes))}
	for i, x := range planes {
		v.values[i%(side*side)*3+i/(side*side)] = float64(x)
	}
	return v, nil
}
