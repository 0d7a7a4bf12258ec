#!/usr/bin/env python3
"""Does a ridge with a penalty of its own for each component identify more images?

    python scripts/study_lambda.py --voxels V.npy --targets T.npy --trials trials.csv [--images 250] [--seeds 5]

The arrays have the training images that `engram demo` keeps, each seen three
times; --trials has a column image with the rows of T as numbers. Of each seed 300 images
are identified among each other, by a ridge of other images. All trials of an image are
left out together to compare penalties. Prints image top-1 in per cent, from single scans
(1) and from the mean of three (3), by the cosine of scores (linear), of standardised
scores (whitened) and of scores weighted by b/sigma^2 (gains), with the mean difference
from one penalty for all components that has the least squared error.

Penalties: "one" the least squared error summed over components; "lower" one quarter of a
decade below it; "component" the least error of each component; "smooth" its moving mean
over 33 components in logarithms; "bands" the least error of each of eight bands.
"""

import argparse
import csv

import numpy as np
from scipy.linalg import eigh


def top1(scores, images):
    scores = scores / np.linalg.norm(scores, axis=1, keepdims=True)
    images = images / np.linalg.norm(images, axis=1, keepdims=True)
    return 100 * np.mean((scores @ images.T).argmax(1) == np.arange(len(images)))


def smooth(steps, width):
    padded = np.pad(steps.astype(float), (width // 2, width - 1 - width // 2), mode="edge")
    return np.rint(np.convolve(padded, np.ones(width) / width, "valid")).astype(int)


def left_out(x, y, penalties):
    """Errors of left-out images at each penalty, in the dual form, and XX'^-1 y."""
    n = len(x)
    values, vectors = eigh(x @ x.T)
    values, turned = np.maximum(values, 0), vectors.T @ y
    groups = vectors.reshape(-1, 3, n)
    for penalty in penalties:
        inverse = 1 / (values + penalty)
        solved = vectors @ (inverse[:, None] * turned)
        blocks = penalty * np.einsum("gik,k,gjk->gij", groups, inverse, groups, optimize=True) - 1 / n
        yield np.linalg.solve(blocks, penalty * solved.reshape(-1, 3, y.shape[1])).reshape(n, -1), solved


def identify(predicted, seen, images, test, test_images):
    found = {}
    factor = 1 / predicted.std(0)
    slope = np.maximum(0, (predicted * factor * seen).mean(0))
    power = (seen**2).mean(0)
    gain = slope / np.maximum(power - slope**2, 1e-6 * power)
    gain = np.maximum(gain, 1e-3 * gain.max())
    for repeats, query in ((1, test[::3]), (3, test.reshape(len(test_images), 3, -1).mean(1))):
        found[f"linear {repeats}"] = top1(query, test_images)
        found[f"whitened {repeats}"] = top1(query * factor, test_images / images.std(0))
        found[f"gains {repeats}"] = top1(query * factor * gain, test_images)
    return found


def seed_of(args, voxels, targets, of_image, seed):
    order = np.random.default_rng(seed).permutation(len(targets))
    test, train = order[:300], order[300:300 + args.images]
    x, xt = (voxels[of_image[i].ravel()].astype(float) for i in (train, test))
    mean, deviation = x.mean(0), x.std(0) + 1e-9
    x, xt = (x - mean) / deviation, (xt - mean) / deviation
    z, zt = (targets[i].reshape(len(i), -1).astype(float) for i in (train, test))
    z, zt = z - z.mean(0), zt - z.mean(0)
    values, vectors = eigh(z @ z.T)
    rank = min(512, len(z) - 2)
    basis = (z.T @ vectors[:, ::-1][:, :rank]) / np.sqrt(values[::-1][:rank])
    z, zt = z @ basis, zt @ basis
    seen = np.repeat(z, 3, 0)
    centre = seen.mean(0)
    penalties = (x**2).sum() / len(x) * 10.0 ** (np.arange(-8, 9) / 4)
    errors, predictions = [], []
    for missed, solved in left_out(x, seen - centre, penalties):
        errors.append(missed)
        predictions.append(xt @ (x.T @ solved) + centre)
    squared = np.array([(e**2).sum(0) for e in errors])
    best, each = squared.sum(1).argmin(), squared.argmin(0)
    bands = np.empty(rank, int)
    for band in np.array_split(np.arange(rank), 8):
        bands[band] = squared[:, band].sum(1).argmin()
    choices = {"one": np.full(rank, best), "lower": np.full(rank, max(0, best - 1)), "component": each,
               "smooth": smooth(each, min(33, max(1, rank // 4))), "bands": bands}
    columns = np.arange(rank)
    pick = lambda arrays, steps: np.stack([arrays[s][:, c] for c, s in zip(columns, steps)], 1)
    return {name: identify(seen - pick(errors, steps), seen, z, pick(predictions, steps), zt) for name, steps in choices.items()}


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--voxels", "--targets", "--trials"):
        args.add_argument(name, required=True)
    args.add_argument("--images", type=int, default=250)
    args.add_argument("--seeds", type=int, default=5)
    args = args.parse_args()
    voxels, targets = np.load(args.voxels, mmap_mode="r"), np.load(args.targets, mmap_mode="r")
    with open(args.trials) as file:
        image = np.array([int(row["image"]) for row in csv.DictReader(file)])
    of_image = np.array([np.flatnonzero(image == i) for i in range(len(targets))])
    found = [seed_of(args, voxels, targets, of_image, seed) for seed in range(1, args.seeds + 1)]
    for name in found[0]:
        means = {key: (np.mean([f[name][key] for f in found]), np.mean([f[name][key] - f["one"][key] for f in found])) for key in found[0]["one"]}
        print(f"{args.images} images, {name}: " + ", ".join(f"{key} {mean:.1f} ({difference:+.1f})" for key, (mean, difference) in means.items()), flush=True)


if __name__ == "__main__":
    main()
