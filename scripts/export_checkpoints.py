"""Checkpoints of Hugging Face and open_clip as export_clip.py wants them.

Not run by itself. A Checkpoint has the towers to trace, the framework's own way from
pictures and texts to vectors, to compare with, and what the manifest says of it.
"""

import contextlib
import dataclasses
import json
import logging
import pathlib
import tempfile
import typing

import torch

import export_tokenizers as tokenizers

FILTERS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}  # Pillow's numbers
LICENCES = {"mit": "MIT", "apache-2.0": "Apache-2.0", "cc-by-nc-4.0": "CC-BY-NC-4.0", "bsd-3-clause": "BSD-3-Clause"}


class Failure(Exception):
    """What a user can do something about, as one sentence."""


@dataclasses.dataclass
class Checkpoint:
    name: str
    version: str
    licence: str
    source: str
    kind: str  # "clip" or "features"
    size: int  # pixels per side
    preprocess: dict  # as in the manifest
    pixels: typing.Callable  # PIL image → [3, S, S]
    image: torch.nn.Module  # pixels → [n, D] or [n, T, D]
    image_reference: typing.Callable  # the same by the framework
    text: torch.nn.Module | None = None  # ids → [n, D]
    text_reference: typing.Callable | None = None
    context: int = 0
    short: bool = False  # the text graph takes texts without their padding
    ids: typing.Callable | None = None  # texts → the framework's padded ids
    tokenizer: dict | None = None  # the content of tokenizer.json
    pad: int | None = None


class Tower(torch.nn.Module):
    """A module whose call is function(model, tensor)."""

    def __init__(self, model, function):
        super().__init__()
        self.model, self.function = model, function

    def forward(self, x):
        return self.function(self.model, x)


@contextlib.contextmanager
def quiet():
    """Silences the libraries' advice."""
    import transformers
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def first_line(error):
    """Returns what an exception of a library says first, without the lists it adds."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].split(" Available")[0][:300] if lines else type(error).__name__


def over_first_token(tokens):
    """Divides all tokens by the length of the first, as MindEye's target is."""
    return tokens / tokens[:, :1].norm(dim=-1, keepdim=True)


# Hugging Face.

def clip_tokens(model, pixels):
    """Returns the embedding of Versatile Diffusion: every token of the last layer through
    the final norm and the projection, all divided by the length of token 0."""
    states = model.vision_model(pixel_values=pixels).last_hidden_state
    return over_first_token(model.visual_projection(model.vision_model.post_layernorm(states)))


IMAGES = {
    "clip": lambda m, x: m.visual_projection(m.vision_model(pixel_values=x).pooler_output),
    "siglip": lambda m, x: m.vision_model(pixel_values=x).pooler_output,
    "dinov2": lambda m, x: m(pixel_values=x).last_hidden_state[:, 0],
}
IMAGES["dinov2_with_registers"] = IMAGES["dinov2"]
TEXTS = {
    "clip": lambda m, ids: m.text_projection(m.text_model(input_ids=ids).pooler_output),
    "siglip": lambda m, ids: m.text_model(input_ids=ids).pooler_output,
}


def pooled(out):
    """Returns the vectors of a get_…_features call: a tensor, or an output that has one."""
    return out if torch.is_tensor(out) else out.pooler_output


def from_hugging_face(identifier, *, revision=None, tokens=False, text=True):
    """Opens a checkpoint of the hub by name, or a local folder."""
    import transformers
    where = f"{identifier}@{revision}" if revision else identifier
    if identifier.startswith((".", "/", "~")) and not pathlib.Path(identifier, "config.json").is_file():
        raise Failure(f"{where} is not a checkpoint: it has no config.json")
    try:
        with quiet():
            config = transformers.AutoConfig.from_pretrained(identifier, revision=revision)
    except (OSError, ValueError) as e:
        raise Failure(f"{where} is not a checkpoint that can be read: {first_line(e)}") from None
    kind = config.model_type
    if kind == "siglip2":
        raise Failure(f"{where} is a NaFlex SigLIP 2, whose pictures have any shape: "
                      "export one of fixed resolution, such as google/siglip2-base-patch16-224")
    if kind not in IMAGES:
        raise Failure(f"{where} is of the class {config.model_type}, wanted one of {', '.join(IMAGES)}")
    if tokens and kind != "clip":
        raise Failure(f"{where} is of the class {kind}: tokens can be had of clip alone")
    try:
        with quiet():
            model = transformers.AutoModel.from_pretrained(identifier, revision=revision, dtype=torch.float32).eval()
            processor = transformers.AutoImageProcessor.from_pretrained(identifier, revision=revision, backend="pil")
    except (OSError, ValueError) as e:
        raise Failure(f"{where} cannot be read: {first_line(e)}") from None
    size, preprocess = from_processor(where, processor)
    commit = getattr(config, "_commit_hash", None) or "1"
    c = Checkpoint(
        name=pathlib.Path(identifier).name, version=commit, licence=card_licence(identifier, revision),
        source=f"{pathlib.Path(identifier).name if pathlib.Path(identifier).exists() else identifier}, "
               f"exported with transformers {transformers.__version__}",
        kind="clip" if kind in TEXTS else "features", size=size, preprocess=preprocess,
        pixels=lambda picture: torch.from_numpy(processor(picture, return_tensors="np")["pixel_values"][0]),
        image=Tower(model, clip_tokens if tokens else IMAGES[kind]), image_reference=None)
    if tokens:
        c.image_reference = lambda x: over_first_token(torch.stack(
            [model.visual_projection(model.vision_model.post_layernorm(token)) for token in
             model.vision_model(pixel_values=x).last_hidden_state.unbind(1)], 1))
    elif kind in TEXTS:
        c.image_reference = lambda x: pooled(model.get_image_features(pixel_values=x))
    else:
        c.image_reference = lambda x: model(pixel_values=x).pooler_output
    if text and kind in TEXTS:
        add_hugging_face_text(c, where, model, kind, dict(pretrained_model_name_or_path=identifier, revision=revision))
    return c


