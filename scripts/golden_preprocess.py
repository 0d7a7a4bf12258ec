#!/usr/bin/env python3
"""Makes the goldens of embed/pixels and embed/clip with Pillow, PyTorch,
torchvision and ONNX Runtime.

Writes into embed/pixels/testdata:

  transform.json   cases: size of the input, options, and the versions
  transform.bin.gz for each case the input (RGB bytes) and what torchvision's
                   Resize, CenterCrop and Normalize make of it (float32, CHW):
                   of a PIL image with antialias, of a float tensor without
  decode/          small image files in every format that Pillow can write
  decode.json      name and size of each, and the tolerance
  decode.bin.gz    what Pillow reads from each (RGB bytes), turned upright by
                   ImageOps.exif_transpose and put on white

and into embed/clip/testdata, of the file decode/rgb.png above:

  pixels.json      its plain pixel embedding for 8×8 pixels, by numpy
  mobilenetv2.json its embedding by MobileNetV2 through Pillow and ONNX Runtime
                   (only where ../shared/real is there), and the versions

Needs numpy, pillow, torch, torchvision, onnxruntime. Run from the repository's
root.
"""

import gzip
import io
import json
import pathlib
import struct
import zlib

import numpy as np
import onnxruntime
import PIL
import torch
import torchvision
from PIL import Image, ImageOps
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

OUT = pathlib.Path("embed/pixels/testdata")
CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
CLIP_STD = [0.26862954, 0.26130258, 0.27577711]
FILTERS = {"bicubic": InterpolationMode.BICUBIC, "bilinear": InterpolationMode.BILINEAR}


def picture(w, h, seed):
    """Smooth colours, hard edges and noise: what resizing and chroma get wrong."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:h, 0:w]
    rgb = np.stack([255 * x / max(w - 1, 1), 255 * y / max(h - 1, 1), 128 + 127 * np.sin(x / 3 + y / 5)], axis=-1)
    rgb[(x // 5 + y // 7) % 3 == 0] = [250, 20, 40]
    rgb[h // 3 : h // 2, w // 4 : w // 2] = rng.integers(0, 256, 3)
    rgb += rng.normal(0, 12, rgb.shape)
    return np.clip(rgb, 0, 255).astype(np.uint8)


def transform(rgb, c):
    """torchvision's pipeline for the options of the case c."""
    size = [c["size"], c["size"]] if c["crop"] == "none" else c["size"]
    image = Image.fromarray(rgb)
    if c["antialias"]:
        image = F.resize(image, size, FILTERS[c["filter"]])
        tensor = F.to_tensor(F.center_crop(image, c["size"]))
    else:
        tensor = F.resize(F.to_tensor(image), size, FILTERS[c["filter"]], antialias=False)
        tensor = F.center_crop(tensor, c["size"])
    return F.normalize(tensor, c["mean"], c["std"]).numpy().astype("<f4")


def transforms():
    shapes = [  # width, height, size, crop
        (37, 53, 17, "center"),
        (53, 37, 17, "center"),
        (64, 48, 16, "center"),
        (19, 13, 23, "center"),
        (31, 31, 31, "center"),
        (30, 31, 30, "center"),
        (121, 5, 12, "center"),
        (3, 97, 12, "center"),
        (1, 40, 9, "center"),
        (2, 2, 15, "center"),
        (1, 1, 5, "center"),
        (101, 23, 14, "none"),
        (23, 11, 29, "none"),
        (7, 90, 20, "none"),
        (30, 91, 11, "center"),
    ]
    cases, data = [], io.BytesIO()
    for i, (w, h, size, crop) in enumerate(shapes):
        for name in FILTERS:
            for antialias in (True, False):
                clip = i < 2
                c = dict(w=w, h=h, size=size, crop=crop, filter=name, antialias=antialias)
                c["mean"] = CLIP_MEAN if clip else [0.0] * 3
                c["std"] = CLIP_STD if clip else [1.0] * 3
                rgb = picture(w, h, i)
                data.write(rgb.tobytes())
                data.write(transform(rgb, c).tobytes())
                cases.append(c)
    versions = f"Pillow {PIL.__version__}, torch {torch.__version__}, torchvision {torchvision.__version__}"
    write_golden("transform", dict(versions=versions, cases=cases), data)


