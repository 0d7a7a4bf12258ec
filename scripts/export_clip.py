#!/usr/bin/env python3
"""Exports a PyTorch checkpoint as a model folder that Engram opens.

    pip install -r scripts/requirements.txt
    python scripts/export_clip.py --hf openai/clip-vit-base-patch32 models/clip-vit-b-32
    python scripts/export_clip.py --open-clip ViT-B-32 --pretrained laion2b_s34b_b79k models/laion-b-32
    python scripts/export_clip.py --hf openai/clip-vit-large-patch14 --mindeye models/mindeye
    python scripts/export_clip.py --open-clip ViT-bigG-14 --pretrained laion2b_s39b_b160k --mindeye models/mindeye2
    engram index build ~/Pictures --model models/clip-vit-b-32

--hf takes a name of the hub or a folder, of the classes CLIPModel, SiglipModel (SigLIP
and SigLIP 2 of fixed resolution), Dinov2Model and Dinov2WithRegistersModel.
--open-clip takes what open_clip takes: a name with --pretrained TAG or FILE, hf-hub:…,
or local-dir:…. Tags whose weights were trained with QuickGELU (openai, metaclip, dfn and
others) get it under any name; for a FILE of such weights choose a name with -quickgelu.

The image graph gives the pooled embedding, not normalised. With --tokens it gives the
tokens that MindEye and MindEye2 predict:
* of a CLIPModel (ViT-L/14: 257×768) every token of the last layer through the final norm
  and the projection, divided by the length of token 0, as Versatile Diffusion does;
* of open_clip (ViT-bigG/14: 256×1664) the patches after the final norm. There is no class
  token among them, so a search by one vector is better made with the pooled embedding.
--mindeye is --tokens with the two papers' own preprocessing: MindEye resizes numbers
without antialiasing; MindEye2 takes pictures of 0…1 for pictures of -1…1, and so maps
them to .5…1 (MindEyeV2 at c184718, FrozenOpenCLIPImageEmbedder.preprocess; its
open_clip 2.24.0 norms all tokens, which open_clip up to 2.22 did not).

Every graph is compared with the framework on drawn and random pictures, on texts and on
random ids; where a vector of unit length is off by more than --tolerance (1e-3), the
export fails. The folder has a canary (export_canary.py), with which Engram compares its
own preprocessing and tokenizer. It is written whole or not at all.
"""

import argparse
import pathlib
import resource
import sys
import time

import numpy as np
import torch
from PIL import Image

import export_canary as canary
import export_checkpoints as checkpoints
import export_graph as graph
from export_checkpoints import Failure
from export_folder import new_folder, sha256, write_manifest as write_bundle
from export_tokenizers import write_json

TEXTS = ["a photo of a cat", "Two dogs on the beach, at night!", "a red bicycle under a tree", "spaces\tand\nlines ",
         "don't stop: 12345", "a very long caption of many words " * 20]


