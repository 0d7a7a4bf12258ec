package scan

import (
	"engram/embed/grad"
	"engram/embed/internal/matrix"
	"engram/embed/onnx"
	"engram/embed/ort"

	"gonum.org/v1/gonum/blas/blas32"
)

// Leaves of losses over all training images.
const (
	galleryName      = "gallery"       // [images, K], coordinates of the training images
	galleryImageName = "gallery.image" // [images], which images they are
)

// gallery are the images that a training may tell apart: the seen ones alone, as
// targets of other images may belong to a test.
type gallery struct {
	images      []int64
	coordinates blas32.General // [images, K]
}

// newGallery returns the images that trials saw, with their scores.
func newGallery(s leftOutScores) gallery {
	var g gallery
	var rows []int
	for _, trials := range trialsByImage(s.images) {
		rows = append(rows, s.images[trials[0]])
	}
	for _, image := range rows {
		g.images = append(g.images, int64(image))
	}
	g.coordinates = matrix.Pick(s.target, rows)
	return g
}

// leaves adds the gallery to a graph.
func (g gallery) leaves(in *grad.Graph) (coordinates, images *grad.Node) {
	n := len(g.images)
	return in.Data(galleryName, onnx.Float, n, g.coordinates.Cols), in.Data(galleryImageName, onnx.Int64, n)
}

// data adds the values of the leaves.
func (g gallery) data(to ort.Tensors) {
	to[galleryName] = tensor(g.coordinates)
	to[galleryImageName] = &ort.Tensor{Shape: []int64{int64(len(g.images))}, Data: g.images}
}

// crossEntropy is the mean of minus the logarithm of the seen image's probability,
// the softmax over the gallery of logits, [B, images]. image is what each trial saw, [B].
func crossEntropy(logits, image, images *grad.Node) *grad.Node {
	b, n := logits.Shape()[0], logits.Shape()[1]
	own := grad.Equal(grad.Reshape(image, b, 1), grad.Reshape(images, 1, n))
	return grad.Scale(grad.Mean(grad.Sum(grad.Mul(own, grad.LogSoftmax(logits)), 1)), -1)
}

// galleryLoss is the cross-entropy over the gallery by the cosine of scores.
func galleryLoss(predicted, image, tau *grad.Node, among gallery) *grad.Node {
	coordinates, images := among.leaves(predicted.Graph())
	return crossEntropy(grad.Div(grad.MatMulT(grad.Unit(predicted), grad.Unit(coordinates)), tau), image, images)
}
