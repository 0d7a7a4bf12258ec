package grad

import (
	"fmt"

	"engram/embed/onnx"
)

// Convolve returns the cross-correlation of images x, [n, C, H, W], with kernels,
// [O, C, k, k] of odd k, in steps of one pixel and with zeros beyond the edges:
// [n, O, H, W]. It is what deep learning calls a convolution.
//
// The gradient of x is the convolution of dy with the kernels turned by half a turn. The
// gradient of the kernels is one product of matrices, over all pixels of all images: as a
// convolution with kernels of an image's size, ONNX Runtime takes two to three times as long
// (see NOTES.md).
func Convolve(x, kernels *Node) *Node {
	s, k := x.shape, kernels.shape
	if len(s) != 4 || len(k) != 4 || s[1] != k[1] || k[2] != k[3] || k[2]%2 == 0 {
		panic(fmt.Sprintf("grad: convolution of %v with kernels %v", s, k))
	}
	edge := int64(k[2] / 2)
	y := x.op.graph.simple("Conv", onnx.Float, []int{s[0], k[0], s[2], s[3]},
		[]onnx.Attr{{Name: "pads", Value: []int64{edge, edge, edge, edge}}}, x, kernels)
	y.op.backward = func(dy *Node) []*Node {
		return []*Node{Convolve(dy, turned(kernels)), kernelGradient(x, dy, k)}
	}
	return y
}

// turned returns kernels that map a convolution's output back: [O, C, k, k] becomes
// [C, O, k, k], turned by half a turn.
func turned(kernels *Node) *Node {
	outputs, channels, k := kernels.shape[0], kernels.shape[1], kernels.shape[2]
	places := make([]int64, k*k)
	for i := range places {
		places[i] = int64(len(places) - 1 - i)
	}
	flat := Reshape(Transpose(kernels, 2, 3, 1, 0), k*k, channels, outputs)
	flat = Rows(flat, kernels.op.graph.Ints(places, k*k))
	return Transpose(Reshape(flat, k, k, channels, outputs), 2, 3, 0, 1)
}

// kernelGradient returns the gradient of kernels of a shape, [O, C, k, k]: the sum over all
// pixels of the image around the pixel times the pixel's gradient.
func kernelGradient(x, dy *Node, shape []int) *Node {
	n, height, width := x.shape[0], x.shape[2], x.shape[3]
	outputs, channels, k := shape[0], shape[1], shape[2]
	last := Transpose(x, 0, 2, 3, 1)
	padded := pad(pad(last, 1, k/2, k/2), 2, k/2, k/2)
	var around []*Node
	for row := range k {
		rows := Slice(padded, 1, row, row+height)
		for column := range k {
			around = append(around, Slice(rows, 2, column, column+width))
		}
	}
	pixels := n * height * width
	columns := Reshape(Concat(3, around...), pixels, k*k*channels)
	flat := gemm(columns, Reshape(Transpose(dy, 0, 2, 3, 1), pixels, outputs), true, false)
	return Transpose(Reshape(flat, k, k, channels, outputs), 3, 2, 0, 1)
}
