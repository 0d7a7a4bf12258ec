#!/usr/bin/env python3
"""Imports MindEye's published networks as models that Engram opens.

    pip install -r scripts/requirements.txt
    python scripts/export_clip.py --hf openai/clip-vit-large-patch14 --mindeye models/mindeye
    python scripts/export_diffusion.py shi-labs/versatile-diffusion models/versatile
    python scripts/import_mindeye.py --model models/mindeye --checkpoint prior_257_…/last.pth \\
        --autoencoder models/versatile/autoencoder --low-level autoencoder_subj01_…/epoch120.pth models/subj01
    engram reconstruct --decoder models/subj01 --model models/mindeye \\
        --autoencoder models/versatile/autoencoder --denoiser models/versatile/denoiser …

--checkpoint is MindEye's own file, with voxel2clip and the prior: OUT becomes a decoder, whose
tokens are the projector's and search an index, and whose backbone is what the prior takes;
OUT/prior is the prior: of 257 tokens, or DALLE2-pytorch's network of one (as its version 1.15
has it; 1x768 checkpoints). A file without a prior gives the decoder alone. --low-level is the
network that predicts blurry images: OUT/lowlevel, or OUT itself without --checkpoint. Files
may have an optimizer's state and names that begin with module.; only arrays are read (no
code runs).

--model is the CLIP whose tokens were predicted, and --autoencoder the one whose latents:
both are named by their fingerprints, so that others are refused.

--fp16 makes weights and arithmetic half precision, which halves disk and memory on a GPU;
inputs and outputs stay float32. Graphs are compared with PyTorch in float32 on random
inputs. The greatest difference is printed, in root mean squares; above --tolerance (1e-3,
or 3e-2 with --fp16) the import fails. OUT is written whole or not at all.
"""

import argparse
import json
import math
import pathlib
import sys

import numpy as np
import torch

import export_checkpoints as checkpoints
import export_graph as graph
import import_networks as networks
from export_checkpoints import Failure
from export_diffusion import compare, noise
from export_folder import fingerprint, manifest, new_folder, write_manifest


def arguments(argv=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out", type=pathlib.Path, help="the folder to write; it must not be there yet")
    p.add_argument("--checkpoint", type=pathlib.Path, help="MindEye's last.pth")
    p.add_argument("--model", type=pathlib.Path, help="the folder of the CLIP of --checkpoint, from export_clip.py --mindeye")
    p.add_argument("--low-level", type=pathlib.Path, help="the low-level network's epoch120.pth")
    p.add_argument("--autoencoder", type=pathlib.Path, help="the folder of the autoencoder of --low-level, from export_diffusion.py")
    p.add_argument("--fp16", action="store_true", help="weights and arithmetic of half precision; inputs and outputs stay float32")
    p.add_argument("--external-data", action="store_true", help="weights in a file beside each graph (always above 2 GB)")
    p.add_argument("--name", help="the name of the subject or run, for the manifests (default: of the checkpoint's folder)")
    p.add_argument("--tolerance", type=float, help="the largest difference that passes")
    args = p.parse_args(argv)
    args.tolerance = args.tolerance or (3e-2 if args.fp16 else 1e-3)
    for file, name, space, what in ((args.checkpoint, "--checkpoint", args.model, "--model"),
                                    (args.low_level, "--low-level", args.autoencoder, "--autoencoder")):
        if file and not space:
            raise Failure(f"{name} needs {what}: the folder of what it predicts")
    if not args.checkpoint and not args.low_level:
        raise Failure("wanted --checkpoint or --low-level, found neither")
    return args


def read(path):
    """Returns the arrays of a checkpoint by name, without module."""
    scalars = [np.dtype, np.dtypes.Float64DType, np.dtypes.Float32DType, np._core.multiarray.scalar]
    try:
        with torch.serialization.safe_globals(scalars):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as e:  # the unpickler has many
        raise Failure(f"{path} is no checkpoint that can be read: {checkpoints.first_line(e)}") from None
    arrays = content.get("model_state_dict", content) if isinstance(content, dict) else {}
    arrays = {k.replace("module.", ""): v for k, v in arrays.items() if torch.is_tensor(v)}
    if not arrays:
        raise Failure(f"{path} has no arrays: wanted a state_dict, or model_state_dict in it")
    return arrays


def part(arrays, prefix):
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}


