package nn

import "engram/embed/grad"

// NormEpsilon is added to the variance in layer normalisations, as PyTorch does.
const NormEpsilon = 1e-5

// tableDeviation is the standard deviation that tables begin with, as in CLIP
// (Radford et al. 2021, arXiv 2103.00020, published code).
const tableDeviation = .02

// Linear returns x·W + b: [..., in] → [..., out]. W is [in, out].
func (n *Net) Linear(name string, x *grad.Node, out int) *grad.Node {
	return n.LinearFrom(name, x, out, n.style.Linear)
}

// LinearFrom is Linear with other first values than the style's.
func (n *Net) LinearFrom(name string, x *grad.Node, out int, start LinearStart) *grad.Node {
	in := lastOf(x)
	weight, bias := start(in)
	y := grad.MatMul(x, n.Param(name+".weight", weight, in, out))
	return grad.Add(y, n.Param(name+".bias", bias, out))
}

// kernelSide is the side of a convolution's kernels in pixels.
const kernelSide = 3

// Convolution is a convolution of 3×3 pixels with zeros beyond the edges, with a bias:
// [n, C, S, S] → [n, out, S, S]. Its weight is the matrix [9·C, out], in which the pixels come
// row by row, the channels of each one after the other. Its output begins with about gain times
// the standard deviation of its input.
func (n *Net) Convolution(name string, x *grad.Node, out int, gain float64) *grad.Node {
	channels := x.Shape()[1]
	in := kernelSide * kernelSide * channels
	weight, bias := ScaledNormal(gain)(in)
	kernels := grad.Reshape(n.Param(name+".weight", weight, in, out), kernelSide, kernelSide, channels, out)
	y := grad.Convolve(x, grad.Transpose(kernels, 3, 2, 0, 1))
	return grad.Add(y, grad.Reshape(n.Param(name+".bias", bias, out), out, 1, 1))
}

// Norm is layer normalisation over the last axis (Ba et al. 2016, arXiv
// 1607.06450).
func (n *Net) Norm(name string, x *grad.Node) *grad.Node {
	width := lastOf(x)
	return grad.LayerNorm(x, n.Param(name+".gain", Constant(1), width), n.Param(name+".bias", Constant(0), width), NormEpsilon)
}

// Table is a learned array of rows vectors, [rows, width], such as positions or
// words.
func (n *Net) Table(name string, rows, width int) *grad.Node {
	return n.Param(name, Normal(tableDeviation), rows, width)
}

// MLP is a perceptron with one hidden layer of hidden units and GELU between:
// [..., width] → [..., width]. Its output begins with about gain times the
// standard deviation of its input.
func (n *Net) MLP(name string, x *grad.Node, hidden int, gain float64) *grad.Node {
	width := lastOf(x)
	return n.LinearFrom(name+".out", grad.GELU(n.Linear(name+".in", x, hidden)), width, ScaledNormal(gain))
}

// lastOf returns the size of the last axis.
func lastOf(x *grad.Node) int {
	shape := x.Shape()
	return shape[len(shape)-1]
}
