#!/usr/bin/env python3
"""Goldens of recon/pretrain: the three networks, the contrastive loss, noise.

Writes one JSON file per case into recon/pretrain/testdata/golden (about 33 KB)
and recon/diffusion/testdata/golden (about 5 KB). Made with Python 3.11,
PyTorch 2.15.0 and NumPy 2.4.6, in float64:

    python scripts/golden_pretrain.py

The format of a case is described in golden_case.py. Parameters have the names
of the package, weights of products are [in, out]. The schedules and DDIM are
written after the formulas of the diffusers library (0.31, scheduling_ddim.py:
betas_for_alpha_bar, and DDIMScheduler.step with eta = 0, trailing timesteps and
clip_sample off), in NumPy.
"""

import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

from golden_case import draw, write

PRETRAIN = pathlib.Path(__file__).resolve().parent.parent / "recon/pretrain"
GOLDEN = PRETRAIN / "testdata/golden"


class Layers:
    """Layers whose parameters are drawn when they are first named."""

    def __init__(self, rng):
        self.rng, self.params = rng, {}

    def param(self, name, *shape, mean=0.0):
        if name not in self.params:
            self.params[name] = mean + draw(self.rng, *shape, scale=0.4)
        return self.params[name]

    def linear(self, name, x, out):
        w = self.param(f"{name}.weight", x.shape[-1], out)
        return F.linear(x, w.T, self.param(f"{name}.bias", out))

    def norm(self, name, x):
        width = x.shape[-1]
        return F.layer_norm(x, (width,), self.param(f"{name}.gain", width, mean=1.0),
                            self.param(f"{name}.bias", width), 1e-5)

    def transformer(self, name, x, layers, heads, padding=None):
        """padding [n, tokens] is true where a token may not be seen."""
        for i in range(layers):
            y = self.norm(f"{name}.{i}.norm1", x)
            n, tokens, width = y.shape
            q, k, v = (self.linear(f"{name}.{i}.attention.{part}", y, width)
                       .reshape(n, tokens, heads, -1).transpose(1, 2) for part in ("query", "key", "value"))
            seen = None if padding is None else ~padding[:, None, None, :]
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
            x = x + self.linear(f"{name}.{i}.attention.out", y.transpose(1, 2).reshape(n, tokens, width), width)
            y = self.norm(f"{name}.{i}.norm2", x)
            y = F.gelu(self.linear(f"{name}.{i}.mlp.in", y, 4 * width))
            x = x + self.linear(f"{name}.{i}.mlp.out", y, width)
        return x


def patches(x, p):
    """[n, C, S, S] to [n, (S/p)^2, C p p]: F.unfold lists channels first, too."""
    return F.unfold(x, p, stride=p).transpose(1, 2)


def unpatches(x, p, size):
    return F.fold(x.transpose(1, 2), size, p, stride=p)


WIDTH, HEADS, SIZE, PATCH, DIM, CHANNELS = 4, 2, 4, 2, 3, 3


def clip(rng):
    net = Layers(rng)
    pixels = draw(rng, 2, 3, SIZE, SIZE, scale=0.5)
    x = net.linear("image.patch", patches(pixels, PATCH), WIDTH)
    x = torch.cat([x.mean(1, keepdim=True), x], 1)
    x = x + net.param("image.position", 5, WIDTH)
    x = net.norm("image.norm", net.transformer("image", x, 1, HEADS))
    write(GOLDEN, "clip_image", "the image transformer of a CLIP, 4x4 pixels, all tokens projected",
          inputs={"pixels": pixels}, params=net.params, outputs={"tokens": net.linear("image.project", x, DIM)})

    net = Layers(rng)
    ids = torch.tensor([[2, 5, 1, 0, 0], [3, 3, 4, 6, 2]])
    x = net.param("text.word", 7, WIDTH)[ids] + net.param("text.position", 5, WIDTH)
    x = net.norm("text.norm", net.transformer("text", x, 1, HEADS, padding=ids == 0))
    said = (ids != 0).double()[..., None]
    x = net.linear("text.project", (x * said).sum(1) / said.sum(1), DIM)
    write(GOLDEN, "clip_text", "the text transformer of a CLIP; id 0 is padding",
          inputs={"ids": ids}, params=net.params, outputs={"embedding": x})


