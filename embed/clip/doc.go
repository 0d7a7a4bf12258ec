// Package clip turns images into vectors with the image graph of a model:
// CLIP itself, or any network of kind features.
//
// An Encoder is opened from a model, which fixes the preprocessing and the
// tensors, and runs on ONNX Runtime through package ort. It gives one vector
// of unit length per image, for the index, or all T tokens divided by the norm
// of the first, the target of decoders and of reconstruction (MindEye,
// arXiv 2305.18274, after Versatile Diffusion's image embedding).
//
// A TextEncoder turns texts into vectors of the same space, for models of kind
// clip that have a text graph. Package tokenizer reads its tokenizer. Graphs are
// taken as they are published: any batch or a fixed one, ids of int32 or int64, with
// or without a mask.
//
// A canary is what a model gave for three pictures and three texts when it was made.
// CheckCanary tells where it gives other vectors: on another processor, device or
// version of ONNX Runtime, or after somebody changed a graph.
//
// WritePixels makes a model that needs no trained weights and compares images
// by their grey pixels: the baseline of decoding studies, and what a machine
// without a model can still search by.
package clip
