"""The canary of an exported model: what it gives for fixed pictures and texts.

Not run by itself: export_clip.py uses it. The pictures, the texts and canary.json are
stated in embed/model/FORMAT.md. The vectors are made with the framework's own
preprocessing and ids, so that Engram compares its own with them when it first opens the
model: the processor has no name here, which makes every machine another one.
"""

import hashlib
import json
import platform

import numpy as np
import onnxruntime
import torch
from PIL import Image

TEXTS = ["a photo of a dog on a beach", "a red bicycle beside a wall", "snow on the mountains at night"]
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "AMD64": "amd64"}  # as Go names them


def pictures():
    """Returns the three pictures."""
    out = []
    for k, (w, h) in enumerate([(96, 64), (64, 96), (80, 80)]):
        y, x = np.mgrid[0:h, 0:w]
        r, g = 255 * x // (w - 1), 255 * y // (h - 1)
        b = (37 * (x // 8) + 91 * (y // 8) * (k + 1) + 60 * k) % 256
        if k == 1:
            g = 255 - g
        if k == 2:
            inside = (x - 40) ** 2 + (y - 40) ** 2 < 625
            r[inside], g[inside], b[inside] = 30, 200, 90
        out.append(Image.fromarray(np.stack([r, g, b], -1).astype(np.uint8)))
    return out


def unit(session, batch):
    """Runs a graph item by item and returns its vectors, or token 0, of unit length."""
    name = session.get_inputs()[0].name
    rows = []
    for item in batch.numpy():
        out = session.run(None, {name: item[None]})[0][0]
        v = (out[0] if out.ndim == 2 else out).astype(np.float64)
        rows.append([float(f"{x:.8g}") for x in v / np.linalg.norm(v)])
    return rows


def write(folder, manifest, images, texts):
    """Writes canary.json beside a manifest in Engram's JSON; texts may be None."""
    compact = json.dumps(json.loads(manifest), separators=(",", ":"), ensure_ascii=False)
    compact = compact.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    machine = platform.machine()
    canary = {
        "format": 1, "fingerprint": hashlib.sha256(compact.encode()).hexdigest(),
        "machine": {
            "onnxruntime": onnxruntime.__version__, "os": platform.system().lower(),
            "arch": ARCHITECTURES.get(machine, machine), "cpu": "", "device": "cpu"},
        "images": images} | ({"texts": texts} if texts else {})
    (folder / "canary.json").write_text(json.dumps(canary, separators=(",", ":")) + "\n", encoding="utf-8")


def make(c, folder, session):
    """Makes the canary of the checkpoint c, exported to folder; session opens a graph."""
    images = unit(session(folder / "image.onnx"), torch.stack([c.pixels(p) for p in pictures()]))
    texts = unit(session(folder / "text.onnx"), c.ids(TEXTS)) if c.text else None
    write(folder, (folder / "bundle.json").read_text(encoding="utf-8"), images, texts)