def add_hugging_face_text(c, where, model, kind, source):
    import transformers
    try:
        with quiet():
            tokenizer = transformers.AutoTokenizer.from_pretrained(**source)
    except (OSError, ValueError, ImportError) as e:
        raise Failure(f"{where} has no tokenizer that can be read: {first_line(e)}") from None
    c.context = model.config.text_config.max_position_embeddings
    c.pad, c.tokenizer = tokenizer.pad_token_id, saved_tokenizer(where, tokenizer)
    lower = bool(tokenizer.init_kwargs.get("do_lower_case")) and not isinstance(tokenizer, transformers.SiglipTokenizer)
    if lower and kind == "siglip":  # SigLIP 2: trained on lower case, which Gemma's tokenizer does not make
        own = c.tokenizer["normalizer"]
        c.tokenizer["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Lowercase"}] + ([own] if own else [])}
    c.ids = lambda texts: tokenizer([t.lower() for t in texts] if lower else texts, padding="max_length", truncation=True,
                                    max_length=c.context, return_tensors="pt").input_ids
    c.text, c.short = Tower(model, TEXTS[kind]), kind == "clip"
    c.text_reference = lambda ids: pooled(model.get_text_features(input_ids=ids))


def saved_tokenizer(where, tokenizer):
    """Returns the tokenizer.json of a Hugging Face tokenizer."""
    with tempfile.TemporaryDirectory() as folder, quiet():
        tokenizer.save_pretrained(folder)
        saved = pathlib.Path(folder, "tokenizer.json")
        if saved.exists():
            return {**json.loads(saved.read_text(encoding="utf-8")), "truncation": None, "padding": None}
    if "siglip" in type(tokenizer).__name__.lower():
        from sentencepiece import sentencepiece_model_pb2
        proto = sentencepiece_model_pb2.ModelProto()
        proto.ParseFromString(pathlib.Path(tokenizer.vocab_file).read_bytes())
        return tokenizers.siglip(proto, lower=tokenizer.do_lower_case)
    raise Failure(f"{where} has a tokenizer of the class {type(tokenizer).__name__}, which cannot be written as a tokenizer.json")


def from_processor(where, processor):
    """Returns the pixels per side and the manifest's preprocess of an image processor."""
    p = processor.to_dict()
    size, crop = dict(p.get("size") or {}), dict(p.get("crop_size") or {})
    out = {"filter": FILTERS.get(int(p.get("resample", 3))), "antialias": True, "crop": "none"}
    if p.get("do_center_crop"):
        side, shorter = crop.get("height"), size.get("shortest_edge")
        if crop.get("width") != side or not shorter:
            raise Failure(f"{where}: its preprocessor crops {crop} of {size}, wanted a square of the shorter side")
        out["crop"] = "center"
        if shorter != side:
            out["resize"] = shorter
        out["rounding"] = "floor"
    else:
        side = size.get("height")
        if not side or size.get("width") != side:
            raise Failure(f"{where}: its preprocessor makes {size}, wanted a square or a centre crop")
    out |= {"range": [0, 1], "mean": list(p["image_mean"]), "std": list(p["image_std"])}
    return side, out


def card_licence(identifier, revision):
    """Returns the licence that a model card states, or "unknown"."""
    import huggingface_hub
    card = pathlib.Path(identifier, "README.md")
    try:
        if not pathlib.Path(identifier).is_dir():
            card = pathlib.Path(huggingface_hub.hf_hub_download(identifier, "README.md", revision=revision))
        licence = huggingface_hub.ModelCard(card.read_text(encoding="utf-8"), ignore_metadata_errors=True).data.license
    except (OSError, ValueError, AttributeError):  # no card, or an odd one
        licence = None
    return LICENCES.get(licence, licence) or "unknown"


# open_clip.

