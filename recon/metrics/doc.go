// Package metrics compares reconstructed pictures with the pictures that were seen, as
// the reconstruction literature does (MindEye, Scotti et al. 2023, arXiv 2305.18274,
// section 4): pixel correlation and structural similarity.
//
// Both are of two pictures of one size. MindEye resizes all pictures to 425 pixels a
// side before; the figures of smaller pictures cannot be compared with its figures.
package metrics
