#!/usr/bin/env python3
"""Writes embed/hub/layout/testdata: a small model in every published layout.

    pip install -r scripts/requirements.txt
    python scripts/golden_layouts.py

repositories/<layout>/ is a repository as it is published: the same names of files,
tensors and axes, the same kinds of JSON files, but random weights (seeds 0 to 2) of
width 32. pictures/ has the test pictures, drawn by formula. expected/<layout>.json
has what Python makes of the pictures and of TEXTS: ids by Hugging Face's tokenizers,
pixels by Pillow and the framework's own preprocessing (Hugging Face's for a
preprocessor_config.json, open_clip's for a preprocess_cfg.json), vectors by ONNX
Runtime, one item at a time, of unit length. Every folder is made anew; with the
versions of requirements.txt it comes out the same byte for byte.
"""

import pathlib
import shutil
import tempfile
import warnings

import onnx
import torch
import transformers

import export_clip
import export_graph as graph
import golden_layout_models as models
import golden_layout_tokenizers as tokenizers
from golden_layout_repository import (CLIP_MEAN, CLIP_STD, CONTEXT, GENERATION1, GENERATION2, GENERATION3, GENERATION4,
                                      HALF, IMAGENET_MEAN, IMAGENET_STD, PIXELS_AXES, ROOT, SIGLIP, SIZE, TEXT_AXES,
                                      Repository, draw_pictures, encoder, hugging_face, open_clip_pixels, text, variants,
                                      vision)

FLOOR, HALF_EVEN = "floor", "half to even"


def transformers_js():
    r = Repository("transformers-js")
    model = models.clip(tokenizers.clip(r.folder))
    r.config(model)
    r.json("preprocessor_config.json", GENERATION2)
    vision(r, model), text(r, model)
    variants(r, "onnx/vision_model.onnx"), variants(r, "onnx/text_model.onnx")
    for suffix, key in (("", "vector"), ("_fp16", "fp16"), ("_quantized", "quantized")):
        r.images(f"onnx/vision_model{suffix}.onnx", "image_embeds", hugging_face("CLIPImageProcessor", GENERATION2), key)
        r.texts(f"onnx/text_model{suffix}.onnx", "text_embeds", encoder(r.folder, padded=False), key)
    r.finish(dim=models.WIDTH, image_size=SIZE, context=CONTEXT, rounding=FLOOR)


def generation(name, path, config):
    """A repository with the image tower alone, and another generation of its config."""
    r = Repository(name)
    model = models.clip(8, seed=1, width=16, layers=1)
    r.config(model)
    r.json(path, config)
    vision(r, model)
    r.images("onnx/vision_model.onnx", "image_embeds", hugging_face("CLIPImageProcessor", GENERATION2))
    r.finish(dim=16, image_size=SIZE, rounding=FLOOR)


def external_data():
    r = Repository("external-data")
    model = models.clip(tokenizers.clip(r.folder), seed=1, layers=1)
    r.config(model)
    r.json("preprocessor_config.json", GENERATION3)
    vision(r, model), text(r, model)
    for name in ("vision_model", "text_model"):
        path = r.folder / f"onnx/{name}.onnx"
        graph.store(graph.load(path), path, external=f"{name}.onnx_data")
    r.images("onnx/vision_model.onnx", "image_embeds", hugging_face("CLIPImageProcessor", GENERATION3))
    r.texts("onnx/text_model.onnx", "text_embeds", encoder(r.folder, padded=False))
    r.finish(dim=models.WIDTH, image_size=SIZE, context=CONTEXT, rounding=FLOOR)


def immich_towers(r, model, suffix, dynamic):
    """Exports open_clip's towers as Immich does: normalised, int32 ids."""
    image = models.Call(model, lambda m, x: m.encode_image(x, normalize=True))
    words = models.Call(model, lambda m, x: m.encode_text(x, normalize=True))
    outputs = ("image_embedding", "text_embedding") if suffix else ("embedding", "embedding")
    axes = lambda *names: {n: {0: "batch"} for n in names} if dynamic else {}
    r.trace(image, [torch.rand(1, 3, SIZE, SIZE)], "visual/model.onnx", ["image"], [outputs[0]], opset=19,
            dynamic=axes("image", outputs[0]))
    r.trace(words, [torch.ones(1, CONTEXT, dtype=torch.int32)], "textual/model.onnx", ["text"], [outputs[1]], opset=19,
            dynamic=axes("text", outputs[1]))
    return outputs


