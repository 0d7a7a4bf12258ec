#!/usr/bin/env python3
"""Goldens of the first stage of a search by scan, in embed/scan.

Writes two JSON cases into embed/scan/testdata/golden (about 6 KB in all). Made with
Python 3.11 and NumPy 2.4.6, in float64:

    python scripts/golden_first_stage.py

The format of a case is described in golden_case.py. The query of a prediction is its
ridge regression on the vectors of the training images, times a power of the inverse
covariance of these vectors, at unit length. Everything is computed from its definition:
the regression by stacking the penalty as rows of a least-squares problem, the power from
the singular values of the centred vectors of the images, each once, which are divided by
the largest and bounded from below; directions in which the images do not differ are left
out. In the second case the regression is replaced by the first token of the
predicted scores, whose mean is not taken away, and the last component has no variance. The
seed is 20272. The test compares to 1e-5: the map is kept in float32.
"""

import pathlib

import numpy as np

from golden_case import draw, write

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "embed/scan/testdata/golden"
RIDGE = .01  # of the mean variance of a predicted score
LEAST = 1e-4  # of the largest eigenvalue


def case(name, power, by_token):
    rng = np.random.default_rng(20272)
    images = np.repeat(np.arange(12), [1, 2, 3] * 4)
    vectors = draw(rng, 12, 4).numpy() * [3, 1, .5, 0 if by_token else .25]
    vectors[:, 1] += 4
    vectors = np.round(vectors / np.linalg.norm(vectors, axis=1, keepdims=True) * 2**16) / 2**16
    token = draw(rng, 5, 4).numpy()
    predicted = np.round((draw(rng, 12, 5).numpy()[images] + draw(rng, len(images), 5, scale=.5).numpy() + .5) * 128) / 128

    seen = vectors[images]
    mean = np.zeros(5) if by_token else predicted.mean(0)
    if by_token:
        weight = token
    else:
        x, y = predicted - mean, seen - seen.mean(0)
        rows = np.vstack([x, np.sqrt(RIDGE * (x * x).sum() / 5) * np.eye(5)])
        weight = np.linalg.lstsq(rows, np.vstack([y, np.zeros((5, 4))]), rcond=None)[0]
    _, s, axes = np.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
    s, axes = s[s > 1e-3 * s[0]], axes[s > 1e-3 * s[0]]
    white = axes.T @ np.diag(np.maximum((s / s[0])**2, LEAST)**-power) @ axes
    query = (predicted[:4] - mean) @ weight @ white
    query /= np.linalg.norm(query, axis=1, keepdims=True)
    inputs = {"vectors": vectors, "predicted": predicted, "images": images}
    if by_token:
        inputs["token"] = token
    write(GOLDEN, name, "the queries of the first four predictions", attrs={"power": power}, inputs=inputs, outputs={"query": query})


if __name__ == "__main__":
    case("first_stage_ridge", .75, False)
    case("first_stage_token", .5, True)
