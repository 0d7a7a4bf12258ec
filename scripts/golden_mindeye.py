#!/usr/bin/env python3
"""Writes recon/testdata/exported/mindeye: a small checkpoint that import_mindeye.py imported,
and recon/testdata/golden/mindeye.json: what reference implementations make with its weights.

    pip install -r scripts/requirements.txt
    pip install dalle2-pytorch==1.15.6
    python scripts/golden_mindeye.py

The checkpoint has random weights (golden_mindeye_models.py, seeds 0 to 2). Its tokens are
of the small CLIP embed/hub/layout/testdata/repositories/exported-tokens, its latents of
recon/testdata/exported/versatile/autoencoder. The decoder and the prior are float32 and may
differ by 1e-4 of the root mean square; the low level has half precision (3e-2). References
are PyTorch's own layers, and for the prior the classes of dalle2-pytorch.
"""

import pathlib
import shutil
import tempfile

import torch

import export_graph
import golden_case
import golden_mindeye_models as models
import import_mindeye
import import_networks
from golden_diffusion import ROOT, with_short_names

CLIP = ROOT.parent.parent / "embed/hub/layout/testdata/repositories/exported-tokens"
AUTOENCODER = ROOT / "exported/versatile/autoencoder"


def write(out, *options):
    shutil.rmtree(out, ignore_errors=True)
    import_mindeye.write(import_mindeye.arguments(["--name", "small-mindeye", *options, str(out)]))


def main():
    torch.set_num_threads(1)  # sums in one order
    export_graph.trim = with_short_names(export_graph.trim)
    checkpoint, low_level = models.checkpoint(), models.low_level()
    with tempfile.TemporaryDirectory() as work:
        last, epoch = pathlib.Path(work, "last.pth"), pathlib.Path(work, "epoch120.pth")
        torch.save(checkpoint, last)
        torch.save(low_level, epoch)
        write(ROOT / "exported/mindeye", "--model", str(CLIP), "--checkpoint", str(last))
        write(ROOT / "exported/mindeye/lowlevel", "--autoencoder", str(AUTOENCODER), "--low-level", str(epoch), "--fp16")
    g = torch.Generator().manual_seed(3)
    voxels = torch.randn(3, models.VOXELS, generator=g)
    tokens, backbone = models.reference_backbone(models.backbone())(voxels)
    noisy, time = torch.randn(3, models.T, models.D, generator=g), torch.tensor([99., 40., 0.])
    with torch.no_grad():
        latent = import_networks.LowLevel(low_level["model_state_dict"]).eval()(voxels)
    golden_case.write(
        ROOT / "golden", "mindeye", "what PyTorch and dalle2-pytorch make with the weights of exported/mindeye",
        inputs={"voxels": voxels, "noisy": noisy, "time": time},
        outputs={"tokens": tokens, "backbone": backbone, "clean": models.reference_prior(models.prior(), backbone, noisy, time), "latent": latent})


if __name__ == "__main__":
    main()
