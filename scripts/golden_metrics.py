"""Makes recon/metrics/testdata/golden.json: PixCorr and SSIM of small pictures by NumPy
and scikit-image, with MindEye's settings. The tolerance of the test is 1e-6.

    python golden_metrics.py ../recon/metrics/testdata/golden.json
"""

import json
import sys

import numpy as np
from skimage.color import rgb2gray
from skimage.metrics import structural_similarity

rng = np.random.default_rng(7)
cases = []
for height, width, noise in [(16, 16, 20), (13, 20, 60), (11, 11, 200)]:
    smooth = np.add.outer(np.arange(height), np.arange(width))[..., None] * rng.uniform(1, 7, 3)
    a = np.clip(smooth, 0, 255).astype(np.uint8)
    b = np.clip(smooth + rng.normal(0, noise, a.shape), 0, 255).astype(np.uint8)
    cases.append({
        "width": width, "height": height, "a": a.ravel().tolist(), "b": b.ravel().tolist(),
        "pixcorr": float(np.corrcoef(a.ravel().astype(float), b.ravel().astype(float))[0, 1]),
        "ssim": float(structural_similarity(
            rgb2gray(a / 255), rgb2gray(b / 255), data_range=1, gaussian_weights=True, sigma=1.5,
            use_sample_covariance=False)),
    })
with open(sys.argv[1], "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
