package pixels

import (
	"fmt"
	"math"

	"engram/embed/pixels/internal/simd"
)

// Filter is an interpolation kernel, by its name in a model's manifest.
type Filter string

// The kernels, with the names that Pillow has for them. Without antialias there
// are nearest, bilinear and bicubic alone, as in PyTorch's interpolate.
const (
	Nearest  Filter = "nearest"  // the source sample at the middle of an output sample
	Box      Filter = "box"      // mean of the samples that an output sample covers
	Bilinear Filter = "bilinear" // triangle
	Hamming  Filter = "hamming"  // sinc in a Hamming window, as wide as the triangle
	Bicubic  Filter = "bicubic"  // Keys' cubic convolution (Keys 1981), a = −0.5 with antialias, −0.75 without
	Lanczos  Filter = "lanczos"  // sinc in a Lanczos window of three lobes
)

// kernel is a filter's weight at a distance from the middle of an output
// sample, and the distance from which on it is 0.
type kernel struct {
	weight  func(x float64) float64
	support float64
}

// kernel returns the kernel that Pillow's Resample.c has for f.
func (f Filter) kernel() kernel {
	switch f {
	case Box:
		return kernel{boxKernel, .5}
	case Hamming:
		return kernel{hammingKernel, 1}
	case Bicubic:
		return kernel{cubicKernel, 2}
	case Lanczos:
		return kernel{lanczosKernel, 3}
	}
	return kernel{triangleKernel, 1}
}

// check reports a filter that there is not.
func (f Filter) check(antialias bool) error {
	switch f {
	case Nearest, Bilinear, Bicubic:
		return nil
	case Box, Hamming, Lanczos:
		if !antialias {
			return fmt.Errorf("pixels: filter is %q without antialias, wanted %s, %s or %s", f, Nearest, Bilinear, Bicubic)
		}
		return nil
	}
	return fmt.Errorf("pixels: filter is %q, wanted one of %q", f, []Filter{Nearest, Box, Bilinear, Hamming, Bicubic, Lanczos})
}

// axis maps one dimension of the source to one of the output: output sample i
// is the sum over j of weight[i][j] times source sample start[i]+j. The starts
// never fall.
type axis[W int32 | float32] struct {
	start  []int
	weight [][]W
	taps   int // the largest number of weights of a sample
}

// window is one dimension of a resize from in to out samples. Only n samples from
// first on are wanted. 0 ≤ first and first+n ≤ out.
type window struct{ in, out, first, n int }

// saved returns how many samples the resize takes away.
func (win window) saved() int { return win.in - win.out }

// antialiased computes weights as precompute_coeffs and normalize_coeffs_8bpc
// of Pillow's Resample.c do: where the image shrinks, the kernel is as wide as
// an output sample.
func (f Filter) antialiased(win window) axis[int32] {
	if f == Nearest {
		return f.picked(win)
	}
	scale := float64(win.in) / float64(win.out)
	stretch := max(scale, 1)
	kernel := f.kernel()
	support := kernel.support * stretch
	a := axis[int32]{start: make([]int, win.n), weight: make([][]int32, win.n)}
	width := int(math.Ceil(support))*2 + 1
	weights := make([]float64, 0, width)
	all := make([]int32, 0, win.n*width)
	for i := range win.n {
		center := (float64(win.first+i) + 0.5) * scale
		start := max(int(center-support+0.5), 0)
		end := min(int(center+support+0.5), win.in)
		weights = weights[:0]
		var sum float64
		for j := start; j < end; j++ {
			w := kernel.weight((float64(j) - center + 0.5) * (1 / stretch))
			weights = append(weights, w)
			sum += w
		}
		from := len(all)
		for _, w := range weights {
			all = append(all, int32(math.Round(w/sum*(1<<simd.Precision))))
		}
		a.start[i], a.weight[i], a.taps = start, all[from:], max(a.taps, len(weights))
	}
	return a
}

// picked computes the source samples of the filter nearest as ImagingScaleAffine of
// Pillow's Geometry.c does. It adds the step up from sample to sample, and the
// rounding of these sums is part of the result.
func (f Filter) picked(win window) axis[int32] {
	scale := float64(win.in) / float64(win.out)
	a := axis[int32]{start: make([]int, win.n), weight: make([][]int32, win.n), taps: 1}
	whole := []int32{1 << simd.Precision}
	at := scale * .5
	for i := range win.first + win.n {
		if i >= win.first {
			a.start[i-win.first], a.weight[i-win.first] = min(int(at), win.in-1), whole
		}
		at += scale
	}
	return a
}

// interpolated computes weights as torch.nn.functional.interpolate does with
// align_corners=False and antialias=False (aten's UpSample.h): one, two or four
// neighbours, however much the image shrinks. Neighbours beyond an edge are
// the edge, so that their weights add up there.
func (f Filter) interpolated(win window) axis[float32] {
	scale := float64(win.in) / float64(win.out)
	a := axis[float32]{start: make([]int, win.n), weight: make([][]float32, win.n)}
	if f == Nearest {
		step := float32(win.in) / float32(win.out)
		a.taps = 1
		for i := range win.n {
			a.start[i], a.weight[i] = min(int(float32(win.first+i)*step), win.in-1), []float32{1}
		}
		return a
	}
	all := make([]float32, 4*win.n)
	for i := range win.n {
		at := (float64(win.first+i)+0.5)*scale - 0.5
		if f == Bilinear {
			at = max(at, 0)
		}
		base := math.Floor(at)
		t := at - base
		first, neighbours, n := int(base), [4]float64{1 - t, t}, 2
		if f == Bicubic {
			const k = -0.75
			first, neighbours, n = first-1, [4]float64{cubic(1+t, k), cubic(t, k), cubic(1-t, k), cubic(2-t, k)}, 4
		}
		start := min(max(first, 0), win.in-1)
		end := min(max(first+n-1, 0), win.in-1)
		weights := all[4*i:][:end-start+1]
		for j, w := range neighbours[:n] {
			weights[min(max(first+j, start), end)-start] += float32(w)
		}
		a.start[i], a.weight[i], a.taps = start, weights, max(a.taps, len(weights))
	}
	return a
}

// boxKernel is the kernel of the filter box, support 1/2.
func boxKernel(x float64) float64 {
	if -.5 < x && x <= .5 {
		return 1
	}
	return 0
}

// hammingKernel is sinc(x) in a Hamming window (.54 + .46 cos πx), support 1.
func hammingKernel(x float64) float64 {
	if x = math.Abs(x); x >= 1 {
		return 0
	}
	return sinc(x) * (.54 + .46*math.Cos(math.Pi*x))
}

// lanczosKernel is sinc(x)·sinc(x/3), support 3.
func lanczosKernel(x float64) float64 {
	if -3 <= x && x < 3 {
		return sinc(x) * sinc(x/3)
	}
	return 0
}

// sinc returns sin(πx)/(πx).
func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}

// triangleKernel is the kernel of bilinear filtering, support 1.
func triangleKernel(x float64) float64 { return max(1-math.Abs(x), 0) }

// cubicKernel is Pillow's bicubic kernel, support 2.
func cubicKernel(x float64) float64 { return cubic(math.Abs(x), -0.5) }

// cubic is the cubic convolution kernel with parameter a at distance x ≥ 0
// (R. G. Keys, Cubic convolution interpolation for digital image processing,
// 1981, equation 4).
func cubic(x, a float64) float64 {
	switch {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return (((x-5)*x+8)*x - 4) * a
	}
	return 0
}
