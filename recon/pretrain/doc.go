// Package pretrain trains the small models that the demo needs: a CLIP, a patch
// autoencoder and a latent denoiser that is conditioned on the CLIP's image
// tokens. They learn from the generated scenes of package scenes alone, so that
// a machine without any published weights has models of every kind, and are
// written as models like any other, each with a card that says how it was made
// and what it is worth.
//
// # The models
//
// All three are stacks of transformer blocks (package nn) over patches, each in a
// file that reads from pixels to loss: clip.go, autoencoder.go, denoiser.go.
// Weights are stored in half precision; inputs, outputs and arithmetic are
// float32. Pictures, latents and tokens share one grid: the CLIP has a token for
// each pixel of the latent image.
//
// The text graph of the CLIP is trained a second time, in text.go, while the image graph
// stays as it is: captions tell everything about a scene, and people type less.
//
// The autoencoder is trained further with more channels of its latents and with convolutions
// (detail.go, detailtrain.go). The channels that it had keep their meaning, and a denoiser that
// knew them goes on with all (widen.go).
//
// The denoiser is trained further on what decoders predict of the scans of simulated subjects
// (scans.go, scanstrain.go): a scan tells less than an image, and other things. What kinds of
// things are in it, it is told from the start, by a ridge regression (scansummary.go).
//
// The judge is a second CLIP, which learns from another world and says what is to be
// seen in reconstructions (judge.go). No other model learns from it.
//
// # The training
//
// An epoch is a number of scenes that were never seen before; while it is
// trained the next one is drawn. Everything random depends on the seed and the
// epoch's number alone, and the state is kept in a checkpoint that is replaced
// as a whole, so that a training may be killed at any moment and goes on to the
// same weights. Scores are measured on scenes of the test split, which share no
// meaning with scenes of the training split.
//
// The noise schedule and the sampler are in package diffusion. Nothing that is
// served imports this package.
package pretrain
