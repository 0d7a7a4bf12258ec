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
// clip that have a text graph, with the tokenizer of the model.
//
// WritePixels makes a model that needs no trained weights and compares images
// by their grey pixels: the baseline of decoding studies, and what a machine
// without a model can still search by.
package clip
