package pixels

import (
	"math"

	"engram/embed/pixels/internal/simd"
)

// Filter is an interpolation kernel, by its name in a model's manifest.
type Filter string

// The kernels.
const (
	Bicubic  Filter = "bicubic"  // Keys' cubic convolution (Keys 1981), a = −0.5 with antialias, −0.75 without
	Bilinear Filter = "bilinear" // triangle
)

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
	scale := float64(win.in) / float64(win.out)
	stretch := max(scale, 1)
	kernel, support := triangleKernel, stretch
	if f == Bicubic {
		kernel, support = cubicKernel, 2*stretch
	}
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
			w := kernel((float64(j) - center + 0.5) / stretch)
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

// interpolated computes weights as torch.nn.functional.interpolate does with
// align_corners=False and antialias=False (aten's UpSample.h): two or four
// neighbours, however much the image shrinks. Neighbours beyond an edge are
// the edge, so that their weights add up there.
func (f Filter) interpolated(win window) axis[float32] {
	scale := float64(win.in) / float64(win.out)
	a := axis[float32]{start: make([]int, win.n), weight: make([][]float32, win.n)}
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
