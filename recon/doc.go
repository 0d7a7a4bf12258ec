// Package recon reconstructs what was seen: it makes pictures from the CLIP
// tokens that a decoder of scans predicts.
//
// A Reconstructor is opened from two models that belong together: a latent
// denoiser, which is conditioned on the tokens, and the autoencoder whose
// latents it knows. It draws a few candidates for each scan, with DDIM and
// classifier-free guidance (package diffusion), and names the one whose own tokens,
// seen by the same CLIP, are nearest to the predicted ones.
//
// It knows neither voxels nor decoders. The tokens of an image may be given
// instead, which shows how much of it the models can bring back at best.
package recon
