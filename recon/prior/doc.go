// Package prior takes the tokens that a decoder predicts of scans to tokens as images
// have them. MindEye (Scotti et al. 2023, arXiv 2305.18274, section 3.2) does so with a
// diffusion prior. Here are what it is compared with: the linear alignment (Linear), and an
// alignment by the images that are known (Recall).
//
// What a prior learns from are pairs: the tokens that were predicted of a scan, and the
// tokens of the image that was seen. The decoder must not have been trained on scans of
// these images, because it predicts such scans far too well.
package prior
