#!/usr/bin/env python3
"""Exports the networks by which reconstructions are scored, as models of kind features.

    pip install -r scripts/requirements.txt
    python scripts/export_metrics.py models/metrics                              # all but SwAV
    python scripts/export_metrics.py --only swav --swav swav_800ep_pretrain.pth.tar models/swav
    engram eval --recon pictures --features models/metrics/alexnet-2 --features models/metrics/inception

The networks, layers and preprocessing are MindEye's (fMRI-reconstruction-NSD at 195a332,
src/Reconstruction_Metrics.py): pictures are resized, without a crop and without a filter
against aliasing, and normalised.

    alexnet-2, alexnet-5   torchvision's AlexNet, features.4 and features.11, flattened    256 pixels
    inception              Inception v3, avgpool                                           342
    clip                   OpenAI's ViT-L/14, the projected embedding                      224
    efficientnet           EfficientNet-B1 (second weights), avgpool                       255
    swav                   ResNet-50 of SwAV, avgpool                                      224

MindEye first resizes all pictures to 256, as engram eval --recon does. Weights are
torchvision's own, which it downloads, or files:
--alexnet, --inception, --efficientnet, --swav FILE (a state_dict), --clip NAME (of the
hub, or a folder). SwAV has no weights in torchvision: its file is published at
github.com/facebookresearch/swav.

Every graph is compared with the framework on drawn and on random pictures. The greatest
difference is printed, in root mean squares of the features; above --tolerance (1e-3) the
export fails. OUT is written whole or not at all.
"""

import argparse
import pathlib
import sys
import warnings

import torch
import torchvision
from torchvision import models
from torchvision.transforms import functional as T

import export_canary as canary
import export_checkpoints as checkpoints
import export_graph as graph
from export_checkpoints import Failure
from export_clip import pictures as drawn
from export_diffusion import compare, run
from export_folder import manifest, new_folder, write_manifest

IMAGENET = {"mean": [.485, .456, .406], "std": [.229, .224, .225]}
CLIP = {"mean": [.48145466, .4578275, .40821073], "std": [.26862954, .26130258, .27577711]}


class Metric:
    """A network, the part of it whose output are the features, and the pixels it takes."""

    def __init__(self, name, size, module, reference, *, licence, source, normal=IMAGENET):
        self.name, self.size, self.module, self.reference = name, size, module, reference
        self.licence, self.source, self.normal, self.text = licence, source, normal, None

    def pixels(self, picture):
        """Returns the network's input as MindEye makes it."""
        x = T.pil_to_tensor(picture.convert("RGB")) / 255
        x = T.resize(x, [self.size, self.size], T.InterpolationMode.BILINEAR, antialias=False)
        return T.normalize(x, self.normal["mean"], self.normal["std"])

    def preprocess(self):
        return {"filter": "bilinear", "antialias": False, "crop": "none", "range": [0, 1]} | self.normal


def load(build, weights, file):
    """Builds a network with its published weights, or with a file's."""
    if file is None:
        return build(weights=weights).eval()
    net = build(weights=None)
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as e:  # the unpickler has many
        raise Failure(f"{file} is no state_dict that can be read: {checkpoints.first_line(e)}") from None
    state = {key.removeprefix("module."): value for key, value in state.get("state_dict", state).items()}
    wanted = set(net.state_dict())
    lacks = sorted(wanted - set(state) - {"fc.weight", "fc.bias", "classifier.6.weight", "classifier.6.bias"})
    if lacks:
        raise Failure(f"{file} is not of the network {build.__name__}: it lacks {lacks[0]} and {len(lacks) - 1} more")
    try:
        net.load_state_dict({key: value for key, value in state.items() if key in wanted}, strict=False)
    except RuntimeError as e:
        raise Failure(f"{file} is not of the network {build.__name__}: {checkpoints.first_line(str(e).replace(':', '', 1))}") from None
    return net.eval()


class Upto(torch.nn.Module):
    """The first layers of a network, flattened."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = torch.nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x).flatten(1)


def extracted(net, node):
    """Returns the reference: torchvision's own feature extractor, as MindEye uses it."""
    from torchvision.models.feature_extraction import create_feature_extractor
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nodes of training are others
        extractor = create_feature_extractor(net, return_nodes=[node]).eval()
    return lambda x: extractor(x)[node].flatten(1)


class WithoutHead(torch.nn.Module):
    """A network whose last layer is left out."""

    def __init__(self, net, head):
        super().__init__()
        self.net = net
        setattr(net, head, torch.nn.Identity())

    def forward(self, x):
        return self.net(x)


