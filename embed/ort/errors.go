package ort

import "errors"

var (
	// ErrClosed reports the use of a Runtime or Session after its Close.
	ErrClosed = errors.New("closed")

	// ErrLibrary reports that no usable libonnxruntime was found or fetched.
	ErrLibrary = errors.New("no usable onnxruntime library")

	// ErrMismatch reports a tensor, or a model's declaration of one, whose name,
	// type or shape is not what was wanted.
	ErrMismatch = errors.New("tensor does not fit")

	// ErrOperator reports a graph with an operator that the loaded library does not
	// have, or has not for the graph's element types.
	ErrOperator = errors.New("operator not implemented")
)
