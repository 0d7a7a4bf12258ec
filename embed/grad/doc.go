// Package grad trains networks through ONNX Runtime: it builds the forward
// pass as a graph of nodes, differentiates it in reverse mode, and writes one
// ONNX model whose Loop body is one optimiser step, so that one call of the
// runtime runs a whole epoch with weights and optimiser state as loop state.
//
// # Building
//
// A Graph makes leaves: Param (trained), Data (an array that stays for the
// epoch, such as all voxels), Step (an array whose slices the loop sees one per
// step, such as the indices of the batch) and constants. Operators are
// functions of nodes; every shape is known when the node is made, and a misfit
// panics with both shapes, because it is a mistake in the program and not in
// its input. Only the first dimension may be Batch, which is any number of
// rows; graphs that are served use it, graphs that are trained do not.
//
// # Differentiating and running
//
// Gradients adds the backward pass as more nodes. Epoch runs the training loop,
// Export writes a model for serving. Every operator's gradient is checked against finite differences and against
// PyTorch.
//
// # Speed
//
// A training step of a wide layer is bound by memory, not by arithmetic: each
// elementwise pass of AdamW over a weight matrix of 32 MB costs as much as a
// tenth of its matrix products. Large matrices are therefore kept in blocks of
// about 1 MiB, each updated in one go while it is in the cache, and AdamW is
// written on scaled values and moments, which need the fewest passes (see AdamW).
package grad
