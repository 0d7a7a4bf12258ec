// Package diffusion holds the arithmetic of diffusion that training a denoiser and
// sampling from it share: the noise schedule of a model, the solvers DDIM, Euler,
// DPM-Solver++(2M) and UniPC, and their loop with classifier-free guidance, from
// noise or from an image. It knows nothing of networks: whoever has one gives Sample
// its predictions.
//
// All solvers keep latents in the frame of constant variance, signal·clean +
// noise·ε with signal² + noise² = 1, in which networks are trained. Solvers that
// are published in the frame of growing variance, clean + σ·ε, differ by a factor.
package diffusion
