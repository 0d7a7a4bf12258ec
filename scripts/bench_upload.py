#!/usr/bin/env python3
"""Bulk upload by the official Python client, for comparison with index/qdrant.

    pip install 'qdrant-client==1.18.*' numpy
    python scripts/bench_upload.py localhost:6334 [--rest-port 6333] [--parallel 1 2 4]

Uploads 100,000 points of 512 dimensions with a payload, drawn beforehand, into a
collection that is set up as index/qdrant sets one up, by upload_collection in
batches of 256 over gRPC, for each number of processes in turn. Prints the points
per second until the server has all of them applied, the graph being deferred, and
those with the graph built as well. Compare with

    ENGRAM_TEST_QDRANT=localhost:6334 go test ./index/qdrant -run '^$' -bench Upload -benchtime 3x
"""

import argparse
import time

import numpy as np
from qdrant_client import QdrantClient, models

ROWS, DIM, NAME = 100_000, 512, "bench-python"


def create(client):
    client.delete_collection(NAME)
    client.create_collection(
        NAME,
        vectors_config={"clip": models.VectorParams(
            size=DIM, distance=models.Distance.COSINE, on_disk=True,
            hnsw_config=models.HnswConfigDiff(m=16, ef_construct=200),
            quantization_config=models.ScalarQuantization(
                scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)))},
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=0),
        on_disk_payload=True,
    )


def upload(client, vectors, payloads, parallel):
    """Returns the seconds until all is applied, and until the graph is built."""
    create(client)
    start = time.perf_counter()
    client.upload_collection(NAME, vectors={"clip": vectors}, payload=payloads, ids=range(ROWS),
                             batch_size=256, parallel=parallel)
    while client.count(NAME, exact=True).count < ROWS:
        time.sleep(.01)
    applied = time.perf_counter() - start
    client.update_collection(NAME, optimizers_config=models.OptimizersConfigDiff(indexing_threshold=10_000))
    while client.get_collection(NAME).status != models.CollectionStatus.GREEN:
        time.sleep(.1)
    return applied, time.perf_counter() - start


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("server", help="host:port of the gRPC interface")
    args.add_argument("--rest-port", type=int, default=6333)
    args.add_argument("--parallel", type=int, nargs="+", default=[1, 2, 4])
    args = args.parse_args()
    host, port = args.server.rsplit(":", 1)
    client = QdrantClient(host=host, port=args.rest_port, grpc_port=int(port), prefer_grpc=True, timeout=600)
    vectors = np.random.default_rng(5).standard_normal((ROWS, DIM), dtype=np.float32)
    payloads = [{"id": i, "url": f"https://images.example.org/{i}.jpg", "caption": f"a photo of thing {i % 1000}"}
                for i in range(ROWS)]
    for parallel in args.parallel:
        applied, built = upload(client, vectors, payloads, parallel)
        print(f"{parallel} processes: {ROWS / applied:,.0f} points/s applied, {ROWS / built:,.0f} with the graph", flush=True)
    client.delete_collection(NAME)


if __name__ == "__main__":
    main()
