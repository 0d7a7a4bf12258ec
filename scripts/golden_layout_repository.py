"""Repositories in the making for golden_layouts.py, and the reference pipelines.

Not run by itself.
"""

import json
import pathlib
import warnings

import numpy as np
import onnx
import torch
import transformers
from PIL import Image
from tokenizers import Tokenizer

import export_graph as graph
import golden_layout_models as models
import golden_layout_tokenizers as tokenizers

warnings.simplefilter("ignore")
ROOT = pathlib.Path(__file__).resolve().parent.parent / "embed/hub/layout/testdata"
# 300×204 at 32 pixels is 47×32: where rounding half to even and down part.
SIZES = [(37, 53), (64, 48), (300, 204)]
TEXTS = ["", "a photo of a cat", "Two DOGS on the beach, at night!", "  spaces\tand\nlines ",
         "café naïve ½ 12345 don't", "一只猫 👩‍👩‍👧‍👦", "a red bicycle under a tree and " * 20]
CLIP_MEAN, CLIP_STD = [.48145466, .4578275, .40821073], [.26862954, .26130258, .27577711]
HALF, IMAGENET_MEAN, IMAGENET_STD = [.5] * 3, [.485, .456, .406], [.229, .224, .225]
SIZE, CONTEXT = models.SIZE, 77


def draw_pictures():
    """Draws the test pictures: smooth colour with two discs and a few stripes."""
    folder = ROOT / "pictures"
    folder.mkdir(parents=True)
    for k, (w, h) in enumerate(SIZES):
        y, x = np.mgrid[0:h, 0:w] / np.array([h, w]).reshape(2, 1, 1)
        rgb = np.stack([(x + k * y) / (1 + k), 1 - y * x, (np.sin(6 * x + k) + 1) / 2], -1)
        rgb[(x - .3) ** 2 + (y - .6) ** 2 < .04] = (.9, .2 * k, .1)
        rgb[(x - .7) ** 2 + (y - .3) ** 2 < .02 * (k + 1)] = (.1, .3, .8 - .2 * k)
        rgb[(np.floor(y * 16) % 5 == k)] *= .6
        Image.fromarray((rgb * 255).round().astype(np.uint8)).save(folder / f"{w}x{h}.png", optimize=True)


class Repository:
    """A folder of repositories/ in the making, and what is expected of it."""

    def __init__(self, name):
        self.name, self.folder = name, ROOT / "repositories" / name
        self.folder.mkdir(parents=True)
        self.expected = {"images": [], "texts": []}

    def json(self, path, content):
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        tokenizers.write_json(self.folder / path, content)

    def config(self, model, **changes):
        content = {**model.config.to_dict(), "architectures": [type(model).__name__], **changes}
        self.json("config.json", {k: v for k, v in sorted(content.items()) if v is not None and k != "_name_or_path"})

    def trace(self, module, args, path, inputs, outputs, **options):
        full = self.folder / path
        full.parent.mkdir(parents=True, exist_ok=True)
        graph.trace(module, args, full, inputs, outputs, **options)
        graph.store(graph.load(full), full)

    def add(self, kind, i, key, out):
        """Adds a vector, unless it is the one under "vector"."""
        vector = unit(out)
        if vector != self.expected[kind][i].get("vector"):
            self.expected[kind][i][key] = vector

    def images(self, path, output, pixels, key="vector"):
        """Adds the vectors of the pictures; pixels makes [3, S, S] of a PIL image."""
        s = graph.session(self.folder / path)
        for i, (w, h) in enumerate(SIZES):
            with Image.open(ROOT / f"pictures/{w}x{h}.png") as picture:
                x = np.asarray(pixels(picture.convert("RGB")), np.float32)[None]
            if len(self.expected["images"]) == i:
                self.expected["images"].append({"file": f"{w}x{h}.png"})
            self.add("images", i, key, s.run([output], {s.get_inputs()[0].name: x})[0])

    def texts(self, path, output, encode, key="vector"):
        """Adds the vectors of the texts; encode gives the ids and how to pad them."""
        s = graph.session(self.folder / path)
        for i, text in enumerate(TEXTS):
            ids, context, pad = encode(text)
            feeds = {}
            for tensor in s.get_inputs():
                row = [1] * len(ids) if "mask" in tensor.name else ids
                fill = 0 if "mask" in tensor.name else pad
                row = row + [fill] * (context - len(ids))
                feeds[tensor.name] = np.array([row], np.int32 if "int32" in tensor.type else np.int64)
            if len(self.expected["texts"]) == i:
                self.expected["texts"].append({"text": text, "ids": ids})
            self.add("texts", i, key, s.run([output], feeds)[0])

    def finish(self, **about):
        """Writes the expected values, after a look whether they can tell things apart."""
        for kind in ("images", "texts"):
            v = np.array([e["vector"] for e in self.expected[kind]])
            if len(v) and np.abs(np.triu(v @ v.T, 1)).max() > .995:
                raise SystemExit(f"{self.name}: two {kind} have one vector: {np.round(v @ v.T, 3)}")
        size = sum(p.stat().st_size for p in self.folder.rglob("*") if p.is_file())
        print(f"{self.name:24} {size:9,} bytes, {len(self.expected['images'])} images, {len(self.expected['texts'])} texts")
        if self.expected["images"] or self.expected["texts"]:
            path = ROOT / "expected" / f"{self.name}.json"
            path.parent.mkdir(exist_ok=True)
            rows = [f'  "{k}": [\n' + ",\n".join("    " + json.dumps(e, ensure_ascii=False) for e in v) + "\n  ]"
                    for k, v in self.expected.items()]
            head = [f'  "{k}": {json.dumps(v)}' for k, v in about.items()]
            path.write_text("{\n" + ",\n".join(head + rows) + "\n}\n", encoding="utf-8")