def quick_gelu(name, pretrained):
    """Tells whether published weights were trained with x·sigmoid(1.702·x). open_clip goes
    by the model's name, and only warns where ViT-B-32 is asked for with such weights."""
    import open_clip.pretrained
    return bool(pretrained and open_clip.pretrained.get_pretrained_cfg(name, pretrained).get("quick_gelu"))


def from_open_clip(name, *, pretrained=None, tokens=False, text=True):
    """Opens a model of open_clip: a name with a pretrained tag or a file of weights, or
    hf-hub:… or local-dir:…, which bring their weights."""
    import open_clip
    try:
        with quiet():
            model, _, transform = open_clip.create_model_and_transforms(
                name, pretrained=pretrained, force_quick_gelu=quick_gelu(name, pretrained), require_pretrained=True)
            tokenizer = open_clip.get_tokenizer(name)
    except Exception as e:  # open_clip has no error class of its own
        raise Failure(f"open_clip cannot open {name} with the weights {pretrained or 'that it brings'}: {first_line(e)}") from None
    model.eval()
    cfg = open_clip.get_model_preprocess_cfg(model)
    size = cfg["size"] if isinstance(cfg["size"], int) else cfg["size"][0]
    if not isinstance(cfg["size"], int) and cfg["size"][0] != cfg["size"][1]:
        raise Failure(f"{name} takes pictures of {cfg['size']} pixels, wanted a square")
    label = pathlib.Path(name.split(":")[-1]).name
    c = Checkpoint(
        name=f"{label}-{pathlib.Path(pretrained).stem}" if pretrained else label, version="1", licence="unknown",
        source=f"open_clip {label} {pathlib.Path(pretrained).name if pretrained else ''}".strip() +
               f", exported with open_clip {open_clip.__version__}",
        kind="clip", size=size, pixels=transform, image=Tower(model, lambda m, x: m.encode_image(x)),
        image_reference=model.encode_image,
        preprocess={"filter": cfg["interpolation"], "antialias": True,
                    "crop": {"shortest": "center", "squash": "none", "longest": "pad"}[cfg.get("resize_mode", "shortest")],
                    **({"fill": cfg["fill_color"]} if cfg.get("resize_mode") == "longest" and cfg.get("fill_color") else {}),
                    "range": [0, 1], "mean": list(cfg["mean"]), "std": list(cfg["std"])})
    if tokens:
        add_open_clip_tokens(c, model, name)
    elif text:
        add_open_clip_text(c, model, tokenizer, name)
    return c


def add_open_clip_tokens(c, model, name):
    """Makes the image tower give what MindEye2 calls the target: the patches of the last
    layer after the final norm, without the class token and the projection."""
    if not hasattr(model.visual, "output_tokens") or getattr(model.visual, "attn_pool", None) is not None:
        raise Failure(f"{name} has no tokens: its image tower is not a plain vision transformer of open_clip")
    model.visual.output_tokens = True
    c.image = Tower(model.visual, lambda m, x: m(x)[1])
    c.image_reference = lambda x: model.visual(x)[1]


def add_open_clip_text(c, model, tokenizer, name):
    import open_clip
    if isinstance(tokenizer, open_clip.SimpleTokenizer):
        content, c.pad, c.context = tokenizers.clip(tokenizers.open_clip_merges()), 0, tokenizer.context_length
    elif getattr(tokenizer, "tokenizer_mode", "") or getattr(tokenizer, "strip_sep_token", False):
        raise Failure(f"{name} has a tokenizer with options that cannot be written as a tokenizer.json")
    else:
        clean = tokenizer.clean_fn.__name__.removeprefix("_clean_")
        content = tokenizers.cleaned(saved_tokenizer(name, tokenizer.tokenizer), clean)
        c.pad, c.context = tokenizer.tokenizer.pad_token_id, tokenizer.context_length
    c.tokenizer, c.ids = content, lambda texts: tokenizer(texts).long()
    c.text = Tower(model, lambda m, ids: m.encode_text(ids))
    c.text_reference = model.encode_text


def without_antialias(c):
    """Makes c resize as MindEye did: on numbers, without a filter against aliasing."""
    c.preprocess["antialias"] = False
    c.preprocess.pop("rounding", None)  # torchvision's CenterCrop
    mean, std = (torch.tensor(c.preprocess[k]).view(3, 1, 1) for k in ("mean", "std"))

    def pixels(picture):
        from torchvision.transforms import functional as T
        x = T.pil_to_tensor(picture.convert("RGB")) / 255
        x = T.center_crop(T.resize(x, c.size, T.InterpolationMode.BICUBIC, antialias=False), c.size)
        return (x - mean) / std
    c.pixels = pixels


def with_halved_range(c):
    """MindEye2's target: the values 0…1 of its pictures are halved and raised to .5…1."""
    mean, std = (torch.tensor(c.preprocess[name]).view(3, 1, 1) for name in ("mean", "std"))
    whole = c.pixels
    c.preprocess["range"] = [.5, 1]
    c.pixels = lambda image: (.5 + .5 * (whole(image) * std + mean) - mean) / std