def immich(name, preprocess, *, renamed):
    """Immich's layout; renamed is its newer form: outputs by their own names, any batch."""
    r = Repository(name)
    (r.folder / "textual").mkdir()
    model, config = models.open_clip(tokenizers.clip(r.folder / "textual", pairs=True), seed=2 if renamed else 0)
    r.json("config.json", config)
    r.json("visual/preprocess_cfg.json", preprocess)
    outputs = immich_towers(r, model, renamed, renamed)
    r.images("visual/model.onnx", outputs[0], open_clip_pixels(**preprocess))
    r.images("visual/model.onnx", outputs[0], open_clip_pixels(floor=True, **preprocess), "floor")
    r.texts("textual/model.onnx", outputs[1], encoder(r.folder / "textual"))
    r.finish(dim=models.WIDTH, image_size=SIZE, context=CONTEXT, rounding=HALF_EVEN)


PREPROCESS_OLD = {"size": SIZE, "mode": "RGB", "mean": CLIP_MEAN, "std": CLIP_STD, "interpolation": "bicubic"}
PREPROCESS_SQUASH = {"size": [SIZE, SIZE], "mode": "RGB", "mean": HALF, "std": HALF, "interpolation": "bicubic",
                     "resize_mode": "squash", "fill_color": 0}


def immich_multilingual():
    """M-CLIP: XLM-R, the mean of its states under the mask, and a projection."""
    r = Repository("immich-multilingual")
    (r.folder / "textual").mkdir()
    trunk = models.xlm_roberta(tokenizers.xlm_roberta(r.folder / "textual"))
    model, config = models.open_clip(8, seed=1)
    r.json("config.json", config)
    r.json("visual/preprocess_cfg.json", {**PREPROCESS_OLD, "resize_mode": "shortest", "fill_color": 0})
    image = models.Call(model, lambda m, x: m.encode_image(x, normalize=True))
    r.trace(image, [torch.rand(1, 3, SIZE, SIZE)], "visual/model.onnx", ["image"], ["embedding"], opset=19, dynamic={})

    def pooled(m, ids, mask):
        states = m[0](input_ids=ids, attention_mask=mask).last_hidden_state
        mean = (states * mask.unsqueeze(2)).sum(dim=1) / mask.sum(dim=1)[:, None]
        return torch.nn.functional.normalize(m[1](mean), dim=-1)
    words = models.Call(torch.nn.ModuleList([trunk, torch.nn.Linear(models.WIDTH, models.WIDTH)]), pooled)
    args = [torch.full((1, CONTEXT), 5, dtype=torch.int32), torch.ones(1, CONTEXT, dtype=torch.int32)]
    r.trace(words, args, "textual/model.onnx", ["input_ids", "attention_mask"], ["embedding"], opset=19, dynamic={})
    r.images("visual/model.onnx", "embedding", open_clip_pixels(**PREPROCESS_OLD))
    r.images("visual/model.onnx", "embedding", open_clip_pixels(floor=True, **PREPROCESS_OLD), "floor")
    r.texts("textual/model.onnx", "embedding", encoder(r.folder / "textual", pad=1))
    r.finish(dim=models.WIDTH, image_size=SIZE, context=CONTEXT, rounding=HALF_EVEN)


def fastembed():
    """Two repositories of one model; the text graph wants the mask."""
    images, texts = Repository("fastembed-vision"), Repository("fastembed-text")
    model = models.clip(tokenizers.clip(texts.folder, ignore_merges=False), seed=2)
    images.config(models.tower(model, transformers.CLIPVisionModelWithProjection))
    texts.config(models.tower(model, transformers.CLIPTextModelWithProjection))
    images.json("preprocessor_config.json", GENERATION2)
    vision(images, model, "model.onnx"), text(texts, model, "model.onnx", mask=True)
    images.images("model.onnx", "image_embeds", hugging_face("CLIPImageProcessor", GENERATION2))
    texts.texts("model.onnx", "text_embeds", encoder(texts.folder, padded=False))
    images.finish(dim=models.WIDTH, image_size=SIZE, rounding=FLOOR)
    texts.finish(dim=models.WIDTH, context=CONTEXT)


def whole_graph():
    """One graph from ids, pixels and mask to logits and both (normalised) embeddings."""
    r = Repository("whole-graph")
    model = models.clip(tokenizers.clip(r.folder), layers=1)
    r.config(model)
    r.json("preprocessor_config.json", GENERATION2)
    inputs = ["input_ids", "pixel_values", "attention_mask"]
    outputs = ["logits_per_image", "logits_per_text", "text_embeds", "image_embeds"]
    ids = torch.randint(0, 700, (2, 16))
    ids[:, -1] = model.config.text_config.eos_token_id
    axes = {"input_ids": {0: "text_batch_size", 1: "sequence_length"}, "pixel_values": {**PIXELS_AXES, 0: "image_batch_size"},
            "attention_mask": {0: "text_batch_size", 1: "sequence_length"}, "text_embeds": {0: "text_batch_size"},
            "logits_per_image": {0: "image_batch_size", 1: "text_batch_size"}, "image_embeds": {0: "image_batch_size"},
            "logits_per_text": {0: "text_batch_size", 1: "image_batch_size"}}
    r.trace(models.Output(model, inputs, outputs), [ids, torch.rand(2, 3, SIZE, SIZE), torch.ones_like(ids)],
            "onnx/model.onnx", inputs, outputs, opset=14, dynamic=axes)
    halves = [(["pixel_values"], "image_embeds"), (["input_ids", "attention_mask"], "text_embeds")]
    for names, output in halves:  # the reference cuts the graph with onnx's own tool
        onnx.utils.extract_model(str(r.folder / "onnx/model.onnx"), str(r.folder / "half.onnx"), names, [output])
        if output == "image_embeds":
            r.images("half.onnx", output, hugging_face("CLIPImageProcessor", GENERATION2))
        else:
            r.texts("half.onnx", output, encoder(r.folder, padded=False))
        (r.folder / "half.onnx").unlink()
    r.finish(dim=models.WIDTH, image_size=SIZE, context=CONTEXT, rounding=FLOOR)


