#!/usr/bin/env python3
"""The training step of embed/grad's BenchmarkEpoch in PyTorch, for comparison.

    python scripts/bench_grad.py

The step: 64 of 1,024 trials are gathered, 15,724 voxels -> 512 -> GELU -> 768,
mean squared error, backward, AdamW. Runs AdamW as it comes and with fused=True,
each for 10 epochs of 16 steps after one to warm up, on two threads, and prints
milliseconds per step and GFLOP/s of the matrix products alone (forward, weight
gradients, and the input gradient of the second layer), the best epoch and the
median one. Compare with

    go test ./embed/grad -run '^$' -bench Epoch -cpu 2
"""

import statistics
import time

import torch
import torch.nn.functional as F

VOXELS, WIDTH, OUT, BATCH, ROWS, STEPS, EPOCHS = 15724, 512, 768, 64, 1024, 16, 10
FLOPS = 2 * BATCH * (2 * VOXELS * WIDTH + 3 * WIDTH * OUT)


def seconds_per_step(fused):
    """Returns the seconds per step of each epoch."""
    torch.manual_seed(1)
    voxels, targets = torch.rand(ROWS, VOXELS) * 2 - 1, torch.rand(ROWS, OUT) * 2 - 1
    net = torch.nn.Sequential(torch.nn.Linear(VOXELS, WIDTH, bias=False), torch.nn.GELU(),
                              torch.nn.Linear(WIDTH, OUT, bias=False))
    adamw = torch.optim.AdamW(net.parameters(), lr=3e-4, betas=(.9, .999), weight_decay=.01, fused=fused)
    batches = torch.randint(ROWS, (STEPS, BATCH))
    seconds = []
    for _ in range(1 + EPOCHS):
        start = time.perf_counter()
        for batch in batches:
            loss = F.mse_loss(net(voxels[batch]), targets[batch])
            adamw.zero_grad()
            loss.backward()
            adamw.step()
        seconds.append((time.perf_counter() - start) / STEPS)
    return seconds[1:]


def main():
    torch.set_num_threads(2)
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads")
    for name, fused in [("AdamW", None), ("AdamW, fused", True)]:
        seconds = seconds_per_step(fused)
        for what, s in [("min", min(seconds)), ("median", statistics.median(seconds))]:
            print(f"{name:12}  {what:6}  {s * 1e3:6.2f} ms/step  {FLOPS / s / 1e9:6.1f} GFLOP/s")


if __name__ == "__main__":
    main()
