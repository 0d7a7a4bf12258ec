// Package npy reads and writes NumPy's .npy files: voxels, embeddings, labels
// and stimuli that come from Python, and the matrices that Engram hands back.
//
// Read and ReadFile hold a whole array, OpenRows streams the rows of a file that
// does not fit into memory, and RowWriter writes rows as they come. All numeric
// types but complex ones are read, in format versions 1.0, 2.0 and 3.0, both byte
// orders, C and Fortran order; arrays always arrive in C order. Objects (pickles),
// structured types, strings and dates are refused. Nothing is allocated before
// the header's claim has been checked against the bytes that are there.
//
// The format is described in numpy.lib.format (NEP 1).
package npy
