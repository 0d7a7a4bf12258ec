#!/usr/bin/env python3
"""Goldens of embed/scan: losses, schedules, a whole small network, ridge.

Writes one JSON file per case into embed/scan/testdata/golden (about 60 KB in
all). Made with Python 3.11, PyTorch 2.15.0 and NumPy 2.4.6, in float64:

    python scripts/golden_scan.py

The format of a case is described in golden_case.py. The losses and the order
of operations follow MindEye (Scotti et al. 2023, arXiv 2305.18274, and
MedARC-AI/fMRI-reconstruction-NSD, src/utils.py and src/models.py), with one
exception: where the permutation leaves a sample in its place, its label is 1
(the published code writes 1 - lambda there). Linear weights are [out, in] and
parameters are named as in the published checkpoints.
"""

import math
import pathlib

import numpy as np
import torch
from torch import nn

from golden_case import draw, write

EMBED = pathlib.Path(__file__).resolve().parent.parent / "embed"
GOLDEN = EMBED / "scan/testdata/golden"

PERM = torch.tensor([3, 1, 0, 5, 4, 2])  # 1 and 4 stay in their places
LAM = torch.tensor([0.75, 0.625, 1.0, 0.0625, 1.0, 0.984375], dtype=torch.float64)


def normalize(x):
    x = x.reshape(len(x), -1)
    return x / x.norm(dim=-1, keepdim=True)


def mix_labels(lam, perm):
    """Row i: lambda_i at i and the rest at perm(i); 1 at i where perm(i) = i."""
    labels = torch.diag(lam)
    for i, j in enumerate(perm):
        labels[i, j] += 1 - lam[i]
    return labels


def cross_entropy(logits, labels):
    return -(logits.log_softmax(-1) * labels).sum(-1).mean()


def bimixco(pred, target, lam, perm, tau):
    logits = normalize(pred) @ normalize(target).T / tau
    labels = mix_labels(lam, perm)
    return (cross_entropy(logits, labels) + cross_entropy(logits.T, labels.T)) / 2


def softclip(pred, target, tau):
    logits = normalize(pred) @ normalize(target).T / tau
    teacher = (normalize(target) @ normalize(target).T / tau).softmax(-1)
    return (cross_entropy(logits, teacher) + cross_entropy(logits.T, teacher)) / 2


def losses():
    rng = np.random.default_rng(20233)
    # Like CLIP's, the targets resemble each other; else a low tau saturates.
    target = draw(rng, 10) + draw(rng, 6, 10, scale=0.25)
    pred = target + draw(rng, 6, 10, scale=0.25)
    for tau, name in ((0.006, "006"), (0.1, "1")):
        leaf = pred.clone().requires_grad_()
        loss = bimixco(leaf, target, LAM, PERM, tau)
        loss.backward()
        write(GOLDEN, f"bimixco_tau{name}",
              "BiMixCo of predictions and targets that are both normalised inside; targets are not mixed",
              attrs={"tau": tau},
              inputs={"pred": pred, "target": target, "lambda": LAM, "perm": PERM},
              outputs={"loss": loss, "labels": mix_labels(LAM, PERM)}, grads={"pred": leaf.grad})
    for tau, name in ((0.004, "004"), (0.0075, "0075"), (0.1, "1")):
        leaf = pred.clone().requires_grad_()
        loss = softclip(leaf, target, tau)
        loss.backward()
        write(GOLDEN, f"softclip_tau{name}",
              "SoftCLIP of predictions and targets that are both normalised inside", attrs={"tau": tau},
              inputs={"pred": pred, "target": target}, outputs={"loss": loss}, grads={"pred": leaf.grad})


