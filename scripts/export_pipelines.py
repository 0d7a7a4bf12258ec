"""Pipelines of the diffusers library as export_diffusion.py wants them.

Not run by itself. A Pipeline has the autoencoder, a module from Engram's tensors to the
prediction of the network, the network's own call to compare it with, and what the
manifest says of both (embed/model/FORMAT.md).
"""

import dataclasses
import json
import pathlib
import typing

import torch

import export_checkpoints as checkpoints
from export_checkpoints import Failure

SCHEDULES = {"linear": "linear", "scaled_linear": "scaled_linear", "squaredcos_cap_v2": "cosine"}
PREDICTIONS = {"epsilon": "epsilon", "v_prediction": "v", "sample": "sample"}
# Engram's solver for each scheduler of diffusers. PNDM is not among Engram's: MindEye
# put UniPC in its place, whose steps are spaced by linspace.
METHODS = {"DDIMScheduler": "ddim", "EulerDiscreteScheduler": "euler", "DPMSolverMultistepScheduler": "dpm++2m",
           "UniPCMultistepScheduler": "unipc", "PNDMScheduler": "unipc"}
SPACINGS = {"ddim": "leading", "euler": "linspace", "dpm++2m": "linspace", "unipc": "linspace"}


@dataclasses.dataclass
class Pipeline:
    name: str
    version: str
    licence: str
    source: str
    vae: torch.nn.Module  # AutoencoderKL
    unet: torch.nn.Module  # UNet2DConditionModel
    scheduler: dict  # the content of scheduler_config.json
    condition: str  # "context" or "labels"
    tokens: int
    dim: int
    guidance: float  # where nothing else is asked for
    denoiser: torch.nn.Module  # latent, time, condition → prediction
    reference: typing.Callable  # the same, by the network's own call
    length: float = 0  # of an embedding; 0: tokens come as they are
    noise_level: int = 0
    noise: dict | None = None  # mean and std of embeddings of unit length, where the level adds noise
    upcast: bool = False  # attention wants float32 arithmetic


class Denoiser(torch.nn.Module):
    """The network with what it is given beside latent, time and the one condition.

    text is the empty text, [1, n, d], which stands in the graph; scale multiplies
    embeddings of unit length, as Engram's are, to the length that they have in the
    framework; dtype is what the network counts in.
    """

    def __init__(self, unet, kind, *, scale=1.0, text=None):
        super().__init__()
        self.unet, self.kind, self.scale = unet, kind, float(scale)
        self.register_buffer("text", text)

    def forward(self, latent, time, condition):
        dtype = self.unet.dtype
        latent, condition = latent.to(dtype), condition.to(dtype)
        if self.kind == "context":
            out = self.unet(latent, time, encoder_hidden_states=condition * self.scale)
        else:
            text = self.text.to(dtype).expand(latent.shape[0], -1, -1)
            if self.kind == "labels":
                width = condition.shape[1] // 2
                labels = torch.cat([condition[:, :width] * self.scale, condition[:, width:]], 1)
                out = self.unet(latent, time, encoder_hidden_states=text, class_labels=labels)
            else:
                out = self.unet(latent, time, encoder_hidden_states=text,
                                added_cond_kwargs={"image_embeds": [condition * self.scale]})
        return out.sample.float()


class Encoder(torch.nn.Module):
    """Pixels → the mode of the latent distribution."""

    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, pixels):
        return self.vae.encode(pixels.to(self.vae.dtype)).latent_dist.mode().float()


class Decoder(torch.nn.Module):
    """Latent → pixels."""

    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, latent):
        return self.vae.decode(latent.to(self.vae.dtype)).sample.float()


