#!/usr/bin/env python3
"""Makes the goldens of whole preprocessing pipelines, family by family, with
transformers' image processors (the ones on Pillow), open_clip's transform and
PyTorch's interpolate.

Writes into embed/pixels/testdata:

  families.json    pictures (width, height), cases (family, picture, options) and
                   the versions
  families.bin.gz  the pictures (RGB bytes, one after the other), then for each
                   case the reference's tensor (float32, [3, size, size])

A picture that a reference refuses (open_clip makes a side of 0 pixels of one
that is very long) has no case. Pictures are drawn with the seeds 0, 1, … by
golden_preprocess.picture. Needs numpy, pillow, torch, torchvision, transformers,
open_clip_torch and what golden_preprocess.py needs. Run from the repository's root.
"""

import io

import numpy as np
import open_clip
import PIL
import torch
import transformers
from golden_preprocess import CLIP_MEAN, CLIP_STD, picture, write_golden
from open_clip.transform import image_transform
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F
from transformers import BitImageProcessorPil, CLIPImageProcessorPil, SiglipImageProcessorPil

PICTURES = [
    (37, 53), (64, 47), (101, 23), (16, 16), (17, 16), (16, 19), (120, 80), (133, 101),
    (1, 200), (200, 1), (3, 1000), (1000, 3), (1, 1), (2, 3),
]  # fmt: skip
PILLOW = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}
IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
HALF = [0.5] * 3
SIZE = 16


def case(family, filter, crop="center", mean=CLIP_MEAN, std=CLIP_STD, **more):
    return dict(family=family, filter=filter, crop=crop, antialias=True, size=SIZE, mean=mean, std=std) | more


def hugging_face(processor):
    return lambda image: processor(image, return_tensors="np")["pixel_values"][0]


def of_open_clip(c, mode):
    transform = image_transform(
        SIZE, False, mean=tuple(c["mean"]), std=tuple(c["std"]), resize_mode=mode,
        interpolation=c["filter"], fill_color=c.get("fill", 0),
    )  # fmt: skip
    return lambda image: transform(image).numpy()


def of_pytorch(c):
    """The tensors' resize without antialias, and the modes that Pillow's path has too."""
    modes = {m.value: m for m in InterpolationMode}

    def run(image):
        size = [SIZE, SIZE] if c["crop"] == "none" else SIZE
        tensor = F.resize(F.to_tensor(image), size, modes[c["filter"]], antialias=False)
        return F.normalize(F.center_crop(tensor, SIZE), c["mean"], c["std"]).numpy()

    return run


def families():
    """Yields options and the reference that has them."""
    square, crop = {"height": SIZE, "width": SIZE}, {"height": SIZE, "width": SIZE}
    for name, number in PILLOW.items():
        c = case("CLIPImageProcessor", name, rounding="floor")
        yield c, hugging_face(CLIPImageProcessorPil(resample=number, size={"shortest_edge": SIZE}, crop_size=crop))
        c = case("SiglipImageProcessor", name, "none", HALF, HALF)  # SigLIP bicubic, SigLIP 2 bilinear
        yield c, hugging_face(SiglipImageProcessorPil(resample=number, size=square))
    c = case("BitImageProcessor", "bicubic", mean=IMAGENET_MEAN, std=IMAGENET_STD, rounding="floor", resize=19)  # DINOv2
    yield c, hugging_face(
        BitImageProcessorPil(
            resample=3, size={"shortest_edge": 19}, crop_size=crop, image_mean=IMAGENET_MEAN, image_std=IMAGENET_STD
        )
    )
    for name in ("bicubic", "bilinear"):
        yield (c := case("open_clip shortest", name)), of_open_clip(c, "shortest")
        yield (c := case("open_clip squash", name, "none", HALF, HALF)), of_open_clip(c, "squash")
        yield (c := case("open_clip longest", name, "pad", fill=0)), of_open_clip(c, "longest")
        yield (c := case("open_clip longest", name, "pad", fill=114)), of_open_clip(c, "longest")
    yield (c := case("PyTorch", "nearest", antialias=False)), of_pytorch(c)
    yield (c := case("PyTorch", "nearest", "none", antialias=False)), of_pytorch(c)


def main():
    data, cases, pictures = io.BytesIO(), [], []
    for seed, (w, h) in enumerate(PICTURES):
        pictures.append(Image.fromarray(picture(w, h, seed)))
        data.write(pictures[-1].tobytes())
    for options, reference in families():
        for i, image in enumerate(pictures):
            try:
                tensor = np.asarray(reference(image))
            except ValueError as error:
                print(f"{options['family']} refuses {image.size}: {error}")
                continue
            if tensor.shape != (3, SIZE, SIZE):
                raise SystemExit(f"{options['family']} makes {tensor.shape} of {image.size}")
            data.write(tensor.astype("<f4").tobytes())
            cases.append(options | {"picture": i})
    versions = (
        f"Pillow {PIL.__version__}, transformers {transformers.__version__}, "
        f"open_clip {open_clip.__version__}, torch {torch.__version__}"
    )
    sizes = [dict(w=w, h=h) for w, h in PICTURES]
    write_golden("families", dict(versions=versions, pictures=sizes, cases=cases), data)


if __name__ == "__main__":
    main()
