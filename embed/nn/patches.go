package nn

import (
	"math"

	"engram/embed/grad"
)

// Patches cuts images x, [n, C, S, S], into squares of p×p pixels, row by row:
// [n, (S/p)², C·p·p], in each the channels one after the other.
func Patches(x *grad.Node, p int) *grad.Node {
	shape := x.Shape()
	batch, channels, side := shape[0], shape[1], shape[2]/p
	x = grad.Transpose(grad.Reshape(x, batch, channels, side, p, side, p), 0, 2, 4, 1, 3, 5)
	return grad.Reshape(x, batch, side*side, channels*p*p)
}

// Unpatches undoes Patches: [n, T, C·p·p] becomes [n, C, S, S] with S = √T·p.
func Unpatches(x *grad.Node, p int) *grad.Node {
	shape := x.Shape()
	batch, channels, side := shape[0], shape[2]/p/p, int(math.Sqrt(float64(shape[1])))
	x = grad.Transpose(grad.Reshape(x, batch, side, side, channels, p, p), 0, 3, 1, 4, 2, 5)
	return grad.Reshape(x, batch, channels, side*p, side*p)
}

// SpaceToDepth makes of images x, [n, C, S, S], images of a p-th of the side, in which each
// pixel has the channels of a square of p×p: [n, C·p·p, S/p, S/p], ordered as in Patches.
func SpaceToDepth(x *grad.Node, p int) *grad.Node {
	shape := x.Shape()
	batch, channels, side := shape[0], shape[1], shape[2]/p
	x = grad.Transpose(grad.Reshape(x, batch, channels, side, p, side, p), 0, 1, 3, 5, 2, 4)
	return grad.Reshape(x, batch, channels*p*p, side, side)
}

// DepthToSpace undoes SpaceToDepth: [n, C·p·p, S, S] becomes [n, C, S·p, S·p].
func DepthToSpace(x *grad.Node, p int) *grad.Node {
	shape := x.Shape()
	batch, channels, side := shape[0], shape[1]/p/p, shape[2]
	x = grad.Transpose(grad.Reshape(x, batch, channels, p, p, side, side), 0, 1, 4, 2, 5, 3)
	return grad.Reshape(x, batch, channels, side*p, side*p)
}
