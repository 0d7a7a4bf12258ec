#!/usr/bin/env python3
"""Goldens of recon/metrics: metrics of reconstructions as the literature has them.

Writes two JSON files into recon/metrics/testdata/golden (about 13 KB). Made with
Python 3.11, PyTorch 2.15.0, NumPy 2.4.6 and scikit-image 0.26.0 (seed 20252):

    python scripts/golden_published_metrics.py

`paper` resizes both pictures to 425 pixels a side first, by PyTorch's bilinear
interpolate; PixCorr and SSIM then are as in golden_metrics.py. Two-way
identification and distance follow its definition, by numpy.corrcoef. The
tolerance is 1e-6.
"""

import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from skimage.color import rgb2gray
from skimage.metrics import structural_similarity

from golden_case import write

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "recon/metrics/testdata/golden"


def picture(rng, h, w):
    """Returns a smooth picture with noise, uint8 [h, w, 3]."""
    y, x = np.mgrid[0:h, 0:w]
    waves = [np.sin(x * a + y * b + c) for a, b, c in rng.uniform(-0.7, 0.7, (3, 3))]
    return np.clip(128 + 90 * np.stack(waves, -1) + rng.normal(0, 12, (h, w, 3)), 0, 255).astype(np.uint8)


def scores(a, b):
    corr = np.corrcoef(a.ravel(), b.ravel())[0, 1]
    ssim = structural_similarity(rgb2gray(a), rgb2gray(b), gaussian_weights=True, sigma=1.5,
                                 use_sample_covariance=False, data_range=1.0)
    return {"pixcorr": corr, "ssim": ssim}


def resize(a):
    t = torch.as_tensor(a).permute(2, 0, 1)[None]
    return F.interpolate(t, size=(425, 425), mode="bilinear", align_corners=False)[0].permute(1, 2, 0).numpy()


def pixels(rng, name, h, w, size=None):
    a = picture(rng, h, w)
    b = np.clip(0.7 * a + 0.3 * picture(rng, h, w), 0, 255).astype(np.uint8)
    x, y = a / 255.0, b / 255.0
    if size:
        x, y = resize(x), resize(y)
    write(GOLDEN, name, f"two pictures of {h} x {w}", attrs={"side": size or 0}, inputs={"seen": a, "made": b},
          outputs=scores(x, y))


def features(rng):
    seen = np.round(rng.standard_normal((9, 6)) * 128) / 128
    made = np.round((seen + 1.5 * rng.standard_normal((9, 6))) * 128) / 128
    r = np.corrcoef(seen, made)[:9, 9:]
    right = np.diag(r)
    below = [sum(r[i, j] < right[j] for i in range(9)) / 8 for j in range(9)]
    write(GOLDEN, "features", "features of nine pictures", attrs={}, inputs={"seen": seen, "made": made},
          outputs={"two_way": np.mean(below), "distance": np.mean(1 - right)})


if __name__ == "__main__":
    rng = np.random.default_rng(20252)
    pixels(rng, "paper", 20, 20, size=425)
    features(rng)
