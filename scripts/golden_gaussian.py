#!/usr/bin/env python3
"""Goldens of the Gaussian decoder in embed/scan.

Writes two JSON cases into embed/scan/testdata/golden (about 10 KB in all). Made with
Python 3.11 and NumPy 2.4.6, in float64:

    python scripts/golden_gaussian.py

The format of a case is described in golden_case.py. The model is p = A z + b + e + f of
the scores p that a trial predicts for an image with the scores z; e is a trial's own
error and f is the same in all trials of an image. Everything is computed from its
definition: A by stacking the penalty as rows of a least-squares problem, its degrees of
freedom as the trace of the hat matrix, the covariances from residuals, the trend of the
correlations by numpy.polyfit, the density by solving with the covariance of the mean of
n trials. The seed is 20271. The test compares to 1e-6.
"""

import pathlib

import numpy as np

from golden_case import draw, write

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "embed/scan/testdata/golden"
REPEATS = [1, 2, 3, 3, 2, 3, 1, 3, 2, 3, 3, 2, 3, 2]  # of each image
LEAST = 1e-6  # of the mean variance of a prediction
PRIOR = 250  # images that the trend over components is worth


def own_slopes(zc, pc):
    return np.maximum((zc * pc).sum(0) / (zc * zc).sum(0), 0)


def slope(zc, pc, penalty):
    """Each component's own slope, and a ridge regression of what it leaves, with the
    degrees of freedom of that regression."""
    own = own_slopes(zc, pc)
    if np.isinf(penalty):
        return np.diag(own), 0
    n, r = zc.shape
    weight = np.sqrt(penalty * (zc * zc).mean() * n)
    rows = np.vstack([zc, weight * np.eye(r)])
    rest = np.vstack([pc - zc * own, np.zeros((r, r))])
    used = np.trace(zc @ np.linalg.pinv(rows)[:, :n])
    return np.diag(own) + np.linalg.lstsq(rows, rest, rcond=None)[0].T, used


def pool(a, total, trial, own, ratio):
    """Correlations are drawn towards their trend, and shares of errors to their mean."""
    rho = own / ratio
    number = np.log(np.arange(len(rho)) + 3)
    line = np.polyval(np.polyfit(number, rho, 1), number)
    assert (line > .02).all() and (line < 1).all()
    weight = PRIOR / (PRIOR + len(REPEATS))
    pooled = np.sqrt((1 - weight) * rho**2 + weight * line**2)
    error = np.sqrt((1 - pooled**2) / (1 - rho**2))
    share = np.diag(trial) / np.diag(total)
    of_trial = error * np.sqrt(((1 - weight) * share + weight * share.mean()) / share)
    return a + np.diag((pooled - rho) * ratio), total * np.outer(error, error), trial * np.outer(of_trial, of_trial)


def shrunk(s, share):
    return (1 - share) * s + share * np.diag(np.diag(s))


def case(name, penalty, shrinkage, rank):
    rng = np.random.default_rng(20271)
    z = draw(rng, len(REPEATS), 5).numpy()
    mixing, misfit, noise = (draw(rng, 5, 5, scale=s).numpy() for s in (.5, 1, .5))
    images = np.repeat(np.arange(len(REPEATS)), REPEATS)
    clean = z @ (np.eye(5) + mixing) + draw(rng, len(REPEATS), 5).numpy() @ misfit + .5
    predicted = np.round((clean[images] + draw(rng, len(images), 5).numpy() @ noise) * 128) / 128

    zr, pr = z[:, :rank], predicted[:, :rank]
    mean = np.array([pr[images == i].mean(0) for i in range(len(z))])
    zc, pc = zr - zr.mean(0), mean - mean.mean(0)
    a, used = slope(zc, pc, penalty)
    residual = pc - zc @ a.T
    deviation = pr - mean[images]
    trial = deviation.T @ deviation / (len(images) - len(z))
    of_mean = 1 - np.mean(1 / np.array(REPEATS))
    total = residual.T @ residual / len(z) / (1 - (1 + used) / len(z))**2 + of_mean * trial
    pp = pc.T @ pc / len(z)
    ratio = np.sqrt((np.diag(pp) + of_mean * np.diag(trial)) / (zc * zc).mean(0))
    a, total, trial = pool(a, total, trial, own_slopes(zc, pc), ratio)
    b = mean.mean(0) - a @ zr.mean(0)
    total_s = shrunk(total, shrinkage) + LEAST * np.trace(pp) / rank * np.eye(rank)
    trial_s = shrunk(trial, shrinkage)
    outputs = {"slope": a, "bias": b, "total": total, "trial": trial}
    for n in (1, 3):
        covariance = total_s - trial_s + trial_s / n
        assert np.linalg.eigvalsh(total_s - trial_s).min() > 0
        d = pr[:4, None, :] - (zr @ a.T + b)[None]  # [trials, images, rank]
        density = -.5 * np.einsum("tir,tir->ti", d, np.linalg.solve(covariance, d.reshape(-1, rank).T).T.reshape(d.shape))
        outputs[f"density_{n}"] = density - density[:, :1]
    write(GOLDEN, name,
          "the likelihood of the first four trials' scores given each image, less that of the first image, for "
          "predictions from one trial and from the mean of three",
          attrs={"penalty": -1 if np.isinf(penalty) else penalty, "shrinkage": shrinkage, "rank": rank},
          inputs={"scores": z, "predicted": predicted, "images": images}, outputs=outputs)


if __name__ == "__main__":
    case("gaussian_full", .1, .3, 5)
    case("gaussian_diagonal", np.inf, 1, 4)
