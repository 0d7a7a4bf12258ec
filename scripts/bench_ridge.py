#!/usr/bin/env python3
"""The ridge of embed/scan's BenchmarkRidgeOfASubject in SciPy, for comparison.

    python scripts/bench_ridge.py [--factor float32|float64] [--trials 9000] [--voxels 15724] [--targets 768]

The dual form: K = XX' in float32, then a Cholesky factorisation of K + lambda I
for all trials and for those outside of each of five folds, the predictions of the
fold from the others, and the weights of all trials. lambda is given, where
Engram chooses it by leaving out every image and leaves every image out in the
end as well. Prints CPU seconds of each part (all threads) and the peak memory.
Compare with

    go test ./embed/scan -run '^$' -bench RidgeOfASubject -benchtime 1x -timeout 30m
"""

import argparse
import resource
import time

import numpy as np
from scipy.linalg import cho_factor, cho_solve


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--factor", choices=["float32", "float64"], default="float64")
    args.add_argument("--trials", type=int, default=9000)
    args.add_argument("--voxels", type=int, default=15724)
    args.add_argument("--targets", type=int, default=768)
    args = args.parse_args()
    rng = np.random.default_rng(1)
    x = rng.standard_normal((args.trials, args.voxels), dtype=np.float32)
    y = rng.standard_normal((args.trials, args.targets), dtype=np.float32)
    x -= x.mean(0)
    y -= y.mean(0)
    clock, begin = time.process_time, time.perf_counter()
    start = clock()
    k = (x @ x.T).astype(args.factor)
    print(f"XX': {clock() - start:.1f} s")
    lam = np.trace(k) / args.trials
    solved = clock()

    def solve(trials):
        part = k[np.ix_(trials, trials)] if len(trials) < len(k) else k.copy()
        part[np.diag_indices_from(part)] += lam
        return cho_solve(cho_factor(part, lower=True, overwrite_a=True, check_finite=False),
                         y[trials].astype(args.factor), check_finite=False)

    everything = np.arange(args.trials)
    weights = x.T @ solve(everything).astype(np.float32)
    left = np.empty_like(y)
    for fold in np.array_split(rng.permutation(args.trials), 5):
        others = np.setdiff1d(everything, fold)
        left[fold] = k[np.ix_(fold, others)] @ solve(others)
    print(f"six fits: {clock() - solved:.1f} s")
    print(f"all: {clock() - start:.1f} CPU s, {time.perf_counter() - begin:.1f} s, "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB, {weights.shape}")


if __name__ == "__main__":
    main()