TORCHVISION = dict(licence="BSD-3-Clause", source=f"torchvision {torchvision.__version__}")


def alexnet(args, layer, node):
    net = load(models.alexnet, models.AlexNet_Weights.IMAGENET1K_V1, args.alexnet)
    return Metric(f"alexnet-{layer}", 256, Upto(*net.features[:int(node) + 1]), extracted(net, f"features.{node}"), **TORCHVISION)


def inception(args):
    def build(weights):
        # The published weights want colours normalised as the first implementation had them.
        return models.inception_v3(weights=weights, transform_input=True, init_weights=False)
    build.__name__ = "inception_v3"
    net = load(build, models.Inception_V3_Weights.DEFAULT, args.inception)
    reference = extracted(net, "avgpool")
    return Metric("inception", 342, WithoutHead(net, "fc"), reference, **TORCHVISION)


def efficientnet(args):
    net = load(models.efficientnet_b1, models.EfficientNet_B1_Weights.DEFAULT, args.efficientnet)
    reference = extracted(net, "avgpool")
    return Metric("efficientnet", 255, WithoutHead(net, "classifier"), reference, **TORCHVISION)


def swav(args):
    if args.swav is None:
        raise Failure("swav needs --swav FILE: the weights of SwAV's ResNet-50, swav_800ep_pretrain.pth.tar")
    net = load(models.resnet50, None, args.swav)
    reference = extracted(net, "avgpool")
    return Metric("swav", 224, WithoutHead(net, "fc"), reference, licence="CC-BY-NC-4.0", source="facebookresearch/swav")


def clip(args):
    c = checkpoints.from_hugging_face(args.clip, text=False)
    return Metric("clip", c.size, c.image, c.image_reference, licence=c.licence, source=c.source, normal=CLIP)


METRICS = {"alexnet-2": lambda a: alexnet(a, 2, 4), "alexnet-5": lambda a: alexnet(a, 5, 11), "inception": inception,
           "clip": clip, "efficientnet": efficientnet, "swav": swav}


def arguments(argv=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out", type=pathlib.Path, help="the folder to write, with a folder for each network; it must not be there yet")
    p.add_argument("--only", help="names, with commas between (default: all, swav where --swav is given)")
    for name in ("alexnet", "inception", "efficientnet", "swav"):
        p.add_argument(f"--{name}", metavar="FILE", help=f"weights of {name}, a state_dict")
    p.add_argument("--clip", default="openai/clip-vit-large-patch14", metavar="NAME", help="a CLIP of the hub, or a folder")
    p.add_argument("--tolerance", type=float, default=1e-3, help="the largest difference that passes (default 1e-3)")
    args = p.parse_args(argv)
    names = args.only.split(",") if args.only else [n for n in METRICS if n != "swav" or args.swav]
    if unknown := [n for n in names if n not in METRICS]:
        raise Failure(f"there is no network {unknown[0]}, wanted one of {', '.join(METRICS)}")
    args.names = names
    return args


def export(m, folder, args):
    pictures = torch.stack([m.pixels(p) for p in drawn(2)])
    random = torch.randn(2, 3, m.size, m.size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = [m.reference(x) for x in (pictures, random)]
    path = folder / "image.onnx"
    graph.trace(m.module, [pictures], path, ["pixels"], ["embedding"])
    graph.store(graph.load(path), path)
    print(f"{m.name}: {path.stat().st_size:,} bytes", flush=True)
    session = graph.session(path)
    for what, x, want in zip(("drawn pictures", "random pictures"), (pictures, random), wanted):
        compare(what, run(session, {"pixels": x.numpy()}), want, args.tolerance)
    graphs = {"image": {"file": "image.onnx", "inputs": {"pixels": "pixels"}, "outputs": {"embedding": "embedding"}}}
    content = manifest(folder, "features", {"name": m.name, "version": "1", "licence": m.licence, "source": m.source}, graphs)
    content |= {"tokens": 1, "dim": wanted[0].shape[1], "image_size": m.size}
    write_manifest(folder, content | {"preprocess": m.preprocess()})
    canary.make(m, folder, graph.session)


def write(args):
    with new_folder(args.out) as folder:
        for name in args.names:
            (folder / name).mkdir()
            export(METRICS[name](args), folder / name, args)
    print(f"{args.out}: {', '.join(args.names)}")


if __name__ == "__main__":
    try:
        write(arguments())
    except Failure as e:
        sys.exit(f"export_metrics: {e}")
