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
// Export writes a model for serving. Every operator's gradient is checked against
// finite differences and against PyTorch.
//
// # Speed and memory
//
// A training step of a wide layer is bound by memory, not by arithmetic. On the CPU
// the optimiser's step is therefore one operator that reads and writes each array
// once and in place (ort.AdamWOp), and large matrices are kept in blocks of about
// 1 MiB, each updated while its gradient is in the cache. Nothing is copied: weights
// and moments are the memory of the State, and exist once. On CUDA the step is made
// of standard operators, and the state is copied to the device once an epoch. Both
// give the same bits on one device. NOTES.md has the figures.
package grad
