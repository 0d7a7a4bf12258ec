#!/usr/bin/env python3
"""Goldens of recon/diffusion: the solvers of the diffusers library, step by step.

Writes one JSON file per case into recon/diffusion/testdata/golden (about 25 KB).
Made with Python 3.11, PyTorch 2.15.0, NumPy 2.4.6 and diffusers 0.42.1, whose
solvers count in float32:

    python scripts/golden_solvers.py

Each case gives a solver the noise x and, at each step, one of the drawn
predictions (seed 20251), whatever the latent is. `times` is what the network is
told. Latents are in the frame of constant variance: those that a library keeps in
the frame of growing variance are divided by sqrt(1 + sigma^2). The tolerance is
1e-5 * (1 + |x|).
"""

import pathlib

import numpy as np
import torch
from diffusers import (DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler,
                       UniPCMultistepScheduler)

from golden_case import draw, write

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "recon/diffusion/testdata/golden"
STEPS = 6
PREDICTIONS = {"epsilon": "epsilon", "v": "v_prediction", "sample": "sample"}
BETAS = {"linear": "linear", "scaled_linear": "scaled_linear", "cosine": "squaredcos_cap_v2"}


def case(rng, method, spacing, prediction, karras=False, order=2, offset=0, betas="scaled_linear", steps=STEPS):
    common = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": BETAS[betas],
              "prediction_type": PREDICTIONS[prediction], "timestep_spacing": spacing, "steps_offset": offset}
    if method == "ddim":
        solver = DDIMScheduler(**common, clip_sample=False, set_alpha_to_one=True)
    elif method == "euler":
        if prediction == "sample":
            common["prediction_type"] = "original_sample"
        solver = EulerDiscreteScheduler(**common, use_karras_sigmas=karras)
    elif method == "dpm++2m":
        solver = DPMSolverMultistepScheduler(**common, use_karras_sigmas=karras)
    else:
        solver = UniPCMultistepScheduler(**common, use_karras_sigmas=karras, solver_order=order, solver_type="bh2")
    solver.set_timesteps(steps)
    x, predictions = draw(rng, 1, 5).double(), draw(rng, steps, 1, 5).double()
    growing = lambda i: float(torch.sqrt(1 + solver.sigmas[i].double() ** 2)) if method == "euler" else 1.0
    y, trace = x * growing(0), []
    for i, t in enumerate(solver.timesteps):
        if method == "euler":
            solver.scale_model_input(y, t)  # which the library wants to have been called
        y = solver.step(predictions[i], t, y).prev_sample
        trace.append(y.double() / growing(i + 1))
    name = f"{method.replace('++', '')}_{spacing}_{prediction}" + ("_karras" if karras else "")
    name += (f"_{order}" if method == "unipc" else "") + ("_cosine" if betas == "cosine" else "")
    write(GOLDEN, name, f"{steps} steps of {method} on given predictions",
          attrs={"beta_start": 0.00085, "beta_end": 0.012, "betas": betas, "method": method, "spacing": spacing,
                 "prediction": prediction, "karras": int(karras), "order": order, "offset": offset,
                 "times": [float(t) for t in solver.timesteps]},
          inputs={"x": x, "predictions": predictions}, outputs={"after_each_step": torch.stack(trace)})


if __name__ == "__main__":
    rng = np.random.default_rng(20251)
    case(rng, "ddim", "leading", "epsilon", offset=1)
    case(rng, "ddim", "trailing", "v", betas="cosine", steps=5)  # which divides 1000: see NOTES.md
    for spacing, prediction, karras in (("linspace", "epsilon", False), ("leading", "v", False),
                                        ("trailing", "sample", False), ("linspace", "epsilon", True),
                                        ("leading", "v", True)):
        case(rng, "euler", spacing, prediction, karras, offset=int(spacing == "leading"))
        case(rng, "dpm++2m", spacing, prediction, karras, offset=int(spacing == "leading"))
    case(rng, "dpm++2m", "trailing", "v", betas="cosine")
    for order, spacing, prediction, karras in ((1, "linspace", "epsilon", False), (2, "leading", "epsilon", False),
                                               (2, "trailing", "v", False), (2, "linspace", "sample", True),
                                               (3, "linspace", "v", False), (3, "leading", "epsilon", False),
                                               (3, "trailing", "sample", True)):
        case(rng, "unipc", spacing, prediction, karras, order, offset=int(spacing == "leading"))
    case(rng, "unipc", "trailing", "v", order=3, betas="cosine")
