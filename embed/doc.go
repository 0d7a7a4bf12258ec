// Package embed is the vocabulary that everything around embeddings shares: a
// Vector is one point of the embedding space, Tokens are the T vectors of one
// image. Token 0 is the global one.
//
// The package computes norms, inner products and weighted sums, and needs no cgo. A
// query of several parts, such as a text and an image, is the vector that Combine
// makes of theirs. The packages below it do the work: ort runs ONNX models, clip turns images into
// vectors, scan turns voxels into vectors, grad, nn and train train networks, eval
// scores.
package embed
