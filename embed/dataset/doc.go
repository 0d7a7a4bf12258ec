// Package dataset reads what a decoder is trained and scored on: scans as a matrix
// of [trials, voxels], the images that were seen, and which trial saw which.
//
// Scans are NumPy arrays or NIfTI volumes under a mask; images are a folder or
// an array; trials are a CSV file with a header. Everything is checked as it is
// read, and every error names the file, what was wanted and what was found.
package dataset
