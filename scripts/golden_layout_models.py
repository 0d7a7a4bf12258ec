"""The small random models of golden_layouts.py, of the same classes as the published.

Not run by itself. Every model has 2 layers of width WIDTH, 32×32 pixels in patches
of 8 (DINOv2: 28×28, 14), and weights that torch.manual_seed(seed) draws. Weights are
drawn wider than the classes draw them, so that pictures and texts get vectors that
point apart.
"""

import warnings

import torch
import transformers

WIDTH, SIZE = 32, 32


def spread(model, seed, attention=1):
    """Draws all weights of model again: matrices with a deviation of 1/sqrt(inputs),
    in attention that many times as much."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.ndim >= 2:
                p.normal_(0, p[0].numel() ** -.5 if "embed" not in name or "patch" in name else .5)
                p.mul_(attention if "attn" in name else 1)
            elif "bias" in name:
                p.normal_(0, .1)
            elif "class_embedding" in name:
                p.normal_(0, .5)
    return model.eval()


def clip_config(vocabulary, width=WIDTH, layers=2):
    """Returns the config of a CLIPModel whose end of text is its last id."""
    both = {"hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": layers,
            "num_attention_heads": 2, "hidden_act": "quick_gelu"}
    return transformers.CLIPConfig(
        projection_dim=width,
        text_config={**both, "vocab_size": vocabulary, "max_position_embeddings": 77,
                     "bos_token_id": vocabulary - 2, "eos_token_id": vocabulary - 1, "pad_token_id": 1,
                     "projection_dim": width},
        vision_config={**both, "image_size": SIZE, "patch_size": 8, "projection_dim": width})


def clip(vocabulary, seed=0, **options):
    return spread(transformers.CLIPModel(clip_config(vocabulary, **options)), seed)


def siglip(vocabulary, seed=0):
    both = {"hidden_size": WIDTH, "intermediate_size": 2 * WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2}
    return spread(transformers.SiglipModel(transformers.SiglipConfig(
        text_config={**both, "vocab_size": vocabulary, "max_position_embeddings": 64, "projection_size": WIDTH,
                     "bos_token_id": None, "eos_token_id": 1, "pad_token_id": 1},
        vision_config={**both, "image_size": SIZE, "patch_size": 8})), seed, attention=3)


def dinov2(seed=0):
    return spread(transformers.Dinov2Model(transformers.Dinov2Config(
        hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=2, mlp_ratio=2, image_size=28, patch_size=14)), seed)


def bert(vocabulary, seed=0):
    return spread(transformers.BertModel(transformers.BertConfig(
        vocab_size=vocabulary, hidden_size=WIDTH, intermediate_size=2 * WIDTH, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=128), add_pooling_layer=False), seed)


def xlm_roberta(vocabulary, seed=0):
    return spread(transformers.XLMRobertaModel(transformers.XLMRobertaConfig(
        vocab_size=vocabulary, hidden_size=WIDTH, intermediate_size=2 * WIDTH, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=80, type_vocab_size=1, pad_token_id=1,
        bos_token_id=0, eos_token_id=2), add_pooling_layer=False), seed)


OPEN_CLIP = {
    "embed_dim": WIDTH,
    "vision_cfg": {"image_size": SIZE, "layers": 2, "width": WIDTH, "head_width": 16, "patch_size": 8, "mlp_ratio": 2.0},
    "text_cfg": {"context_length": 77, "vocab_size": 0, "width": WIDTH, "heads": 2, "layers": 2, "mlp_ratio": 2.0},
}


def open_clip(vocabulary, seed=0):
    """Returns an open_clip CLIP and its config, as open_clip_config's model_cfg."""
    from open_clip.model import CLIP
    cfg = {**OPEN_CLIP, "text_cfg": {**OPEN_CLIP["text_cfg"], "vocab_size": vocabulary}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return spread(CLIP(**cfg), seed), cfg


class Output(torch.nn.Module):
    """A module whose call gives some outputs of a transformers model, by name."""

    def __init__(self, model, inputs, outputs):
        super().__init__()
        self.model, self.inputs, self.outputs = model, inputs, outputs

    def forward(self, *args):
        out = self.model(**dict(zip(self.inputs, args)))
        return tuple(out[name] for name in self.outputs)


class Call(torch.nn.Module):
    """A module whose call is function(*args); model owns the weights."""

    def __init__(self, model, function):
        super().__init__()
        self.model, self.function = model, function

    def forward(self, *args):
        return self.function(self.model, *args)


def tower(model, cls):
    """Returns one tower of a CLIPModel as the class cls, which shares its weights."""
    part = model.config.vision_config if "Vision" in cls.__name__ else model.config.text_config
    out = cls(part)
    missing = out.load_state_dict(model.state_dict(), strict=False).missing_keys
    if missing:
        raise SystemExit(f"{cls.__name__}: the model has no {missing}")
    return out.eval()
