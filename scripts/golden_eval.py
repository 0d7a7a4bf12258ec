#!/usr/bin/env python3
"""Goldens of embed/eval: similarities, scores and noise ceilings, by NumPy.

Writes one JSON file per case into embed/eval/testdata/golden (about 12 KB in
all). Made with Python 3.11, NumPy 2.4.6 and SciPy 1.17.1, in float64:

    python scripts/golden_eval.py

The format of a case is described in golden_case.py. Two-way identification is
computed as in MindEye's Reconstruction_Metrics.py, the confidence interval as in its
Retrievals.py; ranks are scipy.stats.rankdata(method="average").
"""

import pathlib

import numpy as np
from scipy import stats

from golden_case import draw, write

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "embed/eval/testdata/golden"


def similarity(images, predicted, metric):
    if metric == "pearson":
        return np.corrcoef(images, predicted)[: len(images), len(images):]
    unit = lambda m: m / np.linalg.norm(m, axis=1, keepdims=True)
    return unit(images) @ unit(predicted).T


def ranks(sim):
    """The rank of the right image among all, by column; a tie shares its ranks."""
    # Equal embeddings have equal similarity but for rounding.
    sim = np.round(sim, 12)
    return np.array([stats.rankdata(-sim[:, j], method="average")[j] for j in range(len(sim))])


def two_way(sim):
    sim = np.round(sim, 12)
    return np.mean([(sim[:, j] < sim[j, j]).sum() / (len(sim) - 1) for j in range(len(sim))])


def scores():
    rng = np.random.default_rng(20236)
    images = draw(rng, 12, 8).numpy() + 1  # not centred, so that the metrics differ
    predicted = images + draw(rng, 12, 8, scale=1.5).numpy()
    images[7] = images[2]  # two ties of images, one of scans
    images[9] = images[2]
    predicted[4] = predicted[11]
    for metric in ("pearson", "cosine"):
        sim = similarity(images, predicted, metric)
        write(GOLDEN, f"scores_{metric}",
              "images 2, 7 and 9 are equal, and predictions 4 and 11",
              inputs={"images": images, "predicted": predicted},
              outputs={"similarity": sim, "two_way": two_way(sim), "image_ranks": ranks(sim),
                       "brain_ranks": ranks(sim.T), "image_top3": (ranks(sim) <= 3).mean(),
                       "brain_top3": (ranks(sim.T) <= 3).mean()})


def confidence():
    hits = np.round(np.random.default_rng(20237).uniform(0.8, 1, 30) * 300) / 300
    low, high = stats.norm.interval(0.95, loc=hits.mean(), scale=np.std(hits) / np.sqrt(len(hits)))
    write(GOLDEN, "interval", "the mean of 30 draws and its 95 % normal interval",
          inputs={"scores": hits}, outputs={"mean": hits.mean(), "low": low, "high": high})


def ceilings():
    rng = np.random.default_rng(20238)
    images, voxels, repeats = 10, 5, 3
    signal = draw(rng, images, voxels).numpy() * np.array([2, 1, 0.5, 0, 0])
    trials = signal + draw(rng, repeats, images, voxels).numpy() * np.array([0.5, 1, 1, 1, 0])
    trials = np.round(trials * 128) / 128
    noise = trials.var(axis=0, ddof=1).mean(axis=0)
    total = trials.reshape(-1, voxels).var(axis=0, ddof=1)
    with np.errstate(invalid="ignore"):
        ncsnr = np.nan_to_num(np.sqrt(np.maximum(total - noise, 0) / noise))
        reliability = np.nan_to_num([np.corrcoef(trials[0][:, v], trials[1][:, v])[0, 1] for v in range(voxels)])
    write(GOLDEN, "ceilings",
          "voxels of falling signal, the fourth without any, the fifth constant; NSD's formulas",
          inputs={f"repeat{r}": trials[r] for r in range(repeats)},
          outputs={"ncsnr": ncsnr, "ceiling_of_1": ncsnr**2 / (ncsnr**2 + 1),
                   "ceiling_of_3": ncsnr**2 / (ncsnr**2 + 1 / 3),
                   "split_half": reliability, "spearman_brown_2": 2 * reliability / (1 + reliability)})


if __name__ == "__main__":
    scores()
    confidence()
    ceilings()
