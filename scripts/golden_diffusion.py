#!/usr/bin/env python3
"""Writes recon/testdata/exported: small pipelines that export_diffusion.py exported, and
recon/testdata/golden: the pictures that the diffusers library makes with them.

    pip install -r scripts/requirements.txt
    go test ./recon -run NoiseOfTheGoldens -update     # writes the noise that Engram begins from
    python scripts/golden_diffusion.py

The pipelines have random weights (golden_diffusion_models.py, seeds 0, 1, 8, 9). From the
same noise, the library's own network, scheduler, guidance and autoencoder make pictures
of two embeddings in float32; Engram's may differ by rounding, at most one of 255.
"""

import contextlib
import io
import json
import pathlib
import shutil
import tempfile

import diffusers
import numpy as np
import torch
from diffusers.models.embeddings import get_timestep_embedding

import export_checkpoints as checkpoints
import export_diffusion
import export_graph
import golden_case
import golden_diffusion_models as models

ROOT = pathlib.Path(__file__).parent.parent / "recon/testdata"
STEPS, GUIDANCE = 6, 2.


def with_short_names(trim):
    """Returns export_graph.trim with short names of tensors after it: the exporter's are
    longer than the weights of such small networks."""
    def trimmed(model):
        graph = trim(model).graph
        names = {v.name: v.name for v in [*graph.input, *graph.output]} | {"": ""}
        for node in graph.node:
            node.name = ""
            for tensors in (node.input, node.output):
                tensors[:] = [names.setdefault(x, f"v{len(names)}") for x in list(tensors)]
        for t in graph.initializer:
            t.name = names.setdefault(t.name, f"v{len(names)}")
        del graph.value_info[:]
        return model
    return trimmed


def export(name, *options, **network):
    """Exports a small pipeline into testdata and returns it with its network and autoencoder."""
    with tempfile.TemporaryDirectory() as work, checkpoints.quiet(), contextlib.redirect_stderr(io.StringIO()):
        folder = pathlib.Path(work, "small-" + name)
        folder.mkdir()
        getattr(models, name)(folder, **models.SMALLEST, **network)
        out = ROOT / "exported" / name
        shutil.rmtree(out, ignore_errors=True)
        return export_diffusion.write(export_diffusion.arguments([
            str(folder), "--licence", "CC0-1.0", "--steps", str(STEPS), "--guidance", str(GUIDANCE), *options, str(out)]))


def pictures(p, scheduler, noise, with_condition, without):
    """Makes pictures as the library's pipelines do, bytes [n, 3, S, S]."""
    scheduler.set_timesteps(STEPS)
    latents = noise * scheduler.init_noise_sigma
    with torch.no_grad():
        for t in scheduler.timesteps:
            both = scheduler.scale_model_input(torch.cat([latents] * 2), t)
            predicted = p.reference_call(both, t, torch.cat([without, with_condition]))
            none, some = predicted.chunk(2)
            latents = scheduler.step(none + GUIDANCE * (some - none), t, latents, return_dict=False)[0]
        pixels = p.vae.decode(latents / p.vae.config.scaling_factor).sample
    return ((pixels / 2 + .5).clamp(0, 1) * 255).round()


def case(name, p, scheduler, condition):
    """Writes one golden; condition makes what the network is given of embeddings."""
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(size=(2, p.dim)), dtype=torch.float32)
    embeddings = x / x.norm(dim=1, keepdim=True)
    given = condition(embeddings * p.length)
    noise = torch.tensor(json.loads((ROOT / "golden/noise.json").read_text())["inputs"]["noise"]["data"], dtype=torch.float32)
    noise = noise.view(1, *p.shape).expand(2, -1, -1, -1)
    made = pictures(p, scheduler, noise, given, torch.zeros_like(given))
    print(f"{name}: {((made == 0) | (made == 255)).float().mean():.0%} of the pixels are black or white")
    golden_case.write(ROOT / "golden", name, "pictures of two embeddings by the diffusers library", attrs={"length": p.length},
                      inputs={"embeddings": embeddings}, outputs={"pixels": made.permute(0, 2, 3, 1)})


def variations():
    p = export("variations")
    unet = p.unet
    p.shape = unet.config.in_channels, unet.config.sample_size, unet.config.sample_size
    p.reference_call = lambda x, t, c: unet(x, t, encoder_hidden_states=c).sample
    case("variations", p, diffusers.UniPCMultistepScheduler.from_config(models.PNDM), lambda e: e[:, None])


def unclip():
    p = export("unclip")
    unet, text = p.unet, p.denoiser.text
    p.shape = unet.config.in_channels, unet.config.sample_size, unet.config.sample_size
    p.reference_call = lambda x, t, c: unet(x, t, encoder_hidden_states=text.expand(len(x), -1, -1), class_labels=c).sample
    level = get_timestep_embedding(torch.zeros(2), p.dim, flip_sin_to_cos=True, downscale_freq_shift=0)
    case("unclip", p, diffusers.DDIMScheduler.from_config({**models.DDIM_V, "set_alpha_to_one": True}), lambda e: torch.cat([e, level], 1))


if __name__ == "__main__":
    torch.set_num_threads(1)  # sums in one order
    export_graph.trim = with_short_names(export_graph.trim)
    variations()
    unclip()
    # For the tokens of golden_mindeye.py, and in half precision: no pictures to compare.
    export("versatile", "--fp16", width=16)