def target(folder, kind, **wanted):
    """Returns the manifest and fingerprint of a model, whose fields must be as wanted."""
    name = fingerprint(folder)
    m = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    if m["kind"] != kind:
        raise Failure(f"{folder} is a model of kind {m['kind']}, wanted {kind}")
    for key, value in wanted.items():
        if m.get(key) != value:
            raise Failure(f"{folder} has {key} {m.get(key)}, the checkpoint predicts {value}")
    return m, name


def export(network, inputs, path, outputs, args):
    """Writes a network's graph, compared with the network itself in float32."""
    with torch.no_grad():
        wanted = network(*inputs.values())
        wanted = [wanted] if torch.is_tensor(wanted) else list(wanted)
    if args.fp16:
        network.half()
    graph.trace(network, list(inputs.values()), path, list(inputs), outputs)
    model = graph.load(path)
    graph.state_shapes(model, {name: x.shape for name, x in zip(outputs, wanted)})
    graph.store(model, path, external=path.name + "_data" if args.external_data else None)
    print(f"{path.name}: {sum(p.stat().st_size for p in path.parent.iterdir()):,} bytes", flush=True)
    session = graph.session(path)
    for rows in (slice(None), slice(1)):  # the batch is free
        found = session.run(None, {name: x[rows].numpy() for name, x in inputs.items()})
        for name, got, want in zip(outputs, found, wanted):
            compare(f"{name} of {len(got)}", got, want[rows], args.tolerance)


def about(args, file, what):
    return {"name": f"{args.name or file.absolute().parent.name}-{what}", "version": "1", "licence": "MIT",
            "source": f"MindEye (MedARC-AI/fMRI-reconstruction-NSD), {file.name}"}


def precision(args):
    return {"precision": "fp16"} if args.fp16 else {}


def same(names):
    return {name: name for name in sorted(names)}


def write_decoder(arrays, folder, args):
    network = networks.Backbone(arrays, dim=target(args.model, "clip")[0]["dim"]).eval()
    kind = "tokens" if network.tokens > 1 else "embedding"
    _, space = target(args.model, "clip", tokens=network.tokens, dim=network.dim)
    outputs = [kind, "backbone"] if network.projector else [kind]
    if kind == "embedding":
        network = Flat(network)
    export(network, {"voxels": noise((2, network.voxels), 0)}, folder / "decoder.onnx", outputs, args)
    graphs = {"decoder": {"file": "decoder.onnx", "inputs": same(["voxels"]), "outputs": same(outputs)}}
    write_manifest(folder, manifest(folder, "decoder", about(args, args.checkpoint, "decoder"), graphs)
                   | {"tokens": network.tokens, "dim": network.dim} | precision(args) | {"voxels": network.voxels, "target": space})
    return network.tokens, network.dim


class Scaled(torch.nn.Module):
    """A prior that is given its predicted tokens times scale, as Engram gives all of its tokens."""

    def __init__(self, network, scale):
        super().__init__()
        self.network, self.scale = network, scale

    def forward(self, predicted, noisy, time):
        return self.network(predicted / self.scale, noisy, time)


