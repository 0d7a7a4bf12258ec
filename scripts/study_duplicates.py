#!/usr/bin/env python3
"""Which cosine tells near-duplicates of photos from other photos (index/results/NOTES.md).

    python study_duplicates.py edit PHOTOS edits          # 200 photos in nine versions each
    engram embed edits --model MODEL --out vectors
    python study_duplicates.py compare vectors

Prints for each kind of edit the share of photos that it leaves within a cosine, and how
many pairs of other photos are. Needs numpy, Pillow and pyarrow."""

import os
import random
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

COSINES = [0.90, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98]
ORIGINAL = "original"


def versions(image):
    """Yields a name, an edited image and the quality of its JPEG."""
    from PIL import Image, ImageEnhance, ImageOps

    width, height = image.size

    def crop(share):
        left, top = int(width * (1 - share) / 2), int(height * (1 - share) / 2)
        return image.crop((left, top, width - left, height - top))

    def shrink(by):
        return image.resize((max(1, width // by), max(1, height // by)), Image.LANCZOS)

    yield ORIGINAL, image, 95
    yield "jpeg 50", image, 50
    yield "half size", shrink(2), 90
    yield "quarter size", shrink(4), 85
    yield "crop to 95 %", crop(0.95), 90
    yield "crop to 85 %", crop(0.85), 90
    yield "mirrored", ImageOps.mirror(image), 90
    yield "brighter by 20 %", ImageEnhance.Brightness(image).enhance(1.2), 90
    yield "grey", ImageOps.grayscale(image).convert("RGB"), 90


def edit(photos, out):
    from PIL import Image

    files = sorted(p for p in Path(photos).rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))
    random.Random(1).shuffle(files)
    os.makedirs(out, exist_ok=True)
    for n, file in enumerate(files[:200]):
        for name, image, quality in versions(Image.open(file).convert("RGB")):
            image.save(f"{out}/{n:04d} {name}.jpg", quality=quality)


def compare(vectors):
    import pyarrow.parquet as pq

    x = np.concatenate([np.load(f) for f in sorted(Path(vectors).glob("img_emb/*.npy"))]).astype(np.float32)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    names = [p for f in sorted(Path(vectors).glob("metadata/*.parquet")) for p in pq.read_table(f)["image_path"].to_pylist()]
    photo, kind = zip(*((Path(n).stem[:4], Path(n).stem[5:]) for n in names))
    first = {p: i for i, (p, k) in enumerate(zip(photo, kind)) if k == ORIGINAL}
    cosines = defaultdict(list)
    for i, (p, k) in enumerate(zip(photo, kind)):
        if k != ORIGINAL:
            cosines[k].append(float(x[i] @ x[first[p]]))
    print("cosine from", *(f"{c:.2f}" for c in COSINES), sep="\t")
    for k, found in cosines.items():
        print(k, *(f"{100 * np.mean(np.array(found) >= c):.0f} %" for c in COSINES), sep="\t")
    originals = x[sorted(first.values())]
    others = (originals @ originals.T)[np.triu_indices(len(originals), 1)]
    print(f"pairs of {len(others)} other photos", *(int((others >= c).sum()) for c in COSINES), sep="\t")
    print(f"largest cosine of other photos {others.max():.3f}")


if __name__ == "__main__":
    {"edit": edit, "compare": compare}[sys.argv[1]](*sys.argv[2:])