def arguments(argv=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out", type=pathlib.Path, help="the folder to write; it must not be there yet")
    source = p.add_mutually_exclusive_group(required=True)
    source.add_argument("--hf", metavar="NAME", help="a checkpoint of the Hugging Face hub, or a folder")
    source.add_argument("--open-clip", metavar="NAME", help="a model of open_clip")
    p.add_argument("--revision", help="a branch, tag or commit of --hf")
    p.add_argument("--pretrained", help="the tag or file of --open-clip's weights")
    p.add_argument("--tokens", action="store_true", help="all tokens of a picture instead of one vector")
    p.add_argument("--mindeye", action="store_true", help="--tokens, with the preprocessing of MindEye or MindEye2")
    p.add_argument("--no-text", action="store_true", help="the image tower alone")
    p.add_argument("--fp16", action="store_true", help="weights of half the size; inputs, outputs and arithmetic stay float32")
    p.add_argument("--external-data", action="store_true", help="weights in a file beside each graph (always above 2 GB)")
    p.add_argument("--name", help="the model's name in its manifest")
    p.add_argument("--licence", help="the licence of the weights, as an SPDX identifier")
    p.add_argument("--tolerance", type=float, default=1e-3, help="the largest difference that passes (default 1e-3)")
    return p.parse_args(argv)


def open_checkpoint(args):
    tokens = args.tokens or args.mindeye
    if args.hf:
        c = checkpoints.from_hugging_face(args.hf, revision=args.revision, tokens=tokens, text=not args.no_text)
    else:
        c = checkpoints.from_open_clip(args.open_clip, pretrained=args.pretrained, tokens=tokens, text=not args.no_text)
    if args.mindeye and args.hf:
        checkpoints.without_antialias(c)
    elif args.mindeye:
        checkpoints.with_halved_range(c)
    c.name, c.licence = args.name or c.name, args.licence or c.licence
    return c


# The parity check.

def pictures(count=4, side=300):
    """Draws pictures with the spectrum of natural ones: amplitudes fall as 1/frequency."""
    rng = np.random.default_rng(0)
    fy, fx = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]
    falloff = 1 / np.maximum(np.hypot(fy, fx), 1 / side)
    out = []
    for i in range(count):
        noise = np.stack([np.fft.irfft2(np.fft.rfft2(rng.normal(size=(side, side))) * falloff) for _ in range(3)], -1)
        noise = (noise + noise.mean(-1, keepdims=True)) / noise.std()
        out.append(Image.fromarray(np.uint8(np.clip(127 + 50 * noise[:side - 50 * i], 0, 255))))
    return out


