#!/usr/bin/env python3
"""Exports a diffusion pipeline as two model folders that `engram reconstruct` drives.

    pip install -r scripts/requirements.txt
    python scripts/export_diffusion.py lambdalabs/sd-image-variations-diffusers --revision v2.0 models/variations
    python scripts/export_diffusion.py shi-labs/versatile-diffusion --fp16 models/versatile
    python scripts/export_diffusion.py ./stable-diffusion-2-1-unclip-small models/unclip
    python scripts/export_diffusion.py ./stable-diffusion-v1-5 --ip-adapter h94/IP-Adapter/models/ip-adapter_sd15.safetensors models/ip
    engram reconstruct --model … --autoencoder models/versatile/autoencoder --denoiser models/versatile/denoiser …

SOURCE is a name of the hub or a folder, of the classes
* StableDiffusionImageVariationPipeline: context [n, 1, 768];
* VersatileDiffusionPipeline and its kin: the image branch, context [n, 257, 768];
* StableUnCLIPImg2ImgPipeline: labels [n, 2·D], with the empty text in the graph;
* StableDiffusionPipeline with --ip-adapter: context [n, 1, D], with the empty text in the
  graph. Adapters that take hidden states ("plus") are refused.
OUT gets autoencoder (kind vae) and denoiser.

Engram's embeddings have unit length. Where a network wants them as long as the encoder
makes them, the graph multiplies by the mean length: --length, or measured with the
image encoder of the pipeline (of an IP-Adapter: beside it) on --pictures, or on drawn ones.

--fp16 makes weights and arithmetic half precision, which halves disk and memory on a GPU
(a processor counts in float32 all the same); inputs and outputs stay float32. Networks
with upcast_attention (Stable Diffusion 2.1) keep their softmax in float32.

Every graph is compared with the framework in float32, on noise at four times, with
conditions and without. The greatest difference is printed, in root mean squares of the
framework's output; above --tolerance (1e-3, or 3e-2 with --fp16) the export fails.
OUT is written whole or not at all.
"""

import argparse
import pathlib
import resource
import sys
import time

import numpy as np
import torch

import export_graph as graph
import export_pipelines as pipelines
from export_checkpoints import Failure
from export_clip import pictures as drawn
from export_folder import manifest, new_folder, write_manifest

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}


