#!/usr/bin/env python3
"""ONNX Runtime from Python on one graph, for comparison with package clip.

    pip install numpy onnxruntime
    go test ./embed/clip -run xxx -bench Peer -benchtime 20x \\
        -args -python python3 -model FOLDER

The benchmark starts this script and alternates with it, run by run, so that both see
the same machine. Each line on standard input is one run of the graph on a batch of
random tensors; the answer is a line with its seconds and the seconds of processor
time that it took.
"""

import argparse
import sys
import time

import numpy as np
import onnxruntime


def tensor(value, batch, ids, size, rng):
    """Returns random input for one of the graph's values."""
    if value.type == "tensor(float)":
        return rng.standard_normal((batch, 3, size, size), dtype=np.float32)
    kind = np.int32 if value.type == "tensor(int32)" else np.int64
    return rng.integers(1, 400, (batch, ids)).astype(kind)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph")
    parser.add_argument("output", help="name of the output that is computed")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--ids", type=int, default=77, help="ids of a text")
    parser.add_argument("--size", type=int, default=224, help="pixels per side")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-spin", action="store_true", help="threads wait without spinning, as Engram's do")
    args = parser.parse_args()

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    if args.no_spin:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(args.graph, options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    feed = {v.name: tensor(v, args.batch, args.ids, args.size, rng) for v in session.get_inputs()}
    session.run([args.output], feed)
    print("ready", onnxruntime.__version__, flush=True)
    for _ in sys.stdin:
        wall, processor = time.perf_counter(), time.process_time()
        session.run([args.output], feed)
        print(time.perf_counter() - wall, time.process_time() - processor, flush=True)


if __name__ == "__main__":
    main()
