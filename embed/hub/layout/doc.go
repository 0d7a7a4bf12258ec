// Package layout reads how a repository or a folder publishes an image model, and
// makes a model folder of it.
//
// Exporters agree on ONNX and on little else: names of files and tensors, types of
// ids, fixed or free batches, and where the preprocessing is written down differ.
// New looks at the list of files and at the small JSON files among them, and plans
// which files are needed. When they lie in a folder, Plan.Finish looks at the graphs,
// cuts them where they do more than one thing, and returns the model's manifest.
//
// These layouts are known: transformers.js and optimum (CLIP, SigLIP, SigLIP 2,
// jina-clip, DINOv2, with a graph per tower or one for both), Immich, fastembed (a
// repository per tower), and a folder that is a model already. See NOTES.md for what
// was decided where the publishers leave it open.
package layout