def schedules():
    cosine = lambda n: 0.0075 + (0.004 - 0.0075) / 2 * (1 + torch.cos(math.pi * torch.arange(n).double() / (n - 1)))
    write(GOLDEN, "soft_temperature", "SoftCLIP's temperature in each of n epochs, 0.004 to 0.0075",
          outputs={f"epochs_{n}": cosine(n) for n in (161, 101, 5, 2)})
    lrs, beta1s, pcts = [], [], [2 / 30, 2 / 240, 0.3]
    # 2 warm-up epochs of 30 and of 240 (which is less than one step), and the default.
    for pct in pcts:
        optimizer = torch.optim.AdamW([nn.Parameter(torch.zeros(1))], lr=1.0, betas=(0.9, 0.999))
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=3e-4, total_steps=60, pct_start=pct, final_div_factor=1000)
        lr, beta1 = [], []
        for step in range(60):
            lr.append(optimizer.param_groups[0]["lr"])
            beta1.append(optimizer.param_groups[0]["betas"][0])
            optimizer.step()
            if step < 59:
                schedule.step()
        lrs.append(lr)
        beta1s.append(beta1)
    write(EMBED / "train/testdata/golden", "one_cycle",
          "torch.optim.lr_scheduler.OneCycleLR: what each of 60 optimiser steps uses, "
          "a row for each pct_start",
          attrs={"max_lr": 3e-4, "total_steps": 60, "div_factor": 25, "final_div_factor": 1000,
                 "pct_start": pcts, "beta1_low": 0.85, "beta1_high": 0.95},
          outputs={"lr": lrs, "beta1": beta1s})


class BrainNetwork(nn.Module):
    """MindEye's BrainNetwork with its sizes as arguments and without dropout."""

    def __init__(self, voxels, width, blocks, tokens, dim, hidden):
        super().__init__()
        layer = lambda n_in, n_out: nn.Sequential(nn.Linear(n_in, n_out), nn.LayerNorm(n_out), nn.GELU())
        self.tokens, self.dim = tokens, dim
        self.lin0 = layer(voxels, width)
        self.mlp = nn.ModuleList(layer(width, width) for _ in range(blocks))
        self.lin1 = nn.Linear(width, tokens * dim)
        self.projector = nn.Sequential(
            nn.LayerNorm(dim), nn.GELU(), nn.Linear(dim, hidden),
            nn.LayerNorm(hidden), nn.GELU(), nn.Linear(hidden, hidden),
            nn.LayerNorm(hidden), nn.GELU(), nn.Linear(hidden, dim))

    def forward(self, x):
        x = self.lin0(x)
        for block in self.mlp:
            x = block(x) + x
        backbone = self.lin1(x)
        return backbone, self.projector(backbone.reshape(-1, self.tokens, self.dim))


def network():
    rng = np.random.default_rng(20234)
    net = BrainNetwork(voxels=7, width=5, blocks=2, tokens=3, dim=4, hidden=6).double()
    with torch.no_grad():
        for name, p in net.named_parameters():
            if p.ndim == 2:
                p.copy_(draw(rng, *p.shape, scale=1 / math.sqrt(p.shape[1])))
            else:  # gains around 1, biases around 0
                p.copy_(draw(rng, *p.shape, scale=0.25) + (1 if norm_gain(net, name) else 0))
    start = {k: p.detach().clone() for k, p in net.named_parameters()}
    sizes = {"voxels": 7, "width": 5, "blocks": 2, "tokens": 3, "dim": 4, "hidden": 6, "eps": 1e-5}
    forward(net, rng, start, sizes)
    training(net, rng, sizes)


def norm_gain(net, name):
    module, _, leaf = name.rpartition(".")
    return leaf == "weight" and isinstance(net.get_submodule(module), nn.LayerNorm)


def forward(net, rng, start, sizes):
    """One forward and backward pass; BiMixCo mixes the voxels before it."""
    voxels, target = draw(rng, 6, 7), draw(rng, 6, 3, 4)
    mixed = LAM[:, None] * voxels + (1 - LAM[:, None]) * voxels[PERM]
    backbone, tokens = net(mixed)
    loss = bimixco(tokens, target, LAM, PERM, 0.1)
    net.zero_grad()
    loss.backward()
    plain_backbone, plain_tokens = net(voxels)
    write(GOLDEN, "network",
          "the network in evaluation (backbone and tokens of the voxels), and the BiMixCo loss and "
          "gradients of the mixed voxels",
          attrs=sizes | {"tau": 0.1},
          params=start,
          inputs={"voxels": voxels, "target": target, "lambda": LAM, "perm": PERM},
          outputs={"backbone": plain_backbone, "tokens": plain_tokens, "mixed_voxels": mixed,
                   "mixed_backbone": backbone, "mixed_tokens": tokens, "loss": loss},
          grads={k: p.grad for k, p in net.named_parameters()})


