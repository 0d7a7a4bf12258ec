#!/usr/bin/env python3
"""Other libraries for vectors on the files of engram bench, for comparison.

    pip install numpy hnswlib usearch faiss-cpu scann torch fastapi uvicorn
    engram bench --vectors train.npy --queries query.npy --truth gt_ids.npy --json engram.json
    python scripts/bench_peers.py search --data DIR [--engram 'engram bench ...'] [--native hnsw_native]
    python scripts/bench_peers.py batch --data DIR
    python scripts/bench_peers.py serve --data DIR --port 8090     # then: engram bench --server http://127.0.0.1:8090

DIR has train.npy [N, D] and query.npy [Q, D] of unit vectors, and gt_ids.npy [Q, 16 or
more] of the rows nearest to each query. `search` builds an index with each library
on --threads threads, and searches on one thread for the 16 nearest, one query at a
time, for more and more effort. Of each library it prints the fastest setting that
reaches each recall@10, as a ratio to Engram's in the same minutes: --engram is a
command that is run before and after each library and writes the report named by
--json. --native is a program that takes DIR, threads and "i8" and prints lines with
ef, recall@10 and QPS. `batch` times exact search of 512 queries together, by a
float32 matrix product. `serve` answers POST /v1/search as Engram does, with FastAPI
and an HNSW index of faiss, which is what a few lines of Python give.

A library that is not installed is left out. Quote ratios, not times.
"""

import argparse
import json
import pathlib
import re
import shlex
import statistics
import subprocess
import time

import numpy as np

K, FIRST = 16, 10
TARGETS = (0.90, 0.95, 0.98, 0.99)
EFFORTS = (16, 24, 32, 48, 64, 96, 128, 192, 256)


def load(folder):
    folder = pathlib.Path(folder)
    train = np.ascontiguousarray(np.load(folder / "train.npy"), np.float32)
    query = np.ascontiguousarray(np.load(folder / "query.npy"), np.float32)
    truth = np.load(folder / "gt_ids.npy")[:, :K]
    return train, query, truth


def recall(found, truth):
    """Mean recall@10 of ids [Q, 16]."""
    return float(np.mean([len(set(f[:FIRST]) & set(t[:FIRST])) / FIRST for f, t in zip(found, truth)]))


def hnswlib_f32(train, threads):
    import hnswlib
    index = hnswlib.Index(space="ip", dim=train.shape[1])
    index.init_index(max_elements=len(train), M=16, ef_construction=200, random_seed=1)
    index.add_items(train, num_threads=threads)

    def search(q, effort):
        return index.knn_query(q, k=K, num_threads=1)[0][0]
    return [(f"ef={e}", e, search, lambda e=e: index.set_ef(e)) for e in EFFORTS]


