"""Small diffusion pipelines of random weights, of the same classes as the published.

Not run by itself: golden_diffusion.py and test_export_diffusion.py use it. Latents are
4×8×8 of pictures of 16×16 pixels; embeddings have WIDTH elements. Weights are drawn by
torch.manual_seed, wide enough that the condition changes the prediction.
"""

import pathlib

import diffusers
import torch
import transformers
from diffusers.pipelines.stable_diffusion.stable_unclip_image_normalizer import StableUnCLIPImageNormalizer

import golden_layout_models as models
import golden_layout_tokenizers as tokenizers
from export_tokenizers import write_json

WIDTH, SIDE = 12, 8
PNDM = {"_class_name": "PNDMScheduler", "beta_schedule": "scaled_linear", "beta_start": .00085, "beta_end": .012,
        "num_train_timesteps": 1000, "skip_prk_steps": True, "steps_offset": 1, "prediction_type": "epsilon"}
DDIM_V = {"_class_name": "DDIMScheduler", "beta_schedule": "squaredcos_cap_v2", "num_train_timesteps": 1000, "steps_offset": 1,
          "prediction_type": "v_prediction", "timestep_spacing": "leading", "clip_sample": False}


def unet(seed, *, width=WIDTH, **options):
    net = diffusers.UNet2DConditionModel(**{
        "sample_size": SIDE, "block_out_channels": (8, 16), "layers_per_block": 1, "norm_num_groups": 4, "attention_head_dim": 4,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"), "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        "cross_attention_dim": width, **options})
    return models.spread(net, seed)


# A network of one level, as small as it can be.
SMALLEST = {"block_out_channels": (8,), "down_block_types": ("CrossAttnDownBlock2D",), "up_block_types": ("CrossAttnUpBlock2D",)}


def vae(seed=1, **options):
    net = diffusers.AutoencoderKL(**{
        "block_out_channels": (8, 8), "down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2,
        "latent_channels": 4, "norm_num_groups": 4, "layers_per_block": 1, "sample_size": 2 * SIDE, "scaling_factor": .18215, **options})
    return models.spread(net, seed)


def vision(folder, width=WIDTH, patch=8):
    config = transformers.CLIPVisionConfig(hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
                                           image_size=16, patch_size=patch, projection_dim=width)
    models.spread(transformers.CLIPVisionModelWithProjection(config), 3).save_pretrained(folder / "image_encoder")
    transformers.CLIPImageProcessor(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}).save_pretrained(folder / "feature_extractor")


def text(folder, width):
    (folder / "tokenizer").mkdir()
    vocabulary = tokenizers.clip(folder / "tokenizer")
    transformers.CLIPTokenizerFast.from_pretrained(folder / "tokenizer").save_pretrained(folder / "tokenizer")
    config = transformers.CLIPTextConfig(hidden_size=width, intermediate_size=2 * width, num_hidden_layers=1, num_attention_heads=2,
                                         vocab_size=vocabulary, max_position_embeddings=77, eos_token_id=vocabulary - 1, bos_token_id=vocabulary - 2)
    models.spread(transformers.CLIPTextModel(config), 5).save_pretrained(folder / "text_encoder")


def save(folder, cls, scheduler, parts, licence="openrail"):
    """Writes a pipeline's folder as the library does, with the parts that are exported."""
    folder = pathlib.Path(folder)
    write_json(folder / "model_index.json", {"_class_name": cls, "_diffusers_version": diffusers.__version__})
    (folder / "scheduler").mkdir(exist_ok=True)
    write_json(folder / "scheduler/scheduler_config.json", scheduler)
    for name, part in parts.items():
        part.save_pretrained(folder / name)
    (folder / "README.md").write_text(f"---\nlicense: {licence}\n---\n")


def variations(folder, **options):
    vision(folder)
    save(folder, "StableDiffusionImageVariationPipeline", PNDM, {"unet": unet(0, **options), "vae": vae()})


def versatile(folder, **options):
    vision(folder, patch=4)  # 17 tokens
    save(folder, "VersatileDiffusionPipeline", PNDM, {"image_unet": unet(6, **options), "vae": vae(7)}, licence="mit")


def unclip(folder, **options):
    vision(folder)
    text(folder, 16)
    net = unet(8, width=16, **options, class_embed_type="projection", projection_class_embeddings_input_dim=2 * WIDTH, upcast_attention=True)
    normalizer = StableUnCLIPImageNormalizer(WIDTH)
    torch.manual_seed(13)
    normalizer.mean.data.normal_(), normalizer.std.data.uniform_(.5, 1)
    save(folder, "StableUnCLIPImg2ImgPipeline", DDIM_V, {"unet": net, "vae": vae(9), "image_normalizer": normalizer})
    (folder / "image_noising_scheduler").mkdir()
    write_json(folder / "image_noising_scheduler/scheduler_config.json", {"_class_name": "DDPMScheduler", "beta_schedule": "squaredcos_cap_v2"})


def stable_diffusion(folder):
    text(folder, 16)
    save(folder, "StableDiffusionPipeline", PNDM, {"unet": unet(10, width=16), "vae": vae(11)})


def ip_adapter(path, net, *, plus=False, tokens=4):
    """Writes an IP-Adapter for a UNet: a projection to tokens, keys and values of each attention to
    text. plus makes one whose projection takes the hidden states of an image encoder."""
    from safetensors.torch import save_file
    torch.manual_seed(12)
    width = net.config.cross_attention_dim
    weights = {"image_proj.proj.weight": torch.randn(tokens * width, WIDTH) * WIDTH ** -.5, "image_proj.proj.bias": torch.randn(tokens * width) * .1,
               "image_proj.norm.weight": torch.ones(width), "image_proj.norm.bias": torch.zeros(width)}
    if plus:
        weights = {"image_proj.latents": torch.randn(1, tokens, 64), "image_proj.proj_in.weight": torch.randn(64, WIDTH)}
    place = 1
    for name, module in net.named_modules():
        if name.endswith("attn2"):
            hidden = module.to_q.in_features
            for key in ("to_k_ip", "to_v_ip"):
                weights[f"ip_adapter.{place}.{key}.weight"] = torch.randn(hidden, width) * width ** -.5
            place += 2
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights, path)
