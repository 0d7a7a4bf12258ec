#!/usr/bin/env python3
"""Goldens of embed/grad: operators, their gradients and AdamW, by PyTorch.

Writes one JSON file per case into embed/grad/testdata/golden (about 45 KB in
all). Made with Python 3.11, PyTorch 2.15.0 and NumPy 2.4.6, in float64:

    python scripts/golden_grad.py

The format of a case is described in golden_case.py. Weights of products are
[in, out]: y = x @ w + b.
"""

import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

from golden_case import draw, write

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "embed/grad/testdata/golden"


def operator(rng, name, about, inputs, fn, attrs=None):
    """Writes one operator: fn(**inputs), differentiated by every float input."""
    leaves = {k: v.clone().requires_grad_(v.is_floating_point()) for k, v in inputs.items()}
    y = fn(**leaves)
    upstream = draw(rng, *y.shape)
    (y * upstream).sum().backward()
    write(GOLDEN, name, about, attrs=attrs or {}, inputs=inputs, outputs={"y": y},
          upstream={"y": upstream},
          grads={k: v.grad for k, v in leaves.items() if v.requires_grad})


def operators():
    rng = np.random.default_rng(20231)
    op = lambda *args, **kw: operator(rng, *args, **kw)
    r = lambda *shape, **kw: draw(rng, *shape, **kw)

    op("matmul", "a @ b of two matrices", {"a": r(3, 4), "b": r(4, 5)}, lambda a, b: a @ b)
    op("matmul_batched", "a @ b of two stacks of matrices", {"a": r(2, 3, 4), "b": r(2, 4, 5)},
       lambda a, b: a @ b)
    op("matmul_broadcast", "a stack of matrices times one matrix", {"a": r(2, 3, 4), "b": r(4, 5)},
       lambda a, b: a @ b)
    op("gemm", "x @ w + b", {"x": r(3, 4), "w": r(4, 5), "b": r(5)}, lambda x, w, b: x @ w + b)
    op("mul_broadcast", "x * s, s along the middle axis", {"x": r(2, 3, 4), "s": r(3, 1)},
       lambda x, s: x * s)
    op("layer_norm", "layer normalisation of the last axis, biased variance",
       {"x": r(2, 3, 6), "gain": r(6), "bias": r(6)},
       lambda x, gain, bias: F.layer_norm(x, (6,), gain, bias, 1e-5), attrs={"eps": 1e-5})
    wide = torch.cat([r(3, 5, scale=2), torch.tensor([[0.0, -6.0, 6.0, -0.5, 0.5]])])
    op("gelu", "x * Phi(x) with the exact erf", {"x": wide.double()}, lambda x: F.gelu(x))
    op("softmax", "softmax of the last axis", {"x": r(2, 3, 5, scale=2)},
       lambda x: x.softmax(-1), attrs={"axis": -1})
    op("log_softmax", "log-softmax of the last axis", {"x": r(2, 3, 5, scale=2)},
       lambda x: x.log_softmax(-1), attrs={"axis": -1})
    op("l2_normalize", "each row divided by its Euclidean length", {"x": r(4, 6)},
       lambda x: x / x.norm(dim=-1, keepdim=True), attrs={"axis": -1})
    op("sum_axis", "sum over axis 1, the axis kept with length 1", {"x": r(2, 3, 4)},
       lambda x: x.sum(1, keepdim=True), attrs={"axes": [1], "keepdims": 1})
    op("mean_axes", "mean over axes 0 and 2, the axes dropped", {"x": r(2, 3, 4)},
       lambda x: x.mean((0, 2)), attrs={"axes": [0, 2], "keepdims": 0})
    op("mean_all", "mean over everything, a scalar", {"x": r(2, 3, 4)}, lambda x: x.mean(),
       attrs={"axes": [0, 1, 2], "keepdims": 0})
    op("gather_rows", "rows of a table; row 1 is used three times, row 3 never",
       {"table": r(5, 3), "rows": torch.tensor([[1, 0, 1, 4], [2, 1, 0, 2]])},
       lambda table, rows: table[rows])
    op("transpose_4d", "axes 0 2 1 3 of a 4-D tensor", {"x": r(2, 3, 4, 2)},
       lambda x: x.permute(0, 2, 1, 3), attrs={"perm": [0, 2, 1, 3]})
    op("reshape_4d", "a transpose and a reshape to [2, 4, 6], as attention joins its heads",
       {"x": r(2, 3, 4, 2)}, lambda x: x.permute(0, 2, 1, 3).reshape(2, 4, 6),
       attrs={"perm": [0, 2, 1, 3], "shape": [2, 4, 6]})
    attention(rng)


def attention(rng):
    batch, heads, tokens, dim = 2, 2, 5, 4
    width = heads * dim
    inputs = {"x": draw(rng, batch, tokens, width)}
    for name in ("q", "k", "v", "o"):
        inputs[f"w{name}"] = draw(rng, width, width, scale=0.5)
        inputs[f"b{name}"] = draw(rng, width, scale=0.5)

    def fn(x, wq, bq, wk, bk, wv, bv, wo, bo):
        split = lambda y: y.reshape(batch, tokens, heads, dim).permute(0, 2, 1, 3)
        q, k, v = split(x @ wq + bq), split(x @ wk + bk), split(x @ wv + bv)
        weights = (q @ k.transpose(-1, -2) / math.sqrt(dim)).softmax(-1)
        return (weights @ v).permute(0, 2, 1, 3).reshape(batch, tokens, width) @ wo + bo

    operator(rng, "attention",
             "multi-head self-attention: softmax(q k^T / sqrt(dim)) v, heads joined, times wo plus bo; "
             "bk has no influence, so that its gradient is zero but for rounding",
             inputs, fn, attrs={"heads": heads, "dim": dim})


def adamw():
    """Twelve steps on given gradients; lr and beta1 differ at every step."""
    rng = np.random.default_rng(20232)
    steps, size = 12, 6
    start, grads = draw(rng, size), draw(rng, steps, size)
    grads[5] = 0  # a step without gradient still decays and follows its momentum
    lr = [round(0.03 * (0.04 + 0.96 * math.sin(math.pi * (s + 0.5) / steps)), 9) for s in range(steps)]
    beta1 = [round(0.95 - 0.1 * math.sin(math.pi * (s + 0.5) / steps), 6) for s in range(steps)]
    p = start.clone().requires_grad_()
    optimizer = torch.optim.AdamW([p], lr=lr[0], betas=(beta1[0], 0.999), eps=1e-8, weight_decay=0.01)
    after = []
    for s in range(steps):
        optimizer.param_groups[0].update(lr=lr[s], betas=(beta1[s], 0.999))
        p.grad = grads[s].clone()
        optimizer.step()
        after.append(p.detach().clone())
    state = optimizer.state[p]
    write(GOLDEN, "adamw",
          "torch.optim.AdamW: p -= lr*decay*p, then the Adam step; the bias correction of step s "
          "(from 1) is 1-beta1^s with the beta1 of that step",
          attrs={"lr": lr, "beta1": beta1, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01},
          inputs={"start": start, "grads": grads},
          outputs={"after_each_step": torch.stack(after), "exp_avg": state["exp_avg"],
                   "exp_avg_sq": state["exp_avg_sq"]})


if __name__ == "__main__":
    operators()
    adamw()