def training(net, rng, sizes):
    """Five AdamW steps from the parameters of the case network."""
    steps = 5
    voxels, target = draw(rng, steps, 6, 7), draw(rng, steps, 6, 3, 4)
    lr, beta1 = [0.004, 0.02, 0.03, 0.02, 0.004], [0.95, 0.9, 0.85, 0.9, 0.95]
    tau = [0.1, 0.1, 0.1, 0.15, 0.2]
    groups = [{"params": [p for k, p in net.named_parameters() if "bias" not in k], "weight_decay": 0.01},
              {"params": [p for k, p in net.named_parameters() if "bias" in k], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1.0, betas=(0.9, 0.999), eps=1e-8)
    losses, smallest = [], math.inf
    for s in range(steps):
        for group in optimizer.param_groups:
            group.update(lr=lr[s], betas=(beta1[s], 0.999))
        optimizer.zero_grad()
        if s < 2:  # bimixco_steps
            mixed = LAM[:, None] * voxels[s] + (1 - LAM[:, None]) * voxels[s][PERM]
            loss = bimixco(net(mixed)[1], target[s], LAM, PERM, tau[s])
        else:
            loss = softclip(net(voxels[s])[1], target[s], tau[s])
        loss.backward()
        smallest = min(smallest, *(p.grad.abs().min().item() for p in net.parameters()))
        losses.append(loss.item())
        optimizer.step()
    print(f"network_training: the smallest gradient is {smallest:.1e}, losses {losses}")
    write(GOLDEN, "network_training",
          "five AdamW steps from the parameters of the case network: two of BiMixCo (same lambda and perm), "
          "three of SoftCLIP; no decay for names with bias; losses before each step",
          attrs=sizes | {"lr": lr, "beta1": beta1, "beta2": 0.999, "eps_adam": 1e-8, "weight_decay": 0.01,
                         "tau": tau, "bimixco_steps": 2},
          inputs={"voxels": voxels, "target": target, "lambda": LAM, "perm": PERM},
          outputs={"losses": losses},
          params_after=dict(net.named_parameters()))


def ridge():
    """Closed form by numpy.linalg.solve; the left-out errors by refitting without the trials."""
    rng = np.random.default_rng(20235)
    for name, trials, voxels in (("dual", 15, 20), ("primal", 24, 6)):
        x = draw(rng, trials, voxels).numpy() + 3
        y = x[:, :4] @ draw(rng, 4, 3).numpy() + draw(rng, trials, 3, scale=2).numpy()
        y = np.round(y * 128) / 128
        new = draw(rng, 4, voxels).numpy() + 3
        images = np.arange(trials) // 3  # three repeats of each image
        length = ((x - x.mean(0)) ** 2).sum() / trials
        grid = length * 1e-4 * 10 ** (np.arange(33) / 4)
        errors = lambda groups: [left_out(x, y, lam, groups) for lam in grid]
        trial_errors, image_errors = errors(np.arange(trials)), errors(images)
        write(GOLDEN, f"ridge_{name}",
              "ridge with means that are not penalised; errors are the summed squared errors of trials, and of "
              "images of three trials, that were left out of the fit, for every lambda of the grid",
              attrs={"lambda": 2.5},
              inputs={"voxels": x, "targets": y, "new": new, "images": images},
              outputs={"weights": fit(x, y, 2.5), "predicted": predict(x, y, new, 2.5), "grid": grid,
                       "trial_errors": trial_errors, "image_errors": image_errors,
                       "trial_lambda": grid[np.argmin(trial_errors)],
                       "image_lambda": grid[np.argmin(image_errors)]})


def fit(x, y, lam):
    xc, yc = x - x.mean(0), y - y.mean(0)
    return np.linalg.solve(xc.T @ xc + lam * np.eye(x.shape[1]), xc.T @ yc)


def predict(x, y, new, lam):
    return (new - x.mean(0)) @ fit(x, y, lam) + y.mean(0)


def left_out(x, y, lam, groups):
    return sum(((predict(x[groups != g], y[groups != g], x[groups == g], lam) - y[groups == g]) ** 2).sum()
               for g in np.unique(groups))


if __name__ == "__main__":
    ridge()
    losses()
    schedules()
    network()