def contrast(rng):
    image, text = (draw(rng, 5, 4).requires_grad_() for _ in range(2))
    scale = torch.tensor([7.5], dtype=torch.float64, requires_grad=True)
    meaning = torch.tensor([11, 12, 11, 13, 12])
    same = (meaning[:, None] == meaning).double()
    labels = same / same.sum(1, keepdim=True)
    logits = scale * F.normalize(image, dim=1) @ F.normalize(text, dim=1).T
    loss = (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
    loss.backward()
    write(GOLDEN, "contrast", "the symmetric contrastive loss; pairs 0 and 2, 1 and 4 mean the same",
          inputs={"image": image, "text": text, "scale": scale, "meaning": meaning}, outputs={"loss": loss},
          grads={"image": image.grad, "text": text.grad, "scale": scale.grad})


def autoencoder(rng):
    net = Layers(rng)
    pixels = draw(rng, 2, 3, SIZE, SIZE, scale=0.5)
    side = SIZE // PATCH
    x = net.linear("encoder.patch", patches(pixels, PATCH), WIDTH) + net.param("encoder.position", side**2, WIDTH)
    x = net.norm("encoder.norm", net.transformer("encoder", x, 1, HEADS))
    latent = F.layer_norm(net.linear("encoder.latent", x, CHANNELS), (CHANNELS,), eps=1e-5)
    x = net.linear("decoder.latent", latent, WIDTH) + net.param("decoder.position", side**2, WIDTH)
    x = net.norm("decoder.norm", net.transformer("decoder", x, 1, HEADS))
    x = net.linear("decoder.patch", x, 3 * PATCH**2)
    write(GOLDEN, "autoencoder", "a patch autoencoder without noise on the latent", inputs={"pixels": pixels},
          params=net.params, outputs={"latent": latent.transpose(1, 2).reshape(2, CHANNELS, side, side),
                                      "image": unpatches(x, PATCH, SIZE)})


def denoiser(rng):
    net = Layers(rng)
    side, bumps = 2, 64
    latent, context = draw(rng, 2, CHANNELS, side, side), draw(rng, 2, 5, DIM, scale=0.6)
    time = torch.tensor([0.0, 640.0], dtype=torch.float64)
    # The table of the first product is large: only the rows that matter are drawn.
    first = torch.zeros(bumps, WIDTH, dtype=torch.float64)
    first[:4], first[38:43] = draw(rng, 4, WIDTH), draw(rng, 5, WIDTH)
    net.params["time.in.weight"] = first
    scaled = context * math.sqrt(DIM)
    at = time[:, None] * (bumps - 1) / 999
    clock = torch.exp(-((at - torch.arange(bumps)) ** 2) / 2)
    clock = net.linear("time.out", F.gelu(net.linear("time.in", clock, WIDTH)), WIDTH)
    x = net.linear("latent", patches(latent, 1), WIDTH) + net.linear("local", scaled[:, 1:], WIDTH)
    x = torch.cat([clock[:, None], net.linear("global", scaled[:, :1], WIDTH), x], 1)
    x = x + net.param("position", 6, WIDTH)
    x = net.norm("norm", net.transformer("layers", x, 1, HEADS))[:, 2:]
    write(GOLDEN, "denoiser", "a denoiser at two times", inputs={"latent": latent, "time": time, "context": context},
          params=net.params, outputs={"prediction": unpatches(net.linear("out", x, CHANNELS), 1, side)})


def alphas_cumprod(schedule, steps, start=0.00085, end=0.012):
    if schedule == "linear":
        betas = np.linspace(start, end, steps)
    elif schedule == "scaled_linear":
        betas = np.linspace(start**0.5, end**0.5, steps) ** 2
    else:
        bar = lambda t: math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
        betas = np.array([min(1 - bar((i + 1) / steps) / bar(i / steps), 0.999) for i in range(steps)])
    return np.cumprod(1 - betas)


def ddim(alphas, kind, x, prediction, step, before):
    a = alphas[step]
    a_before = alphas[before] if before >= 0 else 1.0
    if kind == "epsilon":
        x0, e = (x - (1 - a) ** 0.5 * prediction) / a**0.5, prediction
    elif kind == "sample":
        x0, e = prediction, (x - a**0.5 * prediction) / (1 - a) ** 0.5
    else:
        x0, e = a**0.5 * x - (1 - a) ** 0.5 * prediction, a**0.5 * prediction + (1 - a) ** 0.5 * x
    return a_before**0.5 * x0 + (1 - a_before) ** 0.5 * e


def noise(rng):
    golden = PRETRAIN.parent / "diffusion/testdata/golden"
    at = [0, 1, 250, 500, 997, 999]
    for schedule in ("linear", "scaled_linear", "cosine"):
        alphas = alphas_cumprod(schedule, 1000)
        write(golden, schedule, "the share of the signal's variance that is left after some of 1000 steps",
              attrs={"beta_start": 0.00085, "beta_end": 0.012, "at": at}, outputs={"left": alphas[at]})
    alphas = alphas_cumprod("scaled_linear", 1000)
    steps = np.round(np.arange(1000, 0, -1000 / 4)).astype(int) - 1
    x, predictions = draw(rng, 6).numpy(), draw(rng, len(steps), 6).numpy()
    for kind in ("epsilon", "sample", "v"):
        y, trace = x.copy(), []
        for i, step in enumerate(steps):
            y = ddim(alphas, kind, y, predictions[i], step, steps[i + 1] if i + 1 < len(steps) else -1)
            trace.append(y)
        write(golden, f"ddim_{kind}", "DDIM in 4 steps of a scaled linear schedule of 1000 on given predictions",
              attrs={"beta_start": 0.00085, "beta_end": 0.012, "steps": [int(s) for s in steps]},
              inputs={"x": x, "predictions": predictions}, outputs={"after_each_step": np.stack(trace)})
    matrix, condition = draw(rng, 6, 6, scale=0.3).numpy(), draw(rng, 6).numpy()
    y, guidance = x.copy(), 2.5
    for i, step in enumerate(steps):
        without = matrix @ y + step / 1000
        predicted = without + guidance * (without * 0.5 + condition - without)
        y = ddim(alphas, "v", y, predicted, step, steps[i + 1] if i + 1 < len(steps) else -1)
    write(golden, "sample", "4 steps of DDIM and guidance; a network predicts p = matrix·x + step/1000, and p/2 + "
          "condition with its condition", outputs={"clean": y},
          attrs={"beta_start": 0.00085, "beta_end": 0.012, "steps": len(steps), "guidance": guidance},
          inputs={"x": x, "matrix": matrix, "condition": condition})


if __name__ == "__main__":
    clip(np.random.default_rng(20241))
    contrast(np.random.default_rng(20242))
    autoencoder(np.random.default_rng(20243))
    denoiser(np.random.default_rng(20244))
    noise(np.random.default_rng(20245))