def unit(out):
    """Returns the vector of a batch of one: token 0 where there are tokens."""
    v = np.asarray(out, np.float64)[0]
    v = v[0] if v.ndim == 2 else v
    return [float(x) for x in np.float32(v / np.linalg.norm(v)).astype(str)]


def encoder(folder, context=CONTEXT, pad=0, lower=False, padded=True):
    """Returns the reference tokenizer of a folder, as Repository.texts wants it."""
    t = Tokenizer.from_file(str(folder / "tokenizer.json"))
    t.enable_truncation(context)

    def encode(text):
        ids = t.encode(text.lower() if lower else text).ids
        return ids, context if padded else len(ids), pad
    return encode


def hugging_face(name, config):
    """Returns Hugging Face's preprocessing by Pillow, for a preprocessor_config.json."""
    cls = getattr(transformers, name + "Pil")
    processor = cls.from_dict({k: v for k, v in config.items() if not k.endswith("_type")})
    return lambda picture: processor(picture, return_tensors="np")["pixel_values"][0]


def open_clip_pixels(floor=False, **cfg):
    """Returns open_clip's preprocessing, or with the centre crop rounded down."""
    from open_clip.transform import PreprocessCfg, image_transform_v2
    from torchvision import transforms
    t = image_transform_v2(PreprocessCfg(**cfg), is_train=False)
    if floor:
        for i, step in enumerate(t.transforms):
            if isinstance(step, transforms.CenterCrop):
                t.transforms[i] = lambda im: im.crop(((im.width - SIZE) // 2, (im.height - SIZE) // 2,
                                                      (im.width - SIZE) // 2 + SIZE, (im.height - SIZE) // 2 + SIZE))
    return lambda picture: t(picture).numpy()


# The generations of CLIP's preprocessor_config.json.
GENERATION1 = {"crop_size": SIZE, "do_center_crop": True, "do_normalize": True, "do_resize": True,
               "feature_extractor_type": "CLIPFeatureExtractor", "image_mean": CLIP_MEAN, "image_std": CLIP_STD,
               "resample": 3, "size": SIZE}
GENERATION2 = {"crop_size": {"height": SIZE, "width": SIZE}, "do_center_crop": True, "do_convert_rgb": True,
               "do_normalize": True, "do_rescale": True, "do_resize": True, "feature_extractor_type": "CLIPFeatureExtractor",
               "image_mean": CLIP_MEAN, "image_processor_type": "CLIPImageProcessor", "image_std": CLIP_STD,
               "resample": 3, "rescale_factor": 1 / 255, "size": {"shortest_edge": SIZE}}
GENERATION3 = {"_valid_processor_keys": ["images", "do_resize", "size", "resample", "do_center_crop", "crop_size",
                                         "do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std",
                                         "do_convert_rgb", "return_tensors", "data_format", "input_data_format"],
               **{k: v for k, v in GENERATION2.items() if k != "feature_extractor_type"}}
# What transformers 5 writes: one file for the whole processor.
GENERATION4 = {"image_processor": {k: v for k, v in GENERATION2.items() if k != "feature_extractor_type"},
               "processor_class": "CLIPProcessor"}
SIGLIP = {"do_convert_rgb": None, "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": HALF,
          "image_processor_type": "SiglipImageProcessor", "image_std": HALF, "processor_class": "SiglipProcessor",
          "resample": 3, "rescale_factor": 1 / 255, "size": {"height": SIZE, "width": SIZE}}
PIXELS_AXES = {0: "batch_size", 1: "num_channels", 2: "height", 3: "width"}
TEXT_AXES = {0: "batch_size", 1: "sequence_length"}


def vision(repo, model, path="onnx/vision_model.onnx"):
    """Exports CLIP's image tower as optimum does."""
    tower = models.tower(model, transformers.CLIPVisionModelWithProjection)
    outputs = ["image_embeds", "last_hidden_state"]
    repo.trace(models.Output(tower, ["pixel_values"], outputs), [torch.rand(2, 3, SIZE, SIZE)], path, ["pixel_values"],
               outputs, opset=14, dynamic={"pixel_values": PIXELS_AXES, "image_embeds": {0: "batch_size"},
                                           "last_hidden_state": {0: "batch_size"}})


def text(repo, model, path="onnx/text_model.onnx", mask=False):
    """Exports CLIP's text tower as optimum does; mask adds the attention mask of old ones."""
    tower = models.tower(model, transformers.CLIPTextModelWithProjection)
    outputs, last = ["text_embeds", "last_hidden_state"], model.config.text_config.eos_token_id
    ids = torch.randint(0, last, (2, 16))
    ids[:, -1] = last
    inputs, args = ["input_ids"], [ids]
    if mask:
        inputs, args = ["input_ids", "attention_mask"], [ids, torch.ones_like(ids)]
    repo.trace(models.Output(tower, inputs, outputs), args, path, inputs, outputs, opset=14,
               dynamic={**{name: TEXT_AXES for name in inputs}, "text_embeds": {0: "batch_size"}, "last_hidden_state": TEXT_AXES})


def variants(repo, path):
    """Writes the _fp16 and _quantized files beside a graph, as transformers.js has them."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers.float16 import convert_float_to_float16
    full = repo.folder / path
    half = convert_float_to_float16(onnx.load(full), keep_io_types=True, disable_shape_infer=True)
    graph.store(half, full.with_name(full.stem + "_fp16.onnx"))
    quantized = full.with_name(full.stem + "_quantized.onnx")
    quantize_dynamic(str(full), str(quantized), weight_type=QuantType.QUInt8)
    graph.store(onnx.load(quantized), quantized)
