// Package noise holds the arithmetic of diffusion that training a denoiser and
// sampling from it share: the noise schedule of a bundle and the deterministic
// sampler DDIM. It knows nothing of networks.
package noise
