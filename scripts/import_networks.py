"""MindEye's networks, built from the arrays of their checkpoints.

Not run by itself: import_mindeye.py uses it. Sizes come from the arrays' shapes. The names
of the arrays are the checkpoints' (fMRI-reconstruction-NSD at 6b30ea5, src/models.py;
DALLE2-pytorch's transformer). Every network counts in the type of its arrays, and takes
and gives float32.
"""

import math
import re

import torch
import torch.nn.functional as F

from export_checkpoints import Failure


class Arrays(torch.nn.Module):
    """The arrays of a checkpoint, by name."""

    def __init__(self, arrays):
        super().__init__()
        self.names = {name: f"array{i}" for i, name in enumerate(arrays)}
        for name, value in arrays.items():
            self.register_buffer(self.names[name], value.float())

    def __getitem__(self, name):
        if name not in self.names:
            raise Failure(f"the checkpoint has no array {name}")
        return getattr(self, self.names[name])

    def __contains__(self, name):
        return name in self.names

    def linear(self, x, name):
        return F.linear(x, self[f"{name}.weight"], self[f"{name}.bias"] if f"{name}.bias" in self else None)

    def norm(self, x, name):
        weight = self[f"{name}.weight"]
        return F.layer_norm(x, weight.shape, weight, self[f"{name}.bias"])

    def count(self, pattern):
        """Returns one more than the largest number that pattern finds in a name."""
        found = [int(m[1]) for m in map(re.compile(pattern).match, self.names) if m]
        return max(found, default=-1) + 1


class Backbone(torch.nn.Module):
    """BrainNetwork: voxels [n, V] → tokens and backbone, [n, T, D] each."""

    def __init__(self, arrays, dim=None):
        super().__init__()
        self.a = Arrays(arrays)
        self.projector = "projector.0.weight" in self.a
        self.dim = self.a["projector.0.weight"].shape[0] if self.projector else dim
        self.voxels, wide = self.a["lin0.0.weight"].shape[1], self.a["lin1.weight"].shape[0]
        if not self.dim or wide % self.dim:
            raise Failure(f"the checkpoint's network gives {wide} numbers, which are no tokens of {self.dim} elements")
        self.tokens, self.blocks = wide // self.dim, self.a.count(r"mlp\.(\d+)\.")

    def forward(self, voxels):
        a = self.a
        x = F.gelu(a.norm(a.linear(voxels.to(a["lin1.weight"].dtype), "lin0.0"), "lin0.1"))
        for i in range(self.blocks):
            x = x + F.gelu(a.norm(a.linear(x, f"mlp.{i}.0"), f"mlp.{i}.1"))
        backbone = a.linear(x, "lin1").reshape(-1, self.tokens, self.dim)
        if not self.projector:
            return backbone.float()
        x = backbone
        for layer in (0, 3, 6):
            x = a.linear(F.gelu(a.norm(x, f"projector.{layer}")), f"projector.{layer + 2}")
        return x.float(), backbone.float()


def bucket_of(distance, buckets=32, farthest=128):
    """Returns the bucket of T5's relative positions (Raffel et al. 2020, arXiv 1910.10683) of
    how far a key lies behind a query; keys ahead count as 0."""
    n, exact = distance.clamp(min=0), buckets // 2
    large = exact + (torch.log(n.clamp(min=1).float() / exact) / math.log(farthest / exact) * (buckets - exact)).long()
    return torch.where(n < exact, n, large.clamp(max=buckets - 1))


