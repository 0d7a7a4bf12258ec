package metrics

import (
	"fmt"
	"math"

	"engram/embed/pixels"
)

// PixCorr returns Pearson's correlation of two pictures over all values of all pixels.
// It is 0 where a picture has one value alone. The pictures must have one size.
func PixCorr(a, b *pixels.Image) (float64, error) {
	if err := sameSize(a, b); err != nil {
		return 0, err
	}
	n := float64(len(a.Pix))
	var sumA, sumB float64
	for i, x := range a.Pix {
		sumA, sumB = sumA+float64(x), sumB+float64(b.Pix[i])
	}
	meanA, meanB := sumA/n, sumB/n
	var ab, aa, bb float64
	for i, x := range a.Pix {
		da, db := float64(x)-meanA, float64(b.Pix[i])-meanB
		ab, aa, bb = ab+da*db, aa+da*da, bb+db*db
	}
	if aa == 0 || bb == 0 {
		return 0, nil
	}
	return ab / math.Sqrt(aa*bb), nil
}

// The settings of SSIM: scikit-image's with gaussian_weights, as MindEye has them.
const (
	ssimSigma  = 1.5
	ssimRadius = 5 // of the Gaussian: 3.5 σ, rounded
	ssimC1     = .01 * .01
	ssimC2     = .03 * .03
)

// SSIM returns the mean structural similarity of two pictures in grey (Wang et al. 2004,
// IEEE Transactions on Image Processing 13), with the values in 0…1, a Gaussian window of
// σ = 1.5 pixels, covariances of the population, and the mean over windows that lie in
// the picture. Grey is .2125 R + .7154 G + .0721 B. The pictures must have one size of
// at least 11×11 pixels.
func SSIM(a, b *pixels.Image) (float64, error) {
	if err := sameSize(a, b); err != nil {
		return 0, err
	}
	if least := 2*ssimRadius + 1; min(a.W, a.H) < least {
		return 0, fmt.Errorf("ssim: the pictures are %d×%d, wanted %d×%d or larger", a.W, a.H, least, least)
	}
	x, y := grey(a), grey(b)
	xx, yy, xy := make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))
	for i := range x {
		xx[i], yy[i], xy[i] = x[i]*x[i], y[i]*y[i], x[i]*y[i]
	}
	windows := func(v []float64) []float64 { return blur(v, a.W, a.H) }
	x, y, xx, yy, xy = windows(x), windows(y), windows(xx), windows(yy), windows(xy)
	var sum float64
	for i := range x {
		varX, varY, cov := xx[i]-x[i]*x[i], yy[i]-y[i]*y[i], xy[i]-x[i]*y[i]
		sum += (2*x[i]*y[i] + ssimC1) * (2*cov + ssimC2) / ((x[i]*x[i] + y[i]*y[i] + ssimC1) * (varX + varY + ssimC2))
	}
	return sum / float64(len(x)), nil
}

func sameSize(a, b *pixels.Image) error {
	if a.W != b.W || a.H != b.H || len(a.Pix) == 0 {
		return fmt.Errorf("metrics: the pictures are %d×%d and %d×%d, wanted one size", a.W, a.H, b.W, b.H)
	}
	return nil
}

// grey returns the luminance of each pixel in 0…1.
func grey(img *pixels.Image) []float64 {
	out := make([]float64, img.W*img.H)
	for i := range out {
		p := img.Pix[3*i:]
		out[i] = (.2125*float64(p[0]) + .7154*float64(p[1]) + .0721*float64(p[2])) / 255
	}
	return out
}

// blur returns the Gaussian means of all windows that lie in a w×h array.
func blur(v []float64, w, h int) []float64 {
	weights := gaussian()
	width, height := w-2*ssimRadius, h-2*ssimRadius
	rows := make([]float64, width*h)
	for y := range h {
		for x := range width {
			for k, g := range weights {
				rows[y*width+x] += g * v[y*w+x+k]
			}
		}
	}
	out := make([]float64, width*height)
	for y := range height {
		for x := range width {
			for k, g := range weights {
				out[y*width+x] += g * rows[(y+k)*width+x]
			}
		}
	}
	return out
}

// gaussian returns the weights of the window in one direction.
func gaussian() []float64 {
	weights := make([]float64, 2*ssimRadius+1)
	var sum float64
	for i := range weights {
		d := float64(i-ssimRadius) / ssimSigma
		weights[i] = math.Exp(-d * d / 2)
		sum += weights[i]
	}
	for i := range weights {
		weights[i] /= sum
	}
	return weights
}
