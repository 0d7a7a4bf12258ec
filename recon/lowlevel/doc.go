// Package lowlevel predicts, from voxels, the latent of the autoencoder whose picture was
// seen. Decoded it is a blurry image, from which a diffusion model can begin: MindEye's
// low-level pipeline (Scotti et al. 2023, arXiv 2305.18274, section 3.3).
//
// TrainRidge solves a ridge regression onto the principal components of the latents, as
// package scan does for tokens, with its penalty chosen by leaving images out. It is the
// strongest simple baseline of the published network, and what a handful of hours of scans
// support. TrainNetwork trains a small network, by the published loss without its contrastive
// term: better in the one comparison that there is (NOTES.md). A network that was made elsewhere opens in the same way: a model of kind
// lowlevel (embed/model/FORMAT.md).
package lowlevel
