package scanner

import (
	"math"

	"engram/data/simd"

	"gonum.org/v1/gonum/blas/blas32"
)

// The bank of Gabor filters. Every scale works on its own level of a pyramid of
// the luminance, where its wave is as long as at every other: 16/3 pixels.
const (
	scales       = 4 // 24, 12, 6 and 3 cycles per picture
	orientations = 8 // multiples of 22.5°
	radius       = 8 // taps on each side of the middle: 3 deviations
	taps         = 2*radius + 1
	wave         = 16.0 / 3   // pixels
	envelope     = 0.5 * wave // deviation in pixels: a bandwidth of 1.2 octaves
)

// grid is the side of the grid of cells, in which the eye's and the filters'
// output is kept.
const grid = 16

// cycles returns the frequency of a scale in cycles per degree.
func cycles(scale int) float64 {
	return side / wave / degrees / float64(int(1)<<scale)
}

// axisFilter is the factor of a Gabor filter along one axis.
type axisFilter struct{ cos, sin [taps]float32 }

// bank has, for the orientations from 0 to 90°, the factors along X and Y. The
// others mirror them.
type bank [orientations/2 + 1]struct{ x, y axisFilter }

// newBank returns the filters. The response to a grating of the best frequency and
// orientation has the amplitude of the grating. A grating of orientation o changes
// its luminance along (cos θ, sin θ), θ = o·22.5°, y pointing down. A filter is the
// product of an isotropic Gaussian and a complex wave; the real part is the even
// and the imaginary part the odd filter of a quadrature pair (Adelson and Bergen 1985, J Opt Soc Am A 2:284).
func newBank() *bank {
	var area float64
	for i := -radius; i <= radius; i++ {
		area += gaussian(float64(i), envelope)
	}
	var b bank
	for o := range b {
		theta := math.Pi * float64(o) / orientations
		b[o].x.set(2*math.Pi/wave*math.Cos(theta), 2/area)
		b[o].y.set(2*math.Pi/wave*math.Sin(theta), 1/area)
	}
	return &b
}

func (f *axisFilter) set(omega, gain float64) {
	for i := range f.cos {
		at := float64(i - radius)
		f.cos[i] = float32(gain * gaussian(at, envelope) * math.Cos(omega*at))
		f.sin[i] = float32(gain * gaussian(at, envelope) * math.Sin(omega*at))
	}
}

// gaussian returns exp(−x²/2σ²).
func gaussian(x, deviation float64) float64 { return math.Exp(-x * x / (2 * deviation * deviation)) }

// following are the rows of the taps of a filter, one after the other.
var following = func() (rows [taps]int32) {
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}()

// filtering holds the memory of one run of the bank.
type filtering struct {
	levels [scales][]float32 // the pyramid
	narrow []float32         // a level that is halved along X only
	padded []float32
	tall   []float32 // after the filter along Y: real and imaginary rows
	turned []float32 // the same, X and Y exchanged, padded along X
	cos    []float32 // a column after each factor along X
	sin    []float32
}

// run writes the contrast energy of every filter to its place in cells, [grid,
// grid, width]: element scale·orientations + orientation of each cell, the mean
// over the cell. Beyond the picture all is mid grey.
func (b *bank) run(w *filtering, light, cells []float32, width int) {
	w.levels[0] = light
	for s := range scales {
		n := side >> s
		if s > 0 {
			w.halve(s)
		}
		stride := min(2, n/grid)
		w.padded = grow(w.padded, (n+2*radius)*n)
		clear(w.padded[:radius*n])
		copy(w.padded[radius*n:], w.levels[s])
		clear(w.padded[(radius+n)*n : (2*radius+n)*n])
		for o := range b {
			w.alongY(&b[o].y, n, stride)
			w.alongX(&b[o].x, n, stride, func(x, y int, plus, minus float32) {
				per := n / stride / grid
				share := 1 / float32(per*per)
				cell := cells[(y/per*grid+x/per)*width+s*orientations:]
				cell[o] += share * plus
				if mirror := (orientations - o) % orientations; mirror != o {
					cell[mirror] += share * minus
				}
			})
		}
	}
}

// alongY filters the columns of the padded level into turned: for every column
// x, all the real and then all the imaginary parts.
func (w *filtering) alongY(f *axisFilter, n, stride int) {
	m := n / stride
	w.tall = grow(w.tall, 2*n)
	w.turned = grow(w.turned, (n+2*radius)*2*m)
	clear(w.turned[:radius*2*m])
	clear(w.turned[(radius+n)*2*m : (2*radius+n)*2*m])
	re, im := w.tall[:n], w.tall[n:2*n]
	for y := range m {
		clear(w.tall[:2*n])
		seen := w.padded[y*stride*n:]
		simd.Best().AddRows(re, f.cos[:], following[:], seen)
		simd.Best().AddRows(im, f.sin[:], following[:], seen)
		for x := range n {
			w.turned[(radius+x)*2*m+y] = re[x]
			w.turned[(radius+x)*2*m+m+y] = im[x]
		}
	}
}

// alongX filters what alongY has left and calls do with the energy at (x, y) of
// the filter and of its mirror image. With A and B the real and imaginary parts
// filtered by the cosine, C and D by the sine, the filter is (A−D) + i(B+C) and
// its mirror image the conjugate of (A+D) + i(B−C).
func (w *filtering) alongX(f *axisFilter, n, stride int, do func(x, y int, plus, minus float32)) {
	m := n / stride
	w.cos, w.sin = grow(w.cos, 2*m), grow(w.sin, 2*m)
	cos, sin := w.cos, w.sin
	for x := range m {
		clear(cos)
		clear(sin)
		columns := w.turned[x*stride*2*m:]
		simd.Best().AddRows(cos, f.cos[:], following[:], columns)
		simd.Best().AddRows(sin, f.sin[:], following[:], columns)
		for y := range m {
			a, b, c, d := cos[y], cos[m+y], sin[y], sin[m+y]
			do(x, y, (a-d)*(a-d)+(b+c)*(b+c), (a+d)*(a+d)+(b-c)*(b-c))
		}
	}
}

// halve makes a level of the pyramid from the one before, which is twice its
// size, each way through the filter 1 3 3 1. Beyond the plane all is 0.
func (w *filtering) halve(level int) {
	n, src := side>>level, w.levels[level-1]
	weights := [4]float32{0.125, 0.375, 0.375, 0.125}
	w.narrow = grow(w.narrow, 2*n*n)
	for y := range 2 * n {
		for x := range n {
			var sum float32
			for k, weight := range weights {
				if at := 2*x - 1 + k; at >= 0 && at < 2*n {
					sum += weight * src[y*2*n+at]
				}
			}
			w.narrow[y*n+x] = sum
		}
	}
	w.levels[level] = grow(w.levels[level], n*n)
	clear(w.levels[level])
	for y := range n {
		for k, weight := range weights {
			if at := 2*y - 1 + k; at >= 0 && at < 2*n {
				addScaled(w.levels[level][y*n:][:n], weight, w.narrow[at*n:][:n])
			}
		}
	}
}

// addScaled adds factor·src to dst.
func addScaled(dst []float32, factor float32, src []float32) {
	blas32.Implementation().Saxpy(len(dst), factor, src, 1, dst, 1)
}

// grow returns a slice of length n, s itself where it is long enough.
func grow(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}
