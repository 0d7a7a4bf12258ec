// Package diffusion holds the arithmetic of diffusion that training a denoiser and
// sampling from it share: the noise schedule of a model, the deterministic
// sampler DDIM and its loop with classifier-free guidance. It knows nothing of
// networks: whoever has one gives Sample its predictions.
package diffusion
