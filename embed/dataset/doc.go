// Package dataset reads what a decoder is trained and scored on: scans as a
// matrix, [trials, voxels], the images that were seen, and which trial saw which.
//
// Scans are NumPy arrays or NIfTI volumes under a mask, in one file or several runs
// (Recording). Images are a
// folder or an array (OpenStimuli), or embeddings that were made before (Targets).
// Trials are a table with a header (ReadSeen). MindEye's tars hold all three.
//
// What is joined by position, number or name is said in one line (Seen.String), and
// what is odd about it in warnings: images that no trial saw, numbers that disagree
// with names, an order that depends on how names are sorted.
//
// Everything is checked as it is read, and every error names the file, what was
// wanted and what was found.
package dataset
