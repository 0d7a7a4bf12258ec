package simd

// Kernels is one implementation of the inner loops.
type Kernels struct {
	// Name says which: "portable" or "avx2".
	Name string

	// The functions trust their arguments. See the methods.
	inverseDCT func(out *byte, stride int, block *[64]int16)
	toRGB      func(out, luma, cb, cr *byte, n int)
	mix        func(sums *uint16, near, far *byte, n int)
	double     func(out *byte, sums *uint16, n int, left, right uint16)
	across     func(out, in *byte, starts *int, weights *[]int32, n int)
	down       func(out *byte, rows *[]byte, weights *int32, taps, n int) // nil: downPortable

	// How many pixels, samples or bytes the assembly takes at a time. What is left is
	// done by the portable twin.
	pixels, samples, bytes int
}

var best = available()[0]

// Best returns the fastest kernels that this processor runs.
func Best() *Kernels { return best }

// All returns every implementation that this processor runs, the fastest first and
// the portable one last.
func All() []*Kernels { return available() }

// InverseDCT writes the 8×8 samples of a block of dequantised coefficients, in rows of
// 8, to out, whose rows are stride apart. It is jidctint.c of libjpeg to the bit: the
// algorithm of Loeffler, Ligtenberg and Moschytz (Practical fast 1-D DCT algorithms
// with 11 multiplications, 1989) on columns, then on rows, with 2 more bits in between.
func (k *Kernels) InverseDCT(out []byte, stride int, block *[64]int16) {
	_ = out[:7*stride+8]
	k.inverseDCT(&out[0], stride, block)
}

// ToRGB writes R, G and B of len(luma) pixels to out, by ITU-T T.871 (JFIF), in the
// fixed point of libjpeg's jdcolor.c. cb and cr have as many samples as luma.
func (k *Kernels) ToRGB(out, luma, cb, cr []byte) {
	n := len(luma)
	out, cb, cr = out[:3*n], cb[:n], cr[:n]
	whole := n - n%k.pixels
	if whole > 0 {
		k.toRGB(&out[0], &luma[0], &cb[0], &cr[0], whole)
	}
	if whole < n {
		toRGBPortable(&out[3*whole], &luma[whole], &cb[whole], &cr[whole], n-whole)
	}
}

// Mix sets sums to 3·near+far.
func (k *Kernels) Mix(sums []uint16, near, far []byte) {
	n := len(sums)
	near, far = near[:n], far[:n]
	whole := n - n%k.samples
	if whole > 0 {
		k.mix(&sums[0], &near[0], &far[0], whole)
	}
	if whole < n {
		mixPortable(&sums[whole], &near[whole], &far[whole], n-whole)
	}
}

// Double writes two bytes for each of the sums but the first and the last, which are
// the neighbours beyond the ends: (3·sum + the left neighbour + left)/16 and
// (3·sum + the right neighbour + right)/16. The sums are at most 1020.
func (k *Kernels) Double(out []byte, sums []uint16, left, right uint16) {
	n := len(sums) - 2
	out = out[:2*n]
	whole := n - n%k.samples
	if whole > 0 {
		k.double(&out[0], &sums[0], whole, left, right)
	}
	if whole < n {
		doublePortable(&out[2*whole], &sums[whole], n-whole, left, right)
	}
}

// Precision is the number of fraction bits of the weights of a resize: what an int32
// leaves beside 8 bits of pixel and 2 for the overshoot of a cubic (PRECISION_BITS in
// Pillow's Resample.c).
const Precision = 32 - 8 - 2

// Across resizes a row of RGB: pixel i of out is the sum over j of weights[i][j] times
// pixel starts[i]+j of in, rounded. The starts never fall, and no row of weights ends
// before the one ahead of it does.
func (k *Kernels) Across(out, in []byte, starts []int, weights [][]int32) {
	n := len(starts)
	out, weights = out[:3*n], weights[:n]
	if n == 0 {
		return
	}
	end := func(i int) int { return 3 * (starts[i] + len(weights[i])) }
	_ = in[3*starts[0] : end(n-1)]
	// Assembly reads two bytes behind the last pixel of a sum.
	whole := n
	for k.Name != portable.Name && whole > 0 && end(whole-1)+2 > len(in) {
		whole--
	}
	if whole > 0 {
		k.across(&out[0], &in[0], &starts[0], &weights[0], whole)
	}
	if whole < n {
		acrossPortable(&out[3*whole], &in[0], &starts[whole], &weights[whole], n-whole)
	}
}

// Down sets out to the sum of the rows times their weights, rounded. Each row has as
// many bytes as out, or more.
func (k *Kernels) Down(out []byte, rows [][]byte, weights []int32) {
	n := len(out)
	rows = rows[:len(weights)]
	for _, row := range rows {
		_ = row[:n]
	}
	whole := 0
	if k.down != nil && len(rows) > 0 {
		whole = n - n%k.bytes
	}
	if whole > 0 {
		k.down(&out[0], &rows[0], &weights[0], len(rows), whole)
	}
	downPortable(out, rows, weights, whole)
}
