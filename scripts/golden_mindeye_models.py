"""Small checkpoints in the key layout of MindEye's, of random weights.

Not run by itself: golden_mindeye.py and test_import_mindeye.py use it. Where
dalle2-pytorch is installed, reference() runs the transformer of the prior by its classes,
which the import shares no code with.
"""

import math

import torch

T, D, WIDTH, VOXELS = 17, 16, 24, 30
HEADS, HEAD, DEPTH, STEPS = 3, 40, 2, 100


def drawn(shapes, seed):
    """Draws arrays of the shapes: weights of norms about 1, matrices by their inputs."""
    g = torch.Generator().manual_seed(seed)
    out = {}
    for name, shape in shapes.items():
        x = torch.randn(shape, generator=g)
        if name.endswith((".g", "norm.weight")) or len(shape) == 1 and name.endswith("weight"):
            x = 1 + .1 * x
        elif len(shape) > 1:
            x *= math.prod(shape[1:]) ** -.5 if "embed" not in name or "time" in name else 1
        else:
            x *= .1
        out[name] = x
    return out


def linear(name, inputs, outputs, bias=True):
    return {f"{name}.weight": (outputs, inputs)} | ({f"{name}.bias": (outputs,)} if bias else {})


def norm(name, width):
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def backbone(seed=0, tokens=T, dim=D):
    shapes = linear("lin0.0", VOXELS, WIDTH) | norm("lin0.1", WIDTH)
    for i in range(4):
        shapes |= linear(f"mlp.{i}.0", WIDTH, WIDTH) | norm(f"mlp.{i}.1", WIDTH)
    shapes |= linear("lin1", WIDTH, tokens * dim)
    for layer, (inputs, outputs) in ((0, (dim, 20)), (3, (20, 20)), (6, (20, dim))):
        shapes |= norm(f"projector.{layer}", inputs) | linear(f"projector.{layer + 2}", inputs, outputs)
    return drawn(shapes, seed)


def prior(seed=1, tokens=T, dim=D):
    shapes = {name: (tokens, dim) for name in ("learned_query", "null_brain_embeds", "null_image_embed")}
    shapes |= linear("to_time_embeds.0.1.net.0.0", dim, 2 * dim) | linear("to_time_embeds.0.1.net.1.0", 2 * dim, 2 * dim)
    shapes |= linear("to_time_embeds.0.1.net.2", 2 * dim, dim)
    shapes["causal_transformer.rel_pos_bias.relative_attention_bias.weight"] = (32, HEADS)
    for i in range(DEPTH):
        name = f"causal_transformer.layers.{i}"
        shapes |= {f"{name}.0.norm.g": (dim,), f"{name}.0.null_kv": (2, HEAD), f"{name}.0.to_out.1.g": (dim,), f"{name}.1.0.g": (dim,)}
        shapes |= linear(f"{name}.0.to_q", dim, HEADS * HEAD, False) | linear(f"{name}.0.to_kv", dim, 2 * HEAD, False)
        shapes |= linear(f"{name}.0.to_out.0", HEADS * HEAD, dim, False)
        shapes |= linear(f"{name}.1.1", dim, 8 * dim, False) | linear(f"{name}.1.5", 4 * dim, dim, False)
    shapes |= {"causal_transformer.norm.g": (dim,)} | linear("causal_transformer.project_out", dim, dim, False)
    arrays = drawn(shapes, seed)
    for i in range(DEPTH):
        arrays[f"causal_transformer.layers.{i}.0.rotary_emb.freqs"] = 10000 ** (-torch.arange(0, 32, 2) / 32)
    return arrays


def single_prior(seed=4, before=9, steps=1000):
    """The arrays of DALLE2-pytorch's network of one token, with the options that add arrays."""
    arrays = {k: v for k, v in prior(seed).items() if not k.startswith(("learned_query", "null_", "to_time_embeds"))}
    shapes = {"learned_query": (D,), "null_text_encodings": (1, before, D), "null_text_embeds": (1, 1, D), "null_image_embed": (1, D),
              "to_time_embeds.0.weight": (steps, D), "causal_transformer.init_norm.g": (D,)}
    shapes |= {f"causal_transformer.layers.{i}.1.3.g": (4 * D,) for i in range(DEPTH)}
    return arrays | drawn(shapes, seed + 1)


