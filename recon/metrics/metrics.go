package metrics

import (
	"fmt"
	"math"

	"engram/embed/pixels"

	"gonum.org/v1/gonum/floats"
)

// values are the values of a picture in 0…1, red, green and blue of each pixel.
type values struct {
	w, h   int
	values []float64
}

// valuesOf returns the values of a picture.
func valuesOf(img *pixels.Image) values {
	v := values{w: img.W, h: img.H, values: make([]float64, len(img.Pix))}
	for i, x := range img.Pix {
		v.values[i] = float64(x) / 255
	}
	return v
}

// PixCorr returns Pearson's correlation of two pictures over all values of all pixels.
// It is 0 where a picture has one value alone. The pictures must have one size.
func PixCorr(a, b *pixels.Image) (float64, error) {
	x, y := valuesOf(a), valuesOf(b)
	if err := sameSize(x, y); err != nil {
		return 0, err
	}
	return pixCorr(x.values, y.values), nil
}

// pixCorr is PixCorr of values.
func pixCorr(a, b []float64) float64 {
	n := float64(len(a))
	meanA, meanB := floats.Sum(a)/n, floats.Sum(b)/n
	var ab, aa, bb float64
	for i, x := range a {
		da, db := x-meanA, b[i]-meanB
		ab, aa, bb = ab+da*db, aa+da*da, bb+db*db
	}
	const rounding = 1e-20 // of the mean of equal values
	if aa < rounding*n || bb < rounding*n {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// The settings of SSIM: scikit-image's with gaussian_weights, as MindEye has them.
const (
	ssimSigma  = 1.5
	ssimRadius = 5 // of the Gaussian: 3.5 σ, rounded
	ssimC1     = .01 * .01
	ssimC2     = .03 * .03
)

// LeastSide is the least number of pixels per side that SSIM needs.
const LeastSide = 2*ssimRadius + 1

// SSIM returns the mean structural similarity of two pictures in grey (Wang et al. 2004,
// IEEE Transactions on Image Processing 13), with the values in 0…1, a Gaussian window of
// σ = 1.5 pixels, covariances of the population, and the mean over windows that lie in
// the picture. Grey is .2125 R + .7154 G + .0721 B. The pictures must have one size of
// at least 11×11 pixels.
func SSIM(a, b *pixels.Image) (float64, error) {
	x, y := valuesOf(a), valuesOf(b)
	if err := sameSize(x, y); err != nil {
		return 0, err
	}
	return ssim(x, y)
}

// ssim is SSIM of values.
func ssim(a, b values) (float64, error) {
	if min(a.w, a.h) < LeastSide {
		return 0, fmt.Errorf("ssim: the pictures are %d×%d, wanted %d×%d or larger", a.w, a.h, LeastSide, LeastSide)
	}
	x, y := a.grey(), b.grey()
	xx, yy, xy := make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))
	for i := range x {
		xx[i], yy[i], xy[i] = x[i]*x[i], y[i]*y[i], x[i]*y[i]
	}
	windows := func(v []float64) []float64 { return blur(v, a.w, a.h) }
	x, y, xx, yy, xy = windows(x), windows(y), windows(xx), windows(yy), windows(xy)
	var sum float64
	for i := range x {
		varX, varY, cov := xx[i]-x[i]*x[i], yy[i]-y[i]*y[i], xy[i]-x[i]*y[i]
		sum += (2*x[i]*y[i] + ssimC1) * (2*cov + ssimC2) / ((x[i]*x[i] + y[i]*y[i] + ssimC1) * (varX + varY + ssimC2))
	}
	return sum / float64(len(x)), nil
}

func sameSize(a, b values) error {
	if a.w != b.w || a.h != b.h || len(a.values) == 0 {
		return fmt.Errorf("metrics: the pictures are %d×%d and %d×%d, wanted one size", a.w, a.h, b.w, b.h)
	}
	return nil
}

// grey returns the luminance of each pixel in 0…1.
func (v values) grey() []float64 {
	out := make([]float64, v.w*v.h)
	for i := range out {
		p := v.values[3*i:]
		out[i] = .2125*p[0] + .7154*p[1] + .0721*p[2]
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
