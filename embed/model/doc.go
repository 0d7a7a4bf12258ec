// Package model reads and writes models: folders with ONNX graphs and a
// bundle.json that says what they are.
//
// A graph alone does not say how an image must be scaled before it goes
// in, which of its outputs is the embedding, or under which licence it may be
// used. The manifest does, with a checksum of every file, so that a folder is
// either the model it claims to be or is refused in one sentence. The
// fingerprint of a manifest names the embedding space: indexes and decoders
// record it, and are refused beside a model with another one.
//
// Beside the manifest a folder may have a Canary, vectors that tell a graph which
// computes something else on another machine, and a list of files that are links
// out of the folder (WriteLinks). Verified remembers the hashes of large files, so
// that they are not read at every start.
//
// The package needs neither ONNX Runtime nor cgo. It checks everything that
// can be known without running a graph; whoever opens a graph with
// package ort passes the tensors that the manifest promises, and those are
// checked there.
package model
