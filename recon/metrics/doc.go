// Package metrics compares reconstructed pictures with the pictures that were seen, as
// the reconstruction literature does (MindEye, Scotti et al. 2023, arXiv 2305.18274,
// section 4): pixel correlation and structural similarity of the pixels, and two-way
// identification and correlation distance of the features that a network sees in them.
//
// Pixels are compared in pictures of one size. MindEye resizes all pictures to
// PublishedSide before; the figures of smaller pictures cannot be compared with its
// figures.
package metrics
