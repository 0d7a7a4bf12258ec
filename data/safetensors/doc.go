// Package safetensors reads and writes the safetensors format, in which
// Engram keeps the weights of its networks and in which published checkpoints
// arrive. Unlike a pickle, a file of it is data only.
//
// A file is a little-endian 64-bit length, that many bytes of JSON, and the
// tensors' bytes. Open checks the whole header before it is used: types,
// shapes and offsets must agree with each other and with the size of the file,
// without overlaps or holes. Tensors are then read one at a time, so that a
// checkpoint larger than memory can be looked through.
//
// The format is described in https://github.com/huggingface/safetensors.
package safetensors