class Source:
    """A pipeline's folder, or its repository on the hub."""

    def __init__(self, identifier, revision=None):
        self.identifier, self.revision = identifier, revision
        self.where = f"{identifier}@{revision}" if revision else identifier
        self.local = pathlib.Path(identifier).is_dir()
        if identifier.startswith((".", "/", "~")) and not pathlib.Path(identifier, "model_index.json").is_file():
            raise Failure(f"{self.where} is not a pipeline: it has no model_index.json")
        self.index = self.json("model_index.json")
        self.kind = self.index.get("_class_name", "")

    def json(self, name):
        try:
            if self.local:
                path = pathlib.Path(self.identifier, name)
            else:
                import huggingface_hub
                path = huggingface_hub.hf_hub_download(self.identifier, name, revision=self.revision)
            return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as e:
            raise Failure(f"{self.where}: {name} cannot be read: {checkpoints.first_line(e)}") from None

    def part(self, cls, folder, **options):
        """Opens one part of the pipeline in float32; other parts are not fetched."""
        try:
            with checkpoints.quiet():
                part = cls.from_pretrained(self.identifier, subfolder=folder, revision=self.revision, **options)
        except (OSError, ValueError) as e:
            raise Failure(f"{self.where}: {folder} cannot be read: {checkpoints.first_line(e)}") from None
        return part.float().eval() if isinstance(part, torch.nn.Module) else part

    def text(self):
        """Returns what the text encoder makes of the empty text, [1, n, d]."""
        import transformers
        tokenizer = self.part(transformers.CLIPTokenizer, "tokenizer")
        encoder = self.part(transformers.CLIPTextModel, "text_encoder")
        ids = tokenizer("", padding="max_length", max_length=tokenizer.model_max_length, truncation=True, return_tensors="pt").input_ids
        with torch.no_grad():
            return encoder(ids)[0]

    def length(self, pictures):
        """Returns the mean length of the image encoder's embeddings of pictures."""
        import transformers
        encoder = self.part(transformers.CLIPVisionModelWithProjection, "image_encoder")
        return mean_length(encoder, self.part(transformers.CLIPImageProcessor, "feature_extractor"), pictures)


def mean_length(encoder, processor, pictures):
    with torch.no_grad():
        found = [encoder(processor(p, return_tensors="pt").pixel_values).image_embeds.norm().item() for p in pictures]
    return sum(found) / len(found)


def context_denoiser(source, args, subfolder, guidance, tokens, pictures):
    """Networks that attend to embeddings alone: SD image variations, Versatile Diffusion."""
    from diffusers import UNet2DConditionModel
    unet = source.part(UNet2DConditionModel, subfolder)
    length = args.length or (source.length(pictures()) if tokens == 1 else 0)
    scale = length or 1

    def reference(latent, time, context):
        return unet(latent, time, encoder_hidden_states=context * scale).sample
    return dict(unet=unet, condition="context", tokens=tokens, dim=unet.config.cross_attention_dim, guidance=guidance, length=length,
                denoiser=Denoiser(unet, "context", scale=scale), reference=reference)


def image_variations(source, args, pictures):
    return context_denoiser(source, args, "unet", 7.5, 1, pictures)