def compare(what, found, wanted, tolerance):
    """Prints how far the graph's vectors are from the framework's; fails above tolerance."""
    found, wanted = (np.asarray(x, np.float64).reshape(len(x), -1, x.shape[-1]) for x in (found, wanted))
    lengths = np.linalg.norm(wanted[:, :1], axis=-1, keepdims=True)
    worst = np.abs((found - wanted) / lengths).max()
    a, b = found.reshape(len(found), -1), wanted.reshape(len(wanted), -1)
    cosine = ((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).min()
    print(f"  {what}: {len(found)} compared, largest difference {worst:.1e}, smallest cosine {cosine:.7f}", flush=True)
    if not worst <= tolerance:
        raise Failure(f"{what}: the graph is off by {worst:.1e} from PyTorch, wanted at most {tolerance:.0e}")


def run(session, batch):
    """Runs a graph on a batch, and again on its first item alone: the batch is free."""
    name = session.get_inputs()[0].name
    out = session.run(None, {name: batch})[0]
    one = session.run(None, {name: batch[:1]})[0]
    if one.shape[1:] != out.shape[1:] or np.abs(one[0] - out[0]).max() > 1e-2 * np.abs(out[0]).max():
        raise Failure("a graph gives another vector for a picture alone than for the same one among others")
    return out


def check_image(c, path, tolerance):
    drawn = torch.stack([c.pixels(p) for p in pictures()])
    random = torch.randn(4, 3, c.size, c.size, generator=torch.Generator().manual_seed(0))
    session = graph.session(path)
    with torch.no_grad():
        compare("drawn pictures", run(session, drawn.numpy()), c.image_reference(drawn), tolerance)
        compare("random pictures", run(session, random.numpy()), c.image_reference(random), tolerance)


def written_ids(c, folder, texts):
    """Returns the padded ids that the written tokenizer.json gives, and their numbers before."""
    from tokenizers import Tokenizer
    t = Tokenizer.from_file(str(folder / "tokenizer.json"))
    t.enable_truncation(c.context)
    rows = [t.encode(text).ids for text in texts]
    return torch.tensor([row + [c.pad or 0] * (c.context - len(row)) for row in rows]), [len(row) for row in rows]


def check_text(c, folder, path, tolerance):
    ids, (own, lengths) = c.ids(TEXTS), written_ids(c, folder, TEXTS)
    for text, a, b in zip(TEXTS, ids.tolist(), own.tolist()):
        if a != b:
            raise Failure(f"the written tokenizer makes {b} of {text[:40]!r}, the framework's {a}")
    # Random ids between a true beginning and end, so that pooling finds the end.
    random, end = ids[[0] * 4].clone(), lengths[0]
    low, high = int(ids.min()), int(ids.max())
    random[:, 1:end - 1] = torch.randint(low, max(high - 1, low + 1), (4, end - 2), generator=torch.Generator().manual_seed(0))
    session = graph.session(path)
    with torch.no_grad():
        compare("texts", run(session, own.numpy()), c.text_reference(ids), tolerance)
        compare("random ids", run(session, random.numpy()), c.text_reference(random), tolerance)
        if c.short:
            compare("a text without padding", run(session, own[:1, :end].numpy()), c.text_reference(ids[:1]), tolerance)


# Writing.

def export_graph(module, example, path, names, args, *, short=False):
    """Traces a tower; short frees the length of texts as well as the batch."""
    start, (name, output) = time.time(), names
    graph.trace(module, [example], path, [name], [output],
                dynamic={name: {0: "batch", 1: "sequence"} if short else {0: "batch"}, output: {0: "batch"}})
    model = graph.load(path)
    if args.fp16:
        model = graph.half(model)
    graph.store(model, path, external=path.name + "_data" if args.external_data else None)
    size = sum(p.stat().st_size for p in path.parent.glob(path.name + "*"))
    print(f"{path.name}: {size:,} bytes in {time.time() - start:.0f} s", flush=True)


def write_manifest(c, folder, args, shape):
    """Writes bundle.json, its fields in the order of Engram's own (embed/model.Manifest)."""
    output = "tokens" if len(shape) == 3 else "embedding"
    graphs = {"image": {"file": "image.onnx", "inputs": {"pixels": "pixel_values"}, "outputs": {output: output}}}
    if c.text:
        graphs["text"] = {"file": "text.onnx", "inputs": {"ids": "input_ids"}, "outputs": {"embedding": "embedding"}}
    manifest = {
        "format": 1, "kind": c.kind, "name": c.name, "version": c.version, "licence": c.licence, "source": c.source,
        "files": {p.name: sha256(p) for p in sorted(folder.iterdir())}, "models": graphs,
        "tokens": shape[1] if len(shape) == 3 else 1, "dim": shape[-1], "image_size": c.size}
    if args.fp16:
        manifest["precision"] = "fp16"
    manifest["preprocess"] = c.preprocess
    if c.text:
        manifest["tokenizer"] = {"file": "tokenizer.json", "context": c.context} | ({} if c.pad is None else {"pad": c.pad})
    write_bundle(folder, manifest)


def export(c, folder, args):
    """Writes the whole model into folder, and checks it."""
    with torch.no_grad():
        example = torch.rand(2, 3, c.size, c.size)
        shape = c.image(example).shape
    export_graph(c.image, example, folder / "image.onnx", ("pixel_values", "tokens" if len(shape) == 3 else "embedding"), args)
    check_image(c, folder / "image.onnx", args.tolerance)
    if c.text:
        write_json(folder / "tokenizer.json", c.tokenizer)
        ids = c.ids(TEXTS[:2])
        export_graph(c.text, ids, folder / "text.onnx", ("input_ids", "embedding"), args, short=c.short)
        check_text(c, folder, folder / "text.onnx", args.tolerance)
    write_manifest(c, folder, args, shape)
    canary.make(c, folder, graph.session)
    return shape


def write(args):
    """Exports what the arguments ask for to args.out, or leaves nothing there."""
    with new_folder(args.out) as folder:
        c = open_checkpoint(args)
        shape = export(c, folder, args)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "linux" else 1 << 30)
    print(f"{args.out}: {c.kind} {c.name}, {'×'.join(map(str, shape[1:]))} per picture"
          f"{', with text' if c.text else ''}; peak memory {peak:.1f} GiB")


if __name__ == "__main__":
    try:
        write(arguments())
    except Failure as e:
        sys.exit(f"export_clip: {e}")