def reference_single_prior(arrays, predicted, noisy, time):
    """Runs the network of one token by dalle2-pytorch's class."""
    from dalle2_pytorch.dalle2_pytorch import DiffusionPriorNetwork
    net = DiffusionPriorNetwork(dim=D, depth=DEPTH, dim_head=HEAD, heads=HEADS, num_timesteps=1000, max_text_len=9, normformer=True, norm_in=True)
    net.load_state_dict(arrays)
    with torch.no_grad():
        return net.eval()(noisy[:, 0], time.long(), text_embed=predicted[:, 0])[:, None]


def checkpoint(**options):
    """Returns the content of a last.pth, with an optimizer's state and names of a parallel run."""
    t = torch.arange(STEPS + 1, dtype=torch.float64) / STEPS
    signal = torch.cos((t + .008) / 1.008 * math.pi / 2) ** 2
    arrays = {f"module.voxel2clip.{k}": v for k, v in backbone(**options).items()}
    arrays |= {f"module.net.{k}": v for k, v in prior(**options).items()}
    arrays["module.noise_scheduler.betas"] = (1 - signal[1:] / signal[:-1]).clamp(0, .999).float()
    return {"epoch": 239, "model_state_dict": arrays, "optimizer_state_dict": {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": []},
            "train_losses": [.5], "val_losses": [.6], "lrs": [3e-4]}


def low_level(seed=2, channels=32, side=4, widths=(32, 32), old_names=True):
    from diffusers.models.autoencoders.vae import Decoder
    shapes = linear("lin0.0", VOXELS, WIDTH, False) | norm("lin0.1", WIDTH)
    for i in range(4):
        shapes |= linear(f"mlp.{i}.0", WIDTH, WIDTH, False) | norm(f"mlp.{i}.1", WIDTH)
    shapes |= linear("lin1", WIDTH, channels * side * side, False) | norm("norm", channels) | {"maps_projector.0.weight": (8, channels, 1, 1)}
    upsampler = Decoder(in_channels=channels, out_channels=4, up_block_types=["UpDecoderBlock2D"] * len(widths),
                        block_out_channels=list(widths), layers_per_block=1)
    named = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"} if old_names else {}
    for key, value in upsampler.state_dict().items():
        for new, old in named.items():
            key = key.replace(f"attentions.0.{new}.", f"attentions.0.{old}.")
        shapes[f"upsampler.{key}"] = tuple(value.shape)
    return {"epoch": 120, "model_state_dict": drawn(shapes, seed)}


def reference_prior(arrays, predicted, noisy, time):
    """Runs the prior by dalle2-pytorch's classes; its causal mask is taken off, as MindEye does."""
    from dalle2_pytorch.dalle2_pytorch import MLP, CausalTransformer, SinusoidalPosEmb
    net = torch.nn.Module()
    net.causal_transformer = CausalTransformer(dim=D, depth=DEPTH, dim_head=HEAD, heads=HEADS)
    net.to_time_embeds = torch.nn.Sequential(torch.nn.Sequential(SinusoidalPosEmb(D), MLP(D, D)))
    for name in ("learned_query", "null_brain_embeds", "null_image_embed"):
        setattr(net, name, torch.nn.Parameter(torch.zeros(T, D)))
    net.load_state_dict(arrays)
    for attention, _ in net.causal_transformer.layers:
        attention.causal = False
    with torch.no_grad():
        x = torch.cat([predicted, net.to_time_embeds(time)[:, None], noisy + net.learned_query], 1)
        return net.causal_transformer.eval()(x)[:, -T:]


def reference_backbone(arrays):
    """Returns BrainNetwork by PyTorch's own layers."""
    nn = torch.nn
    net = nn.Module()
    net.lin0 = nn.Sequential(nn.Linear(VOXELS, WIDTH), nn.LayerNorm(WIDTH), nn.GELU(), nn.Dropout(.5))
    net.mlp = nn.ModuleList(nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH), nn.GELU(), nn.Dropout(.15)) for _ in range(4))
    net.lin1 = nn.Linear(WIDTH, T * D)
    net.projector = nn.Sequential(nn.LayerNorm(D), nn.GELU(), nn.Linear(D, 20), nn.LayerNorm(20), nn.GELU(), nn.Linear(20, 20),
                                  nn.LayerNorm(20), nn.GELU(), nn.Linear(20, D))
    net.load_state_dict(arrays)
    net.eval()

    def run(voxels):
        with torch.no_grad():
            x = net.lin0(voxels)
            for block in net.mlp:
                x = block(x) + x
            out = net.lin1(x).reshape(-1, T, D)
            return net.projector(out), out
    return run