class Flat(torch.nn.Module):
    """A network whose one token is given as [n, D]."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.tokens, self.dim, self.voxels, self.projector = network.tokens, network.dim, network.voxels, network.projector

    def forward(self, voxels):
        out = self.network(voxels)
        return (out[0][:, 0], out[1]) if self.projector else out[:, 0]


def cosine_betas(steps, s=.008, most=.999):
    """Returns the squared cosine schedule (Nichol and Dhariwal 2021, arXiv 2102.09672, equation 17)."""
    signal = [math.cos((t / steps + s) / (1 + s) * math.pi / 2) ** 2 for t in range(steps + 1)]
    return [min(1 - b / a, most) for a, b in zip(signal, signal[1:])]


def write_prior(arrays, betas, folder, args, shape):
    network = networks.Prior(arrays).eval()
    tokens, dim = network.tokens, network.dim
    if (tokens, dim) != shape:
        raise Failure(f"{args.checkpoint}: its prior takes {tokens}×{dim} tokens, its network gives {shape[0]}×{shape[1]}")
    steps = len(betas) if betas is not None else (1000 if network.single else 100)
    cosine = cosine_betas(steps)
    if betas is not None and not np.allclose(betas, cosine, atol=1e-4):
        raise Failure(f"{args.checkpoint}: its prior has betas {betas[0]:.4g} to {betas[-1]:.4g}, wanted the cosine schedule of {steps} steps")
    inputs = {"predicted": noise((2, tokens, dim), 1), "noisy": noise((2, tokens, dim), 2), "time": torch.tensor([steps - 1., 1.])}
    export(Scaled(network, math.sqrt(dim)), inputs, folder / "prior.onnx", ["tokens"], args)
    graphs = {"prior": {"file": "prior.onnx", "inputs": same(inputs), "outputs": same(["tokens"])}}
    write_manifest(folder, manifest(folder, "prior", about(args, args.checkpoint, "prior"), graphs) | {"tokens": tokens, "dim": dim} | precision(args) | {
        "scheduler": {"steps": steps, "beta_start": float(f"{cosine[0]:.8g}"), "beta_end": float(f"{cosine[-1]:.8g}"), "beta_schedule": "cosine", "prediction": "sample"},
        "sampling": {"method": "ddpm" if steps <= 100 else "ddim", "steps": min(steps, 100), "guidance": 1},
        # MindEye multiplies the tokens of images by √D, and divides samples by the length of token 0.
        "token_scale": {"factor": float(f"{math.sqrt(dim):.8g}"), "unit_global": True},
        "target": target(args.model, "clip")[1]})


def write_low_level(folder, args):
    network = networks.LowLevel(read(args.low_level)).eval()
    m, space = target(args.autoencoder, "vae")
    side = m["image_size"] // m["latent"]["factor"]
    if network.latent != [m["latent"]["channels"], side, side]:
        raise Failure(f"{args.autoencoder} has latents of {[m['latent']['channels'], side, side]}, the checkpoint predicts {network.latent}")
    export(network, {"voxels": noise((2, network.voxels), 3)}, folder / "lowlevel.onnx", ["latent"], args)
    graphs = {"lowlevel": {"file": "lowlevel.onnx", "inputs": same(["voxels"]), "outputs": same(["latent"])}}
    write_manifest(folder, manifest(folder, "lowlevel", about(args, args.low_level, "lowlevel"), graphs) | {"image_size": m["image_size"]}
                   | precision(args) | {"latent": m["latent"], "voxels": network.voxels, "target": space})


def write(args):
    with new_folder(args.out) as folder:
        if args.checkpoint:
            arrays = read(args.checkpoint)
            shape = write_decoder(part(arrays, "voxel2clip.") or arrays, folder, args)
            if prior := part(arrays, "net."):
                (folder / "prior").mkdir()
                write_prior(prior, arrays.get("noise_scheduler.betas"), folder / "prior", args, shape)
        if args.low_level:
            low = folder / "lowlevel" if args.checkpoint else folder
            low.mkdir(exist_ok=True)
            write_low_level(low, args)
    print(f"{args.out}: {', '.join(sorted(json.loads(p.read_text())['kind'] for p in args.out.rglob('bundle.json')))}")


if __name__ == "__main__":
    try:
        write(arguments())
    except Failure as e:
        sys.exit(f"import_mindeye: {e}")