class Prior(torch.nn.Module):
    """VersatileDiffusionPriorNetwork: predicted and noisy [n, T, D], time [n] → tokens [n, T, D].

    A transformer over the predicted tokens, the time and the noisy tokens, without a causal
    mask. Attention has one head of keys and values, rotary positions, unit queries and
    keys (their products times 16), a relative bias, and one learned key and value more.

    The network of one token is DALLE2-pytorch's DiffusionPriorNetwork without text: learned
    encodings stand before its tokens and a learned query behind, and attention is causal.
    """

    COSINE_SCALE, EPSILON = 16, 1e-5

    def __init__(self, arrays):
        super().__init__()
        self.a = a = Arrays(arrays)
        self.single = "null_text_encodings" in a
        if self.single:
            self.tokens, (before, self.dim) = 1, a["null_text_encodings"].shape[1:]
            n = before + 4
            self.check_single()
        else:
            self.tokens, self.dim = a["null_brain_embeds"].shape
            n = 2 * self.tokens + 1
            if a["learned_query"].shape not in ((self.tokens, self.dim), (n, self.dim)):
                raise Failure(f"the checkpoint's learned_query is {list(a['learned_query'].shape)}, wanted positions of {self.tokens} tokens or of all")
        bias = a["causal_transformer.rel_pos_bias.relative_attention_bias.weight"]
        self.depth, self.heads = a.count(r"causal_transformer\.layers\.(\d+)\."), bias.shape[1]
        self.width = a["causal_transformer.layers.0.0.null_kv"].shape[1]
        distance = torch.arange(n)[:, None] - torch.arange(n + 1)[None]
        bias = bias[bucket_of(distance, bias.shape[0])].permute(2, 0, 1)
        if self.single:  # a query sees the learned key, and n keys up to its own place
            bias = bias.masked_fill(distance < -1, -1e4)
        self.register_buffer("bias", bias.contiguous())
        freqs = a["causal_transformer.layers.0.0.rotary_emb.freqs"]
        angles = torch.arange(n)[:, None] * freqs.repeat_interleave(2)[None]
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def check_single(self):
        """Refuses networks with parts that are not here: several embeddings, self-conditioning."""
        a = self.a
        for name in ("to_text_embeds.0.weight", "to_image_embeds.0.weight"):
            if name in a:
                raise Failure(f"the checkpoint's prior has the array {name}: wanted one with one embedding of each kind")

    def norm(self, x, name, stable=False):
        if stable:
            x = x / x.amax(-1, keepdim=True)
        mean = x.mean(-1, keepdim=True)
        variance = ((x - mean) ** 2).mean(-1, keepdim=True)
        return (x - mean) * (variance + self.EPSILON).rsqrt() * self.a[f"{name}.g"]

    def rotate(self, x):
        width = self.cos.shape[1]
        turned, rest = x[..., :width], x[..., width:]
        pairs = turned.reshape(*turned.shape[:-1], width // 2, 2)
        quarter = torch.stack([-pairs[..., 1], pairs[..., 0]], -1).reshape(turned.shape)
        return torch.cat([turned * self.cos + quarter * self.sin, rest], -1)

    def attend(self, x, name):
        a, n = self.a, x.shape[1]
        x = self.norm(x, f"{name}.norm")
        q = a.linear(x, f"{name}.to_q").reshape(-1, n, self.heads, self.width).transpose(1, 2)
        k, v = a.linear(x, f"{name}.to_kv").chunk(2, -1)
        null = a[f"{name}.null_kv"][:, None, None].expand(-1, x.shape[0], -1, -1)
        q, k = self.rotate(q), torch.cat([null[0], self.rotate(k)], 1)
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
        scores = (q @ k.transpose(1, 2)[:, None]) * self.COSINE_SCALE + self.bias
        out = scores.float().softmax(-1).to(v.dtype) @ torch.cat([null[1], v], 1)[:, None]
        out = a.linear(out.transpose(1, 2).reshape(-1, n, self.heads * self.width), f"{name}.to_out.0")
        return self.norm(out, f"{name}.to_out.1")

    def embed_time(self, time, dtype):
        if "to_time_embeds.0.weight" in self.a:
            return self.a["to_time_embeds.0.weight"][time.long()][:, None]
        half = self.dim // 2
        frequencies = torch.exp(torch.arange(half) * -(math.log(10000) / (half - 1)))
        angles = time[:, None] * frequencies[None]
        x = torch.cat([angles.sin(), angles.cos()], -1).to(dtype)
        for layer in ("0.0", "1.0"):
            x = F.silu(self.a.linear(x, f"to_time_embeds.0.1.net.{layer}"))
        return self.a.linear(x, "to_time_embeds.0.1.net.2")[:, None]

    def sequence(self, predicted, noisy, time):
        """Returns what the transformer reads, [n, length, D]."""
        positions = self.a["learned_query"]
        if self.single:
            n = predicted.shape[0]
            before, query = self.a["null_text_encodings"].expand(n, -1, -1), positions.expand(n, 1, -1)
            return torch.cat([before, predicted, time, noisy, query], 1)
        x = torch.cat([predicted, time, noisy], 1)
        if len(positions) == self.tokens:
            positions = torch.cat([torch.zeros(self.tokens + 1, self.dim, dtype=x.dtype), positions])
        return x + positions

    def forward(self, predicted, noisy, time):
        a, dtype = self.a, self.bias.dtype
        x = self.sequence(predicted.to(dtype), noisy.to(dtype), self.embed_time(time, dtype))
        if "causal_transformer.init_norm.g" in a:
            x = self.norm(x, "causal_transformer.init_norm")
        for i in range(self.depth):
            name = f"causal_transformer.layers.{i}"
            x = x + self.attend(x, f"{name}.0")
            up, gate = a.linear(self.norm(x, f"{name}.1.0"), f"{name}.1.1").chunk(2, -1)
            up = up * F.silu(gate)
            if f"{name}.1.3.g" in a:
                up = self.norm(up, f"{name}.1.3")
            x = x + a.linear(up, f"{name}.1.5")
        if "causal_transformer.norm.g" in a:
            x = self.norm(x, "causal_transformer.norm", stable=True)
        if "causal_transformer.project_out.weight" in a:
            x = a.linear(x, "causal_transformer.project_out")
        return x[:, -self.tokens:].float()


# Names of the attention in the upsampler of earlier versions of diffusers.
ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


class LowLevel(torch.nn.Module):
    """Voxel2StableDiffusionModel: voxels [n, V] → the autoencoder's latent times its scale."""

    def __init__(self, arrays):
        super().__init__()
        from diffusers.models.autoencoders.vae import Decoder
        up = {re.sub(r"(attentions\.0\.)(\w+)", lambda m: m[1] + ATTENTION.get(m[2], m[2]), k.removeprefix("upsampler.")): v
              for k, v in arrays.items() if k.startswith("upsampler.")}
        self.a = a = Arrays({k: v for k, v in arrays.items() if not k.startswith(("upsampler.", "maps_projector."))})
        self.voxels, self.blocks = a["lin0.0.weight"].shape[1], a.count(r"mlp\.(\d+)\.")
        self.channels = a["norm.weight"].shape[0]
        self.side = math.isqrt(a["lin1.weight"].shape[0] // self.channels)
        shapes = Arrays({k: torch.empty(0) for k in up})
        widths = [up[f"up_blocks.{i}.resnets.0.conv1.weight"].shape[0] for i in range(shapes.count(r"up_blocks\.(\d+)\."))]
        if not widths:
            raise Failure("the checkpoint has no upsampler")
        self.upsampler = Decoder(
            in_channels=self.channels, out_channels=up["conv_out.weight"].shape[0], up_block_types=["UpDecoderBlock2D"] * len(widths),
            block_out_channels=widths[::-1], layers_per_block=shapes.count(r"up_blocks\.0\.resnets\.(\d+)\.") - 1)
        try:
            self.upsampler.load_state_dict(up)
        except RuntimeError as e:
            raise Failure(f"the checkpoint's upsampler is not diffusers' Decoder: {' '.join(str(e).split())[:300]}") from None
        self.latent = [up["conv_out.weight"].shape[0], *[self.side * 2 ** (len(widths) - 1)] * 2]

    def forward(self, voxels):
        a = self.a
        x = F.silu(a.norm(a.linear(voxels.to(a["lin1.weight"].dtype), "lin0.0"), "lin0.1"))
        for i in range(self.blocks):
            x = x + F.silu(a.norm(a.linear(x, f"mlp.{i}.0"), f"mlp.{i}.1"))
        x = a.linear(x, "lin1").reshape(-1, self.channels, self.side, self.side)
        return self.upsampler(F.group_norm(x, 1, a["norm.weight"], a["norm.bias"])).float()
