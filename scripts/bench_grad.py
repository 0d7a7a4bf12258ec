#!/usr/bin/env python3
"""The training step of embed/grad's BenchmarkEpoch in PyTorch, for comparison.

    python scripts/bench_grad.py [--threads 2] [--plain]

The step: 64 of 1,024 trials are gathered, 15,724 voxels -> 512 -> GELU -> 768,
mean squared error, backward, AdamW with fused=True (--plain: as it comes), for 10
epochs of 16 steps after one to warm up. Prints milliseconds per step of the best
epoch and the median one, processor milliseconds per step (of all threads, which
other programs on the machine change least), GFLOP/s of the matrix products alone
(forward, weight gradients, and the input gradient of the second layer), and the
most memory that the process had: in all, and since before there were data and
parameters. Compare with

    go test ./embed/grad -run '^$' -bench Epoch -cpu 2

On a machine that others use, one thread on both sides (--threads 1, -cpu 1, and
OMP_NUM_THREADS=1) and processor time say most: PyTorch's threads wait spinning.
"""

import argparse
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F

VOXELS, WIDTH, OUT, BATCH, ROWS, STEPS, EPOCHS = 15724, 512, 768, 64, 1024, 16, 10
FLOPS = 2 * BATCH * (2 * VOXELS * WIDTH + 3 * WIDTH * OUT)


def per_step(fused):
    """Returns the seconds and the processor seconds per step of each epoch."""
    torch.manual_seed(1)
    voxels, targets = torch.rand(ROWS, VOXELS) * 2 - 1, torch.rand(ROWS, OUT) * 2 - 1
    net = torch.nn.Sequential(torch.nn.Linear(VOXELS, WIDTH, bias=False), torch.nn.GELU(),
                              torch.nn.Linear(WIDTH, OUT, bias=False))
    adamw = torch.optim.AdamW(net.parameters(), lr=3e-4, betas=(.9, .999), weight_decay=.01, fused=fused)
    batches = torch.randint(ROWS, (STEPS, BATCH))
    seconds, processor = [], []
    for _ in range(1 + EPOCHS):
        start, used = time.perf_counter(), time.process_time()
        for batch in batches:
            loss = F.mse_loss(net(voxels[batch]), targets[batch])
            adamw.zero_grad()
            loss.backward()
            adamw.step()
        seconds.append((time.perf_counter() - start) / STEPS)
        processor.append((time.process_time() - used) / STEPS)
    return seconds[1:], processor[1:]


def peak():
    """Returns the most memory that the process had, in MB."""
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (kib if sys.platform == "darwin" else kib * 1024) / 1e6


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--plain", action="store_true", help="AdamW without fused=True")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    before = peak()
    seconds, processor = per_step(None if args.plain else True)
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, AdamW{'' if args.plain else ', fused'}")
    for what, of in [("min", min), ("median", statistics.median)]:
        s = of(seconds)
        print(f"{what:6}  {s * 1e3:6.2f} ms/step  {of(processor) * 1e3:6.2f} cpu-ms/step  {FLOPS / s / 1e9:6.1f} GFLOP/s")
    print(f"{peak():.0f} peak-MB  {peak() - before:.0f} training-MB")


if __name__ == "__main__":
    main()