def arguments(argv=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("source", help="a pipeline of the Hugging Face hub, or a folder")
    p.add_argument("out", type=pathlib.Path, help="the folder to write; it must not be there yet")
    p.add_argument("--revision", help="a branch, tag or commit of the source")
    p.add_argument("--ip-adapter", metavar="FILE", help="an IP-Adapter's weights: a file, or owner/name/path of the hub")
    p.add_argument("--ip-scale", type=float, default=1., help="weight of the adapter (default 1)")
    p.add_argument("--length", type=float, default=0., help="mean length of the image encoder's embeddings (default: measured)")
    p.add_argument("--pictures", type=pathlib.Path, help="a folder of photos to measure --length on")
    p.add_argument("--noise-level", type=int, default=0, help="unCLIP: the level of noise that is added to embeddings, 0 to 999 (default 0: none)")
    p.add_argument("--steps", type=int, default=20, help="steps of sampling that the manifest suggests (default 20)")
    p.add_argument("--guidance", type=float, help="guidance that the manifest suggests (default: the pipeline's usual)")
    p.add_argument("--fp16", action="store_true", help="weights and arithmetic of half precision; inputs and outputs stay float32")
    p.add_argument("--external-data", action="store_true", help="weights in a file beside each graph (always above 2 GB)")
    p.add_argument("--name", help="the models' name in their manifests")
    p.add_argument("--licence", help="the licence of the weights, as an SPDX identifier")
    p.add_argument("--tolerance", type=float, help="the largest difference that passes")
    args = p.parse_args(argv)
    args.tolerance = args.tolerance or (3e-2 if args.fp16 else 1e-3)
    return args


def photos(folder):
    """Returns the pictures to measure embeddings on."""
    from PIL import Image
    if folder is None:
        print("embeddings are measured on 4 drawn pictures: --pictures FOLDER is better", flush=True)
        return drawn()
    found = [Image.open(p).convert("RGB") for p in sorted(folder.iterdir()) if p.suffix.lower() in SUFFIXES][:64]
    if not found:
        raise Failure(f"{folder} has no pictures")
    return found


def compare(what, found, wanted, tolerance):
    """Prints how far a graph is from the framework, and fails above tolerance."""
    found, wanted = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    if found.shape != wanted.shape:
        raise Failure(f"{what}: the graph gives {found.shape}, PyTorch {wanted.shape}")
    worst = np.abs(found - wanted).max() / np.sqrt((wanted ** 2).mean())
    print(f"  {what}: greatest difference {worst:.1e}", flush=True)
    if not worst <= tolerance:
        raise Failure(f"{what}: the graph is off by {worst:.1e} from PyTorch, wanted at most {tolerance:.0e}")


def run(session, inputs):
    """Runs a graph on a batch, and again on its first item alone: the batch is free."""
    out = session.run(None, inputs)[0]
    one = session.run(None, {name: x[:1] for name, x in inputs.items()})[0]
    if one.shape[1:] != out.shape[1:] or np.abs(one[0] - out[0]).max() > 2e-2 * np.abs(out[0]).max():
        raise Failure("a graph gives another result for an item alone than for the same one among others")
    return out


def export_graph(module, inputs, path, output, args):
    """Traces a module with named inputs, stores it and returns a session of it."""
    start = time.time()
    graph.trace(module, list(inputs.values()), path, list(inputs), [output])
    model = graph.load(path)
    with torch.no_grad():
        graph.state_shapes(model, {output: module(*inputs.values()).shape})
    graph.store(model, path, external=path.name + "_data" if args.external_data else None)
    size = sum(p.stat().st_size for p in path.parent.glob(path.name + "*"))
    print(f"{path.name}: {size:,} bytes in {time.time() - start:.0f} s", flush=True)
    return graph.session(path)


def about(p, what):
    return {"name": f"{p.name}-{what}", "version": p.version, "licence": p.licence, "source": p.source}


def noise(shape, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def latent_of(p):
    """Returns the manifest's latent, the side of a latent and of a picture."""
    factor = 2 ** (len(p.vae.config.block_out_channels) - 1)
    side = p.unet.config.sample_size
    return {"channels": p.vae.config.latent_channels, "factor": factor, "scale": p.vae.config.scaling_factor}, side, side * factor


def export_autoencoder(p, folder, args):
    latent, side, size = latent_of(p)
    pixels, z = noise((2, 3, size, size), 0).clamp(-1, 1), noise((2, latent["channels"], side, side), 1)
    with torch.no_grad():
        wanted = p.vae.encode(pixels).latent_dist.mode(), p.vae.decode(z).sample
    modules = [pipelines.Encoder(p.vae), pipelines.Decoder(p.vae)]
    if args.fp16:
        p.vae.half()
    for module, what, name, x, output, want in zip(modules, ("encoder", "decoder"), ("pixels", "latent"), (pixels, z), ("latent", "pixels"), wanted):
        session = export_graph(module, {name: x}, folder / f"{what}.onnx", output, args)
        compare(what, run(session, {name: x.numpy()}), want, args.tolerance)
    graphs = {"decoder": {"file": "decoder.onnx", "inputs": {"latent": "latent"}, "outputs": {"pixels": "pixels"}},
              "encoder": {"file": "encoder.onnx", "inputs": {"pixels": "pixels"}, "outputs": {"latent": "latent"}}}
    m = manifest(folder, "vae", about(p, "autoencoder"), graphs) | {"image_size": size}
    if args.fp16:
        m["precision"] = "fp16"
    m |= {"preprocess": {"filter": "lanczos", "antialias": True, "crop": "center", "range": [0, 1], "mean": [.5] * 3, "std": [.5] * 3},
          "latent": latent}
    write_manifest(folder, m)


def conditions(p, seed):
    """Returns two conditions, the second without one: zeros."""
    shape = (2, p.tokens, p.dim) if p.condition == "context" else (2, 2 * p.dim)
    x = noise(shape, seed)
    embedding = x if p.condition == "context" else x[:, :p.dim]
    embedding /= embedding.norm(dim=-1, keepdim=True)
    x[1] = 0
    return x


def keep_softmax_exact(unet):
    """Gives attention the processor that counts its softmax in float32."""
    from diffusers.models.attention_processor import AttnProcessor
    for module in unet.modules():
        if hasattr(module, "upcast_softmax"):
            module.upcast_softmax = module.upcast_attention = True
    unet.set_attn_processor(AttnProcessor())


def export_denoiser(p, folder, args):
    latent, side, size = latent_of(p)
    last = p.scheduler.get("num_train_timesteps", 1000) - 1
    batches = []
    for k, times in enumerate([(last, 0), (last / 3, 2 * last / 3)]):
        given = {"latent": noise((2, latent["channels"], side, side), 2 + k), "time": torch.tensor(times, dtype=torch.float32),
                 p.condition: conditions(p, 4 + k)}
        with torch.no_grad():
            batches.append((given, p.reference(*given.values())))
    if args.fp16:
        p.unet.half()
        if p.upcast and not args.ip_adapter:
            keep_softmax_exact(p.unet)
    session = export_graph(p.denoiser, batches[0][0], folder / "denoiser.onnx", "prediction", args)
    for given, want in batches:
        times = " and ".join(f"{t:.0f}" for t in given["time"].tolist())
        compare(f"denoiser at {times}", run(session, {name: x.numpy() for name, x in given.items()}), want, args.tolerance)
    names = {name: name for name in sorted(batches[0][0])}
    graphs = {"denoiser": {"file": "denoiser.onnx", "inputs": names, "outputs": {"prediction": "prediction"}}}
    m = manifest(folder, "denoiser", about(p, "denoiser"), graphs) | {"tokens": p.tokens, "dim": p.dim, "image_size": size}
    if args.fp16:
        m["precision"] = "fp16"
    m |= {"latent": latent, "scheduler": pipelines.scheduler_of(args.source, p.scheduler),
          "sampling": pipelines.sampling_of(p.scheduler, args.steps, args.guidance or p.guidance)}
    if p.noise_level:
        m["condition"] = {"noise_level": p.noise_level, "noise": p.noise}
    write_manifest(folder, m)


def write(args):
    with new_folder(args.out) as folder:
        p = pipelines.open_pipeline(args, lambda: photos(args.pictures))
        pipelines.scheduler_of(args.source, p.scheduler)  # refused before the long work
        for what, export in (("denoiser", export_denoiser), ("autoencoder", export_autoencoder)):
            (folder / what).mkdir()
            export(p, folder / what, args)
    latent, side, size = latent_of(p)
    weights = sum(x.numel() for x in p.unet.parameters()), sum(x.numel() for x in p.vae.parameters())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "linux" else 1 << 30)
    print(f"{args.out}: {size}×{size} pixels from {p.tokens}×{p.dim}"
          f"{f', embeddings of length {p.length:.4g}' if p.length else ''}; {weights[0]:,} parameters in the denoiser, "
          f"{weights[1]:,} in the autoencoder, {2 if args.fp16 else 4} bytes each; peak memory {peak:.1f} GiB")
    return p


if __name__ == "__main__":
    try:
        write(arguments())
    except Failure as e:
        sys.exit(f"export_diffusion: {e}")
