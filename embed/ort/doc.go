// Package ort finds or fetches the ONNX Runtime library, opens models with it
// and runs them. It is the only package that knows the binding and needs cgo.
//
// # The library
//
// Load takes the first of these that is there:
//
//   - LibraryOptions.Path (ENGRAM_ONNXRUNTIME), if set;
//   - the cache, where an earlier Load has put the pinned Version;
//   - the system's library folders, if a library there is of 1.24.1 or newer;
//   - what a client of the machine brings: pip, npm, or the project's release
//     page. The archive is checked against a sha256 in this package, and what it
//     holds is put into the cache atomically. Processes that start at
//     once fetch once.
//
// Archives are pinned for Linux on amd64 and arm64 and macOS on arm64; the CUDA
// build is for Linux on amd64 and comes by pip alone. Other platforms name a
// file of their own.
//
// # Sessions
//
// A Session is an open model. The caller can say at open what inputs and
// outputs it expects, so that a wrong file fails there with a sentence. Run
// takes and fills plain Go slices, honours its context, and never returns while
// C still uses them. The library hands back memory of closed sessions late, so
// sessions are best opened once and kept.
//
// # The operator AdamW
//
// ONNX has no operator for an optimiser's step in place. This package brings one, in
// C (see AdamWOp), for sessions that ask for it.
package ort