def usearch_i8(train, threads):
    from usearch.index import Index
    index = Index(ndim=train.shape[1], metric="ip", dtype="i8", connectivity=16, expansion_add=200)
    index.add(np.arange(len(train)), train, threads=threads)

    def search(q, effort):
        # i8 scores are approximate: as many as the effort are scored again exactly.
        keys = index.search(q, max(K, effort // 2), threads=1).keys.astype(np.int64)
        return keys[np.argsort(-(train[keys] @ q), kind="stable")[:K]]
    return [(f"ef={e}", e, search, lambda e=e: setattr(index, "expansion_search", e)) for e in EFFORTS]


def faiss_hnsw(train, threads):
    import faiss
    faiss.omp_set_num_threads(threads)
    index = faiss.IndexHNSWFlat(train.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 200
    index.add(train)
    faiss.omp_set_num_threads(1)

    def search(q, effort):
        return index.search(q[None], K)[1][0]
    return [(f"ef={e}", e, search, lambda e=e: setattr(index.hnsw, "efSearch", e)) for e in EFFORTS]


def faiss_ivf_sq8(train, threads):
    import faiss
    faiss.omp_set_num_threads(threads)
    index = faiss.index_factory(train.shape[1], "IVF1024,SQ8", faiss.METRIC_INNER_PRODUCT)
    index.train(train[:: max(1, len(train) // 50_000)])
    index.add(train)
    faiss.omp_set_num_threads(1)

    def search(q, effort):
        ids = index.search(q[None], 32)[1][0]
        return ids[np.argsort(-(train[ids] @ q), kind="stable")[:K]]
    return [(f"nprobe={e}", e, search, lambda e=e: setattr(index, "nprobe", e)) for e in (1, 2, 4, 8, 16, 32, 64, 128)]


def scann(train, threads):
    import scann as lib
    leaves = int(2 * np.sqrt(len(train)))
    builder = lib.scann_ops_pybind.builder(train, K, "dot_product").set_n_training_threads(threads)
    index = (builder.tree(num_leaves=leaves, num_leaves_to_search=32, training_sample_size=min(len(train), 100_000))
             .score_ah(2, anisotropic_quantization_threshold=0.2).reorder(100).build())

    def search(q, effort):
        leaves_, reorder = effort
        return index.search(q, final_num_neighbors=K, leaves_to_search=leaves_, pre_reorder_num_neighbors=reorder)[0]
    efforts = [(leaves_, reorder) for leaves_ in (8, 16, 32, 64, 128, 256) for reorder in (50, 100, 200, 400)]
    return [(f"leaves={e[0]} reorder={e[1]}", e, search, lambda: None) for e in efforts]


LIBRARIES = {"hnswlib float32": hnswlib_f32, "usearch i8, scored again": usearch_i8, "faiss HNSW16": faiss_hnsw,
             "faiss IVF1024,SQ8, scored again": faiss_ivf_sq8, "ScaNN": scann}


def measure(library, train, query, truth, threads):
    """Returns the seconds of the build, and (setting, recall@10, queries/s) of each effort."""
    start = time.perf_counter()
    settings = library(train, threads)
    built, points = time.perf_counter() - start, []
    for name, effort, search, prepare in settings:
        prepare()
        found = [search(q, effort) for q in query]
        rates = []
        for _ in range(3):
            start = time.perf_counter()
            for q in query:
                search(q, effort)
            rates.append(len(query) / (time.perf_counter() - start))
        points.append((name, recall(found, truth), statistics.median(rates)))
    return built, points


def native(program, folder, threads):
    text = subprocess.run([program, str(folder), str(threads), "i8"], check=True, capture_output=True, text=True).stdout
    built = float(re.search(r"build \d+T ([\d.]+) s", text).group(1))
    lines = re.findall(r"ef=(\d+)\s+recall@10 ([\d.]+)\s+.*?QPS 1T\s+([\d.]+)", text)
    return built, [(f"ef={ef}", float(r), float(qps)) for ef, r, qps in lines]


def engram(command):
    """Runs the command and returns its points on one thread, and the seconds of the build."""
    args = shlex.split(command)
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    report = json.loads(pathlib.Path(args[args.index("--json") + 1]).read_text())
    points = [(f"asked {p['asked_recall']}", p["recall_10"], p["queries_per_second"])
              for p in report["points"] if p["threads"] == 1 and p["queries"] == "in"]
    return report.get("build", {}).get("seconds", float("nan")), points


def fastest(points, target):
    """Returns the fastest point that reaches a recall."""
    return max((p for p in points if p[1] >= target), key=lambda p: p[2], default=None)


def search(args):
    train, query, truth = load(args.data)
    names = [n for n in LIBRARIES if not args.only or any(o.lower() in n.lower() for o in args.only)]
    print(f"{len(train)} x {train.shape[1]}, {len(query)} queries one at a time on one thread, k={K}; builds on {args.threads} threads")
    print("library | build s | " + " | ".join(f"queries/s at {t}" for t in TARGETS) + " | Engram's ratio at each | of the build")
    runs = [(n, lambda n=n: measure(LIBRARIES[n], train, query, truth, args.threads)) for n in names]
    if args.native:
        runs.insert(0, ("hnswlib int8, scored again (native)", lambda: native(args.native, args.data, args.threads)))
    before = engram(args.engram) if args.engram else None
    for name, run in runs:
        try:
            built, points = run()
        except ImportError as missing:
            print(f"{name} | not installed: {missing}")
            continue
        after = engram(args.engram) if args.engram else None
        best = [fastest(points, t) for t in TARGETS]
        row = [f"{b[2]:.0f} ({b[0]}, {b[1]:.4f})" if b else "-" for b in best]
        ratios = build = "-"
        if after:
            ours = [[fastest(e[1], t) for e in (before, after)] for t in TARGETS]
            ratios = ", ".join(f"{statistics.mean(o[2] for o in our) / b[2]:.2f}" if b and all(our) else "-" for our, b in zip(ours, best))
            build = f"{statistics.mean((before[0], after[0])) / built:.2f}"
            before = after
        print(f"{name} | {built:.1f} | " + " | ".join(row) + f" | {ratios} | {build}", flush=True)
    if before:
        print("Engram | %.1f | %s" % (before[0], " | ".join("%s %.4f %.0f" % p for p in before[1])))


def batch(args):
    import torch
    train, query, _ = load(args.data)
    x, q = torch.from_numpy(train), torch.from_numpy(np.resize(query, (512, query.shape[1])))
    for threads in (1, 2):
        torch.set_num_threads(threads)
        product, whole = [], []
        for _ in range(6):
            start = time.perf_counter()
            scores = q @ x.T
            product.append(time.perf_counter() - start)
            torch.topk(scores, FIRST)
            whole.append(time.perf_counter() - start)
        print(f"{threads} threads: product {512 / statistics.median(product[1:]):.0f} queries/s, with the 10 best {512 / statistics.median(whole[1:]):.0f}")


def serve(args):
    import faiss
    import uvicorn
    from fastapi import FastAPI
    from pydantic import BaseModel

    train, _, _ = load(args.data)
    faiss.omp_set_num_threads(args.threads)
    index = faiss.IndexHNSWFlat(train.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 200
    index.add(train)
    index.hnsw.efSearch = args.ef
    faiss.omp_set_num_threads(1)
    app = FastAPI()

    class Query(BaseModel):
        vector: list[float]
        k: int = 10

    @app.post("/v1/search")
    def answer(query: Query):
        start = time.perf_counter()
        scores, ids = index.search(np.asarray([query.vector], np.float32), query.k)
        took = (time.perf_counter() - start) * 1e3
        return {"took_ms": round(took, 3), "hits": [{"id": str(i), "score": float(s)} for i, s in zip(ids[0], scores[0])]}

    uvicorn.run(app, host="127.0.0.1", port=args.port, log_level="warning", access_log=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("search", "batch", "serve"))
    parser.add_argument("--data", required=True, help="folder of train.npy, query.npy and gt_ids.npy")
    parser.add_argument("--threads", type=int, default=2, help="of a build")
    parser.add_argument("--only", nargs="*", help="libraries whose names have one of these words")
    parser.add_argument("--native", help="program of the native HNSW")
    parser.add_argument("--engram", help="command that writes Engram's report with --json FILE")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--ef", type=int, default=64, help="of the server's HNSW index")
    args = parser.parse_args()
    {"search": search, "batch": batch, "serve": serve}[args.what](args)


if __name__ == "__main__":
    main()