def siglip(name, tokenizer, pad, seed, *, resample, lower):
    r = Repository(name)
    model = models.siglip(tokenizer(r.folder), seed)
    config = {**SIGLIP, "resample": resample}
    r.config(model)
    r.json("preprocessor_config.json", config)
    outputs = ["last_hidden_state", "pooler_output"]
    r.trace(models.Output(model.vision_model, ["pixel_values"], outputs), [torch.rand(2, 3, SIZE, SIZE)],
            "onnx/vision_model.onnx", ["pixel_values"], outputs, opset=14,
            dynamic={"pixel_values": PIXELS_AXES, **{n: {0: "batch_size"} for n in outputs}})
    r.trace(models.Output(model.text_model, ["input_ids"], outputs), [torch.randint(0, 50, (2, 64))],
            "onnx/text_model.onnx", ["input_ids"], outputs, opset=14,
            dynamic={"input_ids": TEXT_AXES, "last_hidden_state": TEXT_AXES, "pooler_output": {0: "batch_size"}})
    r.images("onnx/vision_model.onnx", "pooler_output", hugging_face("SiglipImageProcessor", config))
    r.texts("onnx/text_model.onnx", "pooler_output", encoder(r.folder, 64, pad, lower))
    r.finish(dim=models.WIDTH, image_size=SIZE, context=64, pad=pad)


def dinov2():
    r = Repository("dinov2")
    model = models.dinov2()
    config = {**GENERATION3, "image_processor_type": "BitImageProcessor", "image_mean": IMAGENET_MEAN,
              "image_std": IMAGENET_STD, "size": {"shortest_edge": 32}, "crop_size": {"height": 28, "width": 28}}
    del config["_valid_processor_keys"]
    r.config(model)
    r.json("preprocessor_config.json", config)
    r.trace(models.Output(model, ["pixel_values"], ["last_hidden_state"]), [torch.rand(2, 3, 28, 28)], "onnx/model.onnx",
            ["pixel_values"], ["last_hidden_state"], opset=14,
            dynamic={"pixel_values": PIXELS_AXES, "last_hidden_state": {0: "batch_size", 1: "sequence_length"}})
    r.images("onnx/model.onnx", "last_hidden_state", hugging_face("BitImageProcessor", config))
    r.finish(dim=models.WIDTH, image_size=28, resize=32, tokens=5, rounding=FLOOR)


def jina_clip():
    r = Repository("jina-clip")
    trunk = models.bert(tokenizers.bert(r.folder))
    model = models.clip(8, seed=2)
    config = {"auto_map": {"AutoImageProcessor": "jinaai/jina-clip-implementation--processing_clip.JinaCLIPImageProcessor"},
              "fill_color": 0, "image_processor_type": "JinaCLIPImageProcessor", "interpolation": "bicubic",
              "mean": CLIP_MEAN, "processor_class": "JinaCLIPProcessor", "resize_mode": "shortest", "size": SIZE, "std": CLIP_STD}
    r.json("config.json", {"architectures": ["JinaCLIPModel"], "model_type": "jina_clip", "projection_dim": models.WIDTH,
                           "text_config": {"embed_dim": models.WIDTH, "model_type": "jina_clip_text", "pooler_type": "mean_pooler"},
                           "vision_config": {"embed_dim": models.WIDTH, "image_size": SIZE, "model_type": "jina_clip_vision"}})
    r.json("preprocessor_config.json", config)
    vision(r, model)

    def pooled(m, ids):
        mask = (ids != 0).long()
        states = m(input_ids=ids, attention_mask=mask).last_hidden_state
        return (states * mask.unsqueeze(-1)).sum(dim=1) / mask.sum(dim=-1, keepdim=True)
    r.trace(models.Call(trunk, pooled), [torch.randint(1, 100, (2, 16))], "onnx/text_model.onnx", ["input_ids"],
            ["text_embeds"], opset=14, dynamic={"input_ids": TEXT_AXES, "text_embeds": {0: "batch_size"}})
    preprocess = {k: config[k] for k in ("mean", "std", "interpolation", "resize_mode", "size")}
    r.images("onnx/vision_model.onnx", "image_embeds", open_clip_pixels(**preprocess))
    r.texts("onnx/text_model.onnx", "text_embeds", encoder(r.folder, padded=False))
    r.finish(dim=models.WIDTH, image_size=SIZE, context=CONTEXT, rounding=HALF_EVEN)


