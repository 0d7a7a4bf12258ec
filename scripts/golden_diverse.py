#!/usr/bin/env python3
"""Writes index/results/testdata/diverse.json: what maximal marginal relevance chooses.

    python golden_diverse.py index/results/testdata/diverse.json

Carbonell & Goldstein 1998, "The use of MMR, diversity-based reranking for reordering
documents and producing summaries", eq. 1, in float64: of the candidates, the nearest by
cosine, each choice has the largest

    lambda * cos(d, q) - (1 - lambda) * max over chosen c of cos(d, c)

Without a chosen one the maximum is 0. With metric the relevance is the rank-preserving
score exp(3 cos(d, q)), moved to 0 to 1 over the candidates. Vectors are small whole
numbers, of seed 7, so that the file is exact; a case is written only where the best choice
leads by 1e-4 each time, so that float32 decides alike."""

import json
import sys

import numpy as np


def choose(x, relevance, lam, k):
    chosen, gaps = [], []
    for _ in range(k):
        left = [i for i in range(len(x)) if i not in chosen]
        gain = [lam * relevance[i] - (1 - lam) * max((x[i] @ x[c] for c in chosen), default=0.0) for i in left]
        order = np.argsort(gain)[::-1]
        if len(order) > 1:
            gaps.append(gain[order[0]] - gain[order[1]])
        chosen.append(left[order[0]])
    return chosen, min(gaps)


def main(out):
    rng = np.random.default_rng(7)
    vectors = rng.integers(-9, 10, (60, 8))
    vectors[20:40] = vectors[:20] + rng.integers(-1, 2, (20, 8))  # near-duplicates
    query = rng.integers(-9, 10, 8)
    x = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    score = x @ (query / np.linalg.norm(query))
    order = np.argsort(-score, kind="stable")
    cases = []
    for metric in (False, True):
        for candidates in (12, 30, 60):
            among = order[:candidates]
            relevance = score[among]
            if metric:
                relevance = np.exp(3 * relevance)
                relevance = (relevance - relevance.min()) / (relevance.max() - relevance.min())
            for lam in (0.1, 0.35, 0.5, 0.8, 1.0):
                chosen, gap = choose(x[among], relevance, lam, 12)
                if gap > 1e-4:
                    cases.append({"metric": metric, "candidates": candidates, "lambda": lam, "want": [int(among[i]) for i in chosen]})
    with open(out, "w", encoding="utf-8") as f:
        json.dump({"vectors": vectors.tolist(), "query": query.tolist(), "cases": cases}, f, separators=(",", ":"))
        f.write("\n")
    print(f"{len(cases)} cases")


if __name__ == "__main__":
    main(sys.argv[1])
