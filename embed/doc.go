// Package embed is the vocabulary that everything around embeddings shares: a
// Vector is one point of the embedding space, Tokens are the T vectors of one
// image. Token 0 is the global one.
//
// The package computes nothing but norms and inner products and needs no cgo. The
// packages below it do the work: ort runs ONNX models, clip turns images into
// vectors, scan turns voxels into vectors, grad, nn and train train networks, eval
// scores.
package embed