def write_golden(name, description, data):
    (OUT / f"{name}.json").write_text(json.dumps(description, indent=1) + "\n")
    (OUT / f"{name}.bin.gz").write_bytes(gzip.compress(data.getvalue(), mtime=0))
    print(f"{OUT / name}.json: {len(description['cases'])} cases, {data.tell()} bytes")


def png16(array):
    """A 16-bit PNG, which Pillow reads and does not write."""
    h, w, channels = array.shape
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    header = struct.pack(">IIBBBBB", w, h, 16, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def on_white(image):
    """What Decode promises: upright, over white, RGB."""
    image = ImageOps.exif_transpose(image)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"))


def decode_files():
    """Yields name, bytes, tolerance and, where Pillow cannot tell, the RGB."""
    w, h = 37, 29
    rgb = picture(w, h, 100)
    image = Image.fromarray(rgb)
    alpha = np.clip(np.add.outer(np.arange(h) * 9, np.arange(w) * 5) - 60, 0, 255).astype(np.uint8)
    rgba = Image.fromarray(np.dstack([rgb, alpha]))
    grey = image.convert("L")
    palette = image.quantize(20)
    wide = (rgb.astype(np.uint16) << 8) | np.flip(rgb, axis=1)

    def saved(im, kind, **options):
        out = io.BytesIO()
        im.save(out, kind, **options)
        return out.getvalue()

    def oriented(kind, value, **options):
        exif = Image.Exif()
        exif[0x0112] = value
        return saved(image, kind, exif=exif.tobytes(), **options)

    # JPEG: progressive files, RGB and CMYK go through Go's inverse DCT, which
    # differs from libjpeg's by one or two; the others are equal to the bit.
    for name, subsampling in (("444", 0), ("422", 1), ("420", 2)):
        yield f"rgb{name}.jpg", saved(image, "JPEG", quality=90, subsampling=subsampling), 0, None
    yield "progressive.jpg", saved(image, "JPEG", quality=85, progressive=True), 4, None
    yield "restart.jpg", saved(image, "JPEG", quality=85, restart_marker_blocks=2), 0, None
    yield "optimized.jpg", saved(image, "JPEG", quality=40, optimize=True), 0, None
    yield "best.jpg", saved(image, "JPEG", quality=100, subsampling=2), 0, None
    yield "rgb.jpg", saved(image, "JPEG", quality=90, keep_rgb=True), 2, None
    yield "grey.jpg", saved(grey, "JPEG", quality=90), 0, None
    for size in ((1, 1), (3, 5), (5, 2), (8, 8), (16, 17), (65, 33)):
        small = Image.fromarray(picture(*size, 7))
        yield f"{size[0]}x{size[1]}.jpg", saved(small, "JPEG", quality=90), 0, None
    cmyk = saved(image.convert("CMYK"), "JPEG", quality=95)
    yield "cmyk.jpg", cmyk, 3, None
    at = cmyk.index(b"Adobe") + 11  # the colour transform: 2 makes it YCCK
    yield "ycck.jpg", cmyk[:at] + b"\2" + cmyk[at + 1 :], 4, None
    for value in range(1, 9):
        yield f"turned{value}.jpg", oriented("JPEG", value, quality=92, subsampling=0), 0, None

    yield "rgb.png", saved(image, "PNG"), 0, None
    yield "grey.png", saved(grey, "PNG"), 0, None
    yield "bits1.png", saved(image.convert("1"), "PNG"), 0, None
    for bits in (2, 4):
        yield f"bits{bits}.png", saved(image.quantize(1 << bits), "PNG", bits=bits), 0, None
    yield "palette.png", saved(palette, "PNG"), 0, None
    yield "palette_alpha.png", saved(palette, "PNG", transparency=3), 0, None
    yield "colour_key.png", saved(image, "PNG", transparency=tuple(int(v) for v in rgb[3, 3])), 0, None
    yield "rgba.png", saved(rgba, "PNG"), 1, None
    yield "grey_alpha.png", saved(rgba.convert("LA"), "PNG"), 1, None
    yield "rgb16.png", png16(wide), 0, (wide >> 8).astype(np.uint8)
    yield "grey16.png", png16(wide[:, :, :1]), 0, np.repeat(wide[:, :, :1] >> 8, 3, axis=2).astype(np.uint8)
    opaque = np.dstack([wide, np.full((h, w), 0xFFFF, np.uint16)])
    yield "rgba16.png", png16(opaque), 0, (wide >> 8).astype(np.uint8)
    yield "turned6.png", oriented("PNG", 6), 0, None

    yield "lossy.webp", saved(image, "WEBP", quality=80), 3, None
    yield "lossless.webp", saved(image, "WEBP", lossless=True), 0, None
    yield "lossy_alpha.webp", saved(rgba, "WEBP", quality=80), 3, None
    yield "lossless_alpha.webp", saved(rgba, "WEBP", lossless=True, exact=True), 1, None
    yield "turned8.webp", oriented("WEBP", 8, lossless=True), 0, None

    yield "palette.gif", saved(palette, "GIF"), 0, None
    yield "transparent.gif", saved(palette, "GIF", transparency=3), 0, None
    frames = [palette, Image.fromarray(255 - rgb).quantize(20)]
    yield "animated.gif", saved(frames[0], "GIF", save_all=True, append_images=frames[1:]), 0, None

    yield "rgb.bmp", saved(image, "BMP"), 0, None
    yield "grey.bmp", saved(grey, "BMP"), 0, None
    yield "palette.bmp", saved(palette, "BMP"), 0, None

    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        yield f"{compression}.tiff", saved(image, "TIFF", compression=compression), 0, None
    yield "grey.tiff", saved(grey, "TIFF"), 0, None
    yield "rgba.tiff", saved(rgba, "TIFF"), 1, None
    yield "fax.tiff", saved(image.convert("1"), "TIFF", compression="group4"), 0, None
    yield "grey16.tiff", saved(Image.fromarray(wide[:, :, 0]), "TIFF"), 0, np.repeat(wide[:, :, :1] >> 8, 3, axis=2).astype(np.uint8)
    yield "turned3.tiff", oriented("TIFF", 3), 0, None


def decodes():
    folder = OUT / "decode"
    folder.mkdir(parents=True, exist_ok=True)
    cases, data = [], io.BytesIO()
    for name, content, tolerance, rgb in decode_files():
        (folder / name).write_bytes(content)
        if rgb is None:
            rgb = on_white(Image.open(io.BytesIO(content)))
        cases.append(dict(name=name, w=rgb.shape[1], h=rgb.shape[0], tolerance=tolerance))
        data.write(rgb.tobytes())
    write_golden("decode", dict(versions=f"Pillow {PIL.__version__}", cases=cases), data)


def embedding(name, vector, **description):
    vector = vector.astype(np.float64) / np.linalg.norm(vector.astype(np.float64))
    folder = pathlib.Path("embed/clip/testdata")
    folder.mkdir(parents=True, exist_ok=True)
    numbers = [float(f"{v:.7g}") for v in vector.ravel()]
    (folder / f"{name}.json").write_text(json.dumps(dict(**description, vector=numbers)) + "\n")
    print(f"{folder / name}.json: {len(numbers)} elements")


def embeddings():
    image = Image.open(OUT / "decode" / "rgb.png").convert("RGB")
    small = F.center_crop(F.resize(image, 8, InterpolationMode.BILINEAR), 8)
    grey = np.asarray(small).astype(np.float64) / 255 @ [0.299, 0.587, 0.114]
    embedding("pixels", grey - grey.mean() + 1e-4, versions=f"Pillow {PIL.__version__}, numpy {np.__version__}")

    model = pathlib.Path("../shared/real/models/mobilenetv2/mobilenetv2.onnx")
    if not model.exists():
        print(f"{model} is missing, mobilenetv2.json is left as it is")
        return
    tensor = F.to_tensor(F.center_crop(F.resize(image, 224, InterpolationMode.BICUBIC), 224))
    batch = F.normalize(tensor, [0.5] * 3, [0.5] * 3).numpy()[None]
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    features = session.run(["features"], {"input": batch})[0]
    embedding("mobilenetv2", features, versions=f"Pillow {PIL.__version__}, onnxruntime {onnxruntime.__version__}")


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    transforms()
    decodes()
    embeddings()
