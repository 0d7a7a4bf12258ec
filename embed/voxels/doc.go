// Package voxels says which voxels of a brain the columns of a matrix of scans are,
// and in which order, so that a decoder is not given the voxels of another mask that
// happens to choose as many.
//
// Voxels that a mask chose are known by the mask's positions and by where its volume
// lies in the scanner. Of an array nothing but the number of its columns is known.
package voxels
