#!/usr/bin/env python3
"""Goldens of embed/eval: similarities, scores and noise ceilings, by NumPy.

Writes one JSON file per case into embed/eval/testdata/golden (about 70 KB in
all). Made with Python 3.11, NumPy 2.4.6 and SciPy 1.17.1, in float64:

    python scripts/golden_eval.py

The format of a case is described in golden_case.py. Two-way identification is
computed as in MindEye's Reconstruction_Metrics.py, the confidence interval as in its
Retrievals.py; ranks are scipy.stats.rankdata(method="average").
"""

import pathlib

import numpy as np
from scipy import optimize, stats

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


def published():
    """Retrieval as MindEye's Retrievals.py and MindEye2's evaluation score it."""
    rng = np.random.default_rng(20239)
    n, t, d, gallery, draws = 40, 3, 4, 12, 30
    images = draw(rng, n, t * d).numpy() + 0.5
    predicted = images + draw(rng, n, t * d, scale=1.6).numpy()
    unit = lambda m, axis: m / np.linalg.norm(m, axis=axis, keepdims=True)
    flat = unit(predicted, 1) @ unit(images, 1).T  # [predictions, images], as there
    tokens = [unit(m.reshape(n, t, d), 2) for m in (predicted, images)]
    per_token = np.einsum("itd,jtd->tij", *tokens).mean(0)
    drawn = np.stack([rng.choice(n, gallery, replace=False) for _ in range(draws)])
    outputs = {}
    for name, sim in (("cosine", flat), ("token_cosine", per_token)):
        outputs[name] = sim.T
        for direction, all_of in (("image", sim), ("brain", sim.T)):
            top1 = lambda rows: np.mean(all_of[np.ix_(rows, rows)].argmax(1) == np.arange(len(rows)))
            hits = np.array([top1(rows) for rows in drawn])
            low, high = stats.norm.interval(0.95, loc=hits.mean(), scale=np.std(hits) / np.sqrt(draws))
            outputs[f"{name}_{direction}"] = [hits.mean(), low, high]
            outputs[f"{name}_{direction}_all"] = top1(np.arange(n))
    # Two-way identification: Pearson's r of all with all, features of what was seen first.
    r = np.corrcoef(images, predicted)[:n, n:]
    outputs["two_way"] = np.mean(np.sum(r < np.diag(r), axis=0) / (n - 1))
    write(GOLDEN, "published", "top 1 of 12 of 40 images in 30 draws, and of all 40; 3 tokens of 4 elements",
          inputs={"images": images, "predicted": predicted, "draws": drawn}, outputs=outputs)


def reliability():
    """Risk over coverage, and a logistic fit of Platt's targets by SciPy's optimiser."""
    rng = np.random.default_rng(20240)
    n = 60
    margin = np.round(rng.exponential(1, n) * 16) / 16  # ties
    hits = rng.random(n) < 1 / (1 + np.exp(-(2 * margin - 1)))
    def area(margin):
        # Every order of tied answers is equally likely: errors of a tie are shared.
        order = np.argsort(-margin, kind="stable")
        errors = (~hits[order]).astype(float)
        for value in np.unique(margin):
            tied = margin[order] == value
            errors[tied] = errors[tied].mean()
        return errors.cumsum() / np.arange(1, n + 1)
    plus, minus = hits.sum(), (~hits).sum()
    want = np.where(hits, (plus + 1) / (plus + 2), 1 / (minus + 2))
    x = margin / margin.std()
    loss = lambda p: np.sum(np.logaddexp(0, p[0] * x + p[1]) - want * (p[0] * x + p[1])) + 5e-7 * (p @ p)
    fit = optimize.minimize(loss, [0, 0], method="BFGS", options={"gtol": 1e-10}).x
    write(GOLDEN, "reliability", "60 margins with ties, and whether the first image was right",
          inputs={"margin": margin, "hits": hits},
          outputs={"risks": area(margin), "aurc": area(margin).mean(), "best": area(hits.astype(float)).mean(),
                   "probability": 1 / (1 + np.exp(-(fit[0] * x + fit[1])))})


def paired():
    rng = np.random.default_rng(20241)
    pairs = np.array([[0, 0], [1, 0], [3, 9], [12, 4], [40, 61]])
    p = [stats.binomtest(int(a), int(a + b)).pvalue if a + b else 1 for a, b in pairs]
    differences = np.round(rng.normal(0.15, 0.4, 25) * 64) / 64
    exact = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=200000,
                                   vectorized=True, rng=np.random.default_rng(1)).pvalue
    tests = np.array([0.01, 0.04, 0.03, 0.005])
    ordered = np.maximum.accumulate(np.sort(tests) * np.arange(len(tests), 0, -1))
    holm = np.minimum(1, ordered)[np.argsort(np.argsort(tests))]
    values = np.array([0.91, 0.88, 0.95, 0.79])
    student = stats.t.interval(0.95, len(values) - 1, loc=values.mean(), scale=stats.sem(values))
    write(GOLDEN, "paired", "exact McNemar tests, a sign-flip test by 200,000 draws, Holm's adjustment, Student's interval",
          inputs={"pairs": pairs, "differences": differences, "tests": tests, "subjects": values},
          outputs={"mcnemar": p, "sign_flip": exact, "holm": holm, "student": [values.mean(), *student]})


if __name__ == "__main__":
    scores()
    published()
    reliability()
    paired()
    confidence()
    ceilings()
