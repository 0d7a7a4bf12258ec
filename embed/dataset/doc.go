// Package dataset reads what a decoder is trained and scored on: scans as a
// matrix, [trials, voxels], the images that were seen, and which trial saw which.
//
// Scans are NumPy arrays (Matrix) or NIfTI volumes under a mask. Images are a
// folder or an array (OpenStimuli), or embeddings that were made before (Targets).
// Trials are a CSV file with a header (Seen). MindEye's tars hold all three.
//
// Everything is checked as it is read, and every error names the file, what was
// wanted and what was found.
package dataset
