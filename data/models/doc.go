// Package models has the demo's frozen models within the binary, so that one
// file shows the whole system on a machine without any weights: a small CLIP, an
// autoencoder, a latent denoiser, and a second CLIP that judges reconstructions. Each lies in a
// folder of its own (see embed/model) with a card, CARD.md, that says how it was made and what
// it is worth. They know the drawn world of data/scenes and nothing else.
//
// This trains them again:
//
//	engram pretrain --out data/models
package models
