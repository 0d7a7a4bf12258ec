// Package prior takes the tokens that a decoder predicts of scans to tokens as images
// have them. MindEye (Scotti et al. 2023, arXiv 2305.18274, section 3.2) does so with a
// diffusion prior (Train, Sampler). Beside it stand the linear alignment (Linear), and an alignment by the
// images that are known (Recall). Both are fitted in closed form, in scores along the
// components of a decoder's targets, and stand in its folder (Alignment).
//
// What a prior learns from are pairs: what was predicted of a scan, and the image that was
// seen. The decoder must not have been trained on scans of these images, because it predicts
// such scans far too well: pairs are the left-out predictions of its training
// (scan.Model.LeftOut).
package prior