def exported(name, *options):
    """A folder that export_clip.py writes. Its model has one layer of width 16."""
    r = Repository(name)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary, "small-clip")
        folder.mkdir()
        config = models.clip_config(tokenizers.clip(folder), width=16, layers=1)
        models.spread(transformers.CLIPModel(config), 0).save_pretrained(folder)
        tokenizers.write_json(folder / "preprocessor_config.json", GENERATION2)
        r.folder.rmdir()
        args = export_clip.arguments(["--hf", str(folder), "--licence", "CC0-1.0", *options, str(r.folder)])
        export_clip.write(args)
        pixels = export_clip.open_checkpoint(args).pixels
    tokens = "tokens" if "--mindeye" in options else "embedding"
    r.images("image.onnx", tokens, pixels)
    r.texts("text.onnx", "embedding", encoder(r.folder, pad=0))
    r.finish(dim=16, image_size=SIZE, context=CONTEXT, rounding=HALF_EVEN if "--mindeye" in options else FLOOR)


def broken():
    """Repositories that cannot be opened. Their towers have one layer of width 16."""
    from safetensors.torch import save_file

    def start(name, **options):
        r = Repository(name)
        config = models.clip_config(tokenizers.clip(r.folder, slow_files=False), width=16, layers=1, **options)
        model = models.spread(transformers.CLIPModel(config), 0)
        r.config(model)
        r.json("preprocessor_config.json", GENERATION2)
        return r, model

    r, model = start("no-onnx")
    weights = {k: v.half().contiguous() for k, v in sorted(model.state_dict().items())}
    save_file(weights, r.folder / "model.safetensors", metadata={"format": "pt"})
    r.finish()

    r, model = start("unknown-operator")
    vision(r, model), text(r, model)
    path = r.folder / "onnx/vision_model.onnx"
    g = onnx.load(path)
    last = next(n for n in g.graph.node if "image_embeds" in n.output)
    last.output[list(last.output).index("image_embeds")] = "before_whirl"
    g.graph.node.append(onnx.helper.make_node("Whirl", ["before_whirl"], ["image_embeds"], domain="com.example"))
    g.opset_import.append(onnx.helper.make_opsetid("com.example", 1))
    graph.store(g, path)
    r.finish()

    r, model = start("towers-differ")
    vision(r, model)
    wide = models.clip_config(model.config.text_config.vocab_size, width=16, layers=1)
    wide.text_config.projection_dim = 24
    tower = models.spread(transformers.CLIPTextModelWithProjection(wide.text_config), 1)
    ids = torch.randint(0, 700, (2, 16))
    ids[:, -1] = wide.text_config.eos_token_id
    r.trace(models.Output(tower, ["input_ids"], ["text_embeds"]), [ids], "onnx/text_model.onnx", ["input_ids"],
            ["text_embeds"], opset=14, dynamic={"input_ids": TEXT_AXES, "text_embeds": {0: "batch_size"}})
    r.finish()

    r, model = start("lfs-pointer")
    text(r, model)
    (r.folder / "onnx/vision_model.onnx").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:fd6e1402a588279d1723c7534d4bcba5bc0b14b47dfab0e46f8c47b8270d7d40\n"
        "size 351685709\n")
    r.finish()


def main():
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)  # sums in one order
    for part in ("pictures", "repositories", "expected"):
        shutil.rmtree(ROOT / part, ignore_errors=True)
    draw_pictures()
    transformers_js()
    generation("clip-generation-1", "preprocessor_config.json", GENERATION1)
    generation("clip-generation-3", "preprocessor_config.json", GENERATION3)
    generation("clip-generation-4", "processor_config.json", GENERATION4)
    external_data()
    immich("immich", PREPROCESS_OLD, renamed=False)
    immich("immich-squash", PREPROCESS_SQUASH, renamed=True)
    immich_multilingual()
    fastembed()
    whole_graph()
    siglip("siglip", tokenizers.siglip, 1, 0, resample=3, lower=False)
    siglip("siglip2", tokenizers.gemma, 0, 1, resample=2, lower=True)
    dinov2()
    jina_clip()
    exported("exported")
    exported("exported-tokens", "--mindeye", "--fp16", "--external-data")
    broken()


if __name__ == "__main__":
    main()