def versatile(source, args, pictures):
    """The image branch alone. In the dual guided pipeline with a mix of 0, as MindEye has
    it, the text branch counts for nothing, and its 77 zero tokens with it."""
    vision = source.json("image_encoder/config.json")
    tokens = (vision["image_size"] // vision["patch_size"]) ** 2 + 1
    return context_denoiser(source, args, "image_unet", 3.5, tokens, pictures)


def label_noise(source, level, length):
    """Returns mean and standard deviation of embeddings, by which unCLIP scales the noise of a level."""
    from diffusers.pipelines.stable_diffusion.stable_unclip_image_normalizer import StableUnCLIPImageNormalizer
    if not level:
        return None  # noise of variance 4e-5
    schedule = source.json("image_noising_scheduler/scheduler_config.json")
    steps, betas = schedule.get("num_train_timesteps", 1000), schedule.get("beta_schedule", "linear")
    if (steps, betas) != (1000, "squaredcos_cap_v2") or not 0 < level < steps:
        raise Failure(f"{source.where}: noise at level {level} of {steps} with the betas {betas}, wanted 0 to 999 of 1000 with squaredcos_cap_v2")
    normalizer = source.part(StableUnCLIPImageNormalizer, "image_normalizer")
    return {name: [float(str(x.numpy())) for x in getattr(normalizer, name).detach()[0] / length] for name in ("mean", "std")}


def unclip(source, args, pictures):
    from diffusers import UNet2DConditionModel
    unet = source.part(UNet2DConditionModel, "unet")
    width = unet.config.projection_class_embeddings_input_dim
    if unet.config.class_embed_type != "projection" or not width:
        raise Failure(f"{source.where}: its network takes class labels of type {unet.config.class_embed_type}, wanted a projection of embeddings")
    text, length = source.text(), args.length or source.length(pictures())

    def reference(latent, time, labels):
        labels = labels.clone()
        labels[:, :width // 2] *= length
        return unet(latent, time, encoder_hidden_states=text.expand(len(latent), -1, -1), class_labels=labels).sample
    return dict(unet=unet, condition="labels", tokens=1, dim=width // 2, guidance=10., length=length, noise_level=args.noise_level, noise=label_noise(source, args.noise_level, length),
                denoiser=Denoiser(unet, "labels", scale=length, text=text), reference=reference)


def adapter_weights(name):
    """Reads an IP-Adapter's file, a local one or owner/name/path of the hub: {"image_proj", "ip_adapter"}."""
    path = pathlib.Path(name)
    try:
        if not path.is_file():
            import huggingface_hub
            owner, repository, *rest = pathlib.PurePosixPath(name).parts
            path = pathlib.Path(huggingface_hub.hf_hub_download(f"{owner}/{repository}", "/".join(rest)))
        if path.suffix != ".safetensors":
            weights = torch.load(path, map_location="cpu", weights_only=True)
        else:
            from safetensors.torch import load_file
            weights = {"image_proj": {}, "ip_adapter": {}}
            for key, value in load_file(path).items():
                part, _, rest = key.partition(".")
                weights.setdefault(part, {})[rest] = value
    except Exception as e:  # the library of the format has many
        raise Failure(f"{name} is no IP-Adapter that can be read: {checkpoints.first_line(e)}") from None
    if not weights.get("image_proj") or not weights.get("ip_adapter"):
        raise Failure(f"{name} is no IP-Adapter: wanted the parts image_proj and ip_adapter")
    if "proj.weight" not in weights["image_proj"]:
        raise Failure(f"{name} takes hidden states of its image encoder: wanted an adapter of the pooled embedding, such as ip-adapter_sd15")
    return weights


def adapter_length(name, pictures):
    """Returns the mean length of embeddings of the image encoder that is published beside an IP-Adapter."""
    import transformers
    folder = pathlib.PurePosixPath(name).parent
    repository, *rest = [str(folder)] if pathlib.Path(folder).is_dir() else ["/".join(folder.parts[:2]), *folder.parts[2:]]
    try:
        with checkpoints.quiet():
            encoder = transformers.CLIPVisionModelWithProjection.from_pretrained(repository, subfolder="/".join([*rest, "image_encoder"]))
    except (OSError, ValueError) as e:
        raise Failure(f"{name} has no image_encoder beside it, wanted that or --length: {checkpoints.first_line(e)}") from None
    size = encoder.config.image_size
    processor = transformers.CLIPImageProcessor(size={"shortest_edge": size}, crop_size={"height": size, "width": size})
    return mean_length(encoder.float().eval(), processor, pictures)


def ip_adapter(source, args, pictures):
    """A Stable Diffusion whose attention has keys and values of an image embedding too."""
    from diffusers import UNet2DConditionModel
    weights = adapter_weights(args.ip_adapter)
    length = args.length or adapter_length(args.ip_adapter, pictures())
    unet = source.part(UNet2DConditionModel, "unet")
    try:
        with checkpoints.quiet():
            unet._load_ip_adapter_weights([weights], low_cpu_mem_usage=False)
    except (ValueError, RuntimeError, KeyError) as e:
        raise Failure(f"{args.ip_adapter} cannot be put on {source.where}: {checkpoints.first_line(e)}") from None
    unet = unet.float().eval()
    for processor in unet.attn_processors.values():
        if hasattr(processor, "scale"):
            processor.scale = [args.ip_scale]
    text = source.text()

    def reference(latent, time, context):
        return unet(latent, time, encoder_hidden_states=text.expand(len(latent), -1, -1),
                    added_cond_kwargs={"image_embeds": [context * length]}).sample
    width = weights["image_proj"]["proj.weight"].shape[1]
    return dict(unet=unet, condition="context", tokens=1, dim=width, guidance=7.5, length=length,
                denoiser=Denoiser(unet, "ip", scale=length, text=text), reference=reference)


KINDS = {
    "StableDiffusionImageVariationPipeline": image_variations,
    "VersatileDiffusionPipeline": versatile, "VersatileDiffusionDualGuidedPipeline": versatile,
    "VersatileDiffusionImageVariationPipeline": versatile,
    "StableUnCLIPImg2ImgPipeline": unclip, "StableUnCLIPPipeline": unclip,
}


def open_pipeline(args, pictures):
    """Opens what the arguments name. pictures gives pictures to measure embeddings on."""
    import diffusers
    source = Source(args.source, args.revision)
    kind = KINDS.get(source.kind)
    if args.ip_adapter:
        if source.kind != "StableDiffusionPipeline":
            raise Failure(f"{source.where} is of the class {source.kind}, wanted StableDiffusionPipeline for --ip-adapter")
        kind = ip_adapter
    if kind is None:
        raise Failure(f"{source.where} is of the class {source.kind or 'nothing'}, wanted one of {', '.join(sorted(KINDS))}, or --ip-adapter")
    own = kind(source, args, pictures)
    vae, unet = source.part(diffusers.AutoencoderKL, "vae"), own["unet"]
    check(source.where, vae, unet)
    name = pathlib.Path(args.source).name
    return Pipeline(
        name=args.name or name, version=(unet.config.get("_commit_hash") or args.revision or "1"),
        licence=args.licence or checkpoints.card_licence(args.source, args.revision),
        source=f"{name if source.local else args.source}, exported with diffusers {diffusers.__version__}",
        vae=vae, scheduler=source.json("scheduler/scheduler_config.json"), upcast=bool(unet.config.get("upcast_attention")), **own)


def check(where, vae, unet):
    """Refuses networks that Engram cannot drive."""
    latent = vae.config.latent_channels
    for what, wrong in (
            (f"its network takes {unet.config.in_channels} channels, the autoencoder's latents have {latent}", unet.config.in_channels != latent),
            (f"its network gives {unet.config.out_channels} channels, wanted {latent}", unet.config.out_channels != latent),
            ("its autoencoder shifts latents, wanted one that scales them alone", vae.config.get("shift_factor")),
            (f"its network is for {unet.config.sample_size} pixels a side, wanted one number", not isinstance(unet.config.sample_size, int))):
        if wrong:
            raise Failure(f"{where}: {what}")


def scheduler_of(where, config):
    """Returns the manifest's scheduler of a scheduler_config.json, whose defaults are the library's."""
    out = {"steps": config.get("num_train_timesteps", 1000), "beta_start": config.get("beta_start", .0001),
           "beta_end": config.get("beta_end", .02), "beta_schedule": SCHEDULES.get(config.get("beta_schedule", "linear")),
           "prediction": PREDICTIONS.get(config.get("prediction_type", "epsilon"))}
    if out["beta_schedule"] is None or config.get("trained_betas") is not None or config.get("rescale_betas_zero_snr"):
        raise Failure(f"{where}: its scheduler has the betas {config.get('beta_schedule')}"
                      f"{', rescaled to no signal at all' if config.get('rescale_betas_zero_snr') else ''}, wanted one of {', '.join(SCHEDULES)}")
    if out["prediction"] is None:
        raise Failure(f"{where}: its network predicts {config['prediction_type']}, wanted one of {', '.join(PREDICTIONS)}")
    return out


def sampling_of(config, steps, guidance):
    """Returns the manifest's sampling: the solver of the scheduler's class, or UniPC."""
    cls = config.get("_class_name", "PNDMScheduler")
    method = METHODS.get(cls, "unipc")
    out = {"method": method, "spacing": SPACINGS[method]}
    if cls in METHODS and cls != "PNDMScheduler":
        out["spacing"] = config.get("timestep_spacing", out["spacing"])
        if method == "unipc" and config.get("solver_order", 2) in (1, 3):
            out["order"] = config["solver_order"]
    if out["spacing"] == "leading" and config.get("steps_offset"):
        out["offset"] = config["steps_offset"]
    if config.get("use_karras_sigmas") and method != "ddim":
        out["karras"] = True
    ordered = {k: out[k] for k in ("method", "order", "spacing", "offset", "karras") if k in out}
    return ordered | {"steps": steps, "guidance": guidance}
