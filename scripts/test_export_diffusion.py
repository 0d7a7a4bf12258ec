#!/usr/bin/env python3
"""Tests export_diffusion.py end to end on small pipelines of random weights.

    pip install -r scripts/requirements.txt
    python scripts/test_export_diffusion.py [--engram ./engram]

Every class that the script knows is made small (golden_diffusion_models.py), saved as its
library saves it, and exported; the script's own comparison with the framework must pass.
With --engram, the program must open each folder, and make pictures of scans with a CLIP,
a decoder that it trains, and the exported models. Then the ways to fail: each must be one
sentence and leave nothing behind. Takes about two minutes. The committed pipelines of
recon/testdata are tested by go test.
"""

import argparse
import contextlib
import io
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import warnings

import diffusers
import numpy as np
import torch
import transformers
from diffusers.pipelines.stable_diffusion.stable_unclip_image_normalizer import StableUnCLIPImageNormalizer

import export_checkpoints as checkpoints
import export_clip
import export_diffusion
import golden_diffusion_models as models
import golden_layout_models
import golden_layout_tokenizers as tokenizers
from export_folder import sha256
from golden_layout_repository import GENERATION2

ENGRAM = None
KINDS = ("variations", "versatile", "unclip", "stable_diffusion")


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        warnings.simplefilter("ignore")
        torch.set_num_threads(1)
        cls.work = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.work)
        with checkpoints.quiet(), contextlib.redirect_stderr(io.StringIO()):
            for kind in KINDS:
                (cls.work / kind).mkdir()
                getattr(models, kind)(cls.work / kind)
            net = diffusers.UNet2DConditionModel.from_pretrained(cls.work / "stable_diffusion", subfolder="unet")
            models.ip_adapter(cls.work / "ip/adapter.safetensors", net)
            cls.clip(cls.work / "clip")

    @staticmethod
    def clip(folder):
        """Exports a CLIP whose pooled embedding and whose 17 tokens have the networks' width."""
        source = folder / "source"
        source.mkdir(parents=True)
        config = golden_layout_models.clip_config(tokenizers.clip(source), width=models.WIDTH, layers=1)
        golden_layout_models.spread(transformers.CLIPModel(config), 0).save_pretrained(source)
        tokenizers.write_json(source / "preprocessor_config.json", GENERATION2)
        with contextlib.redirect_stdout(io.StringIO()):
            for name, options in (("pooled", []), ("tokens", ["--mindeye"])):
                export_clip.write(export_clip.arguments(["--hf", str(source), *options, str(folder / name)]))

    def options(self, kind):
        return ["--ip-adapter", str(self.work / "ip/adapter.safetensors"), "--length", "5"] if kind == "stable_diffusion" else []

    def export(self, kind, *options):
        """Exports a pipeline and returns the folder and both manifests."""
        out = pathlib.Path(tempfile.mkdtemp(dir=self.work)) / "out"
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            export_diffusion.write(export_diffusion.arguments([str(self.work / kind), *self.options(kind), *options, str(out)]))
        self.assertEqual(list(out.parent.iterdir()), [out], "a temporary folder was left")
        manifests = []
        for part in ("autoencoder", "denoiser"):
            m = json.loads((out / part / "bundle.json").read_text())
            self.assertEqual(sorted(m["files"]), sorted(p.name for p in (out / part).iterdir() if p.name != "bundle.json"))
            for file, checksum in m["files"].items():
                self.assertEqual(sha256(out / part / file), checksum, file)
            self.engram("model", "show", str(out / part), "--verify")
            manifests.append(m)
        return out, *manifests

    def engram(self, *command):
        if not ENGRAM:
            return ""
        done = subprocess.run([ENGRAM, *command], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, f"engram {' '.join(command)}: {done.stderr}")
        return done.stdout

    def test_every_class(self):
        for kind, condition, tokens, prediction in (("variations", "context", 1, "epsilon"), ("versatile", "context", 17, "epsilon"),
                                                    ("unclip", "labels", 1, "v"), ("stable_diffusion", "context", 1, "epsilon")):
            with self.subTest(kind):
                _, vae, m = self.export(kind)
                self.assertEqual((vae["kind"], m["kind"], m["tokens"], m["dim"], m["image_size"]), ("vae", "denoiser", tokens, 12, 16))
                self.assertEqual(vae["latent"], m["latent"])
                self.assertEqual(sorted(m["models"]["denoiser"]["inputs"]), sorted(["latent", "time", condition]))
                self.assertEqual(m["scheduler"]["prediction"], prediction)

    def test_half_precision(self):
        for kind in KINDS:
            with self.subTest(kind):
                out, vae, m = self.export(kind, "--fp16", "--external-data")
                self.assertEqual((vae["precision"], m["precision"]), ("fp16", "fp16"))
                whole, *_ = self.export(kind, "--external-data")
                sizes = [(folder / "denoiser/denoiser.onnx_data").stat().st_size for folder in (out, whole)]
                self.assertLess(sizes[0], .6 * sizes[1])

    def test_the_encoder_beside_an_ip_adapter_is_measured(self):
        beside = self.work / "beside"
        shutil.copytree(self.work / "variations/image_encoder", beside / "image_encoder")
        shutil.copy(self.work / "ip/adapter.safetensors", beside)
        out, told = pathlib.Path(tempfile.mkdtemp(dir=self.work)) / "out", io.StringIO()
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(io.StringIO()):
            export_diffusion.write(export_diffusion.arguments([str(self.work / "stable_diffusion"), "--ip-adapter", str(beside / "adapter.safetensors"), str(out)]))
        self.assertRegex(told.getvalue(), r"embeddings of length \d")

    def test_what_the_manifest_says(self):
        _, vae, m = self.export("variations", "--name", "mine", "--licence", "MIT", "--steps", "7", "--guidance", "2.5")
        self.assertEqual((vae["name"], m["name"], m["licence"]), ("mine-autoencoder", "mine-denoiser", "MIT"))
        self.assertEqual(m["sampling"], {"method": "unipc", "spacing": "linspace", "steps": 7, "guidance": 2.5})
        _, _, m = self.export("unclip", "--noise-level", "3", "--length", "2")
        normalizer = StableUnCLIPImageNormalizer.from_pretrained(self.work / "unclip/image_normalizer")
        self.assertEqual(m["condition"]["noise_level"], 3)
        for name in ("mean", "std"):
            np.testing.assert_allclose(m["condition"]["noise"][name], getattr(normalizer, name).detach()[0] / 2, rtol=1e-6)
        self.assertNotIn("condition", self.export("unclip")[2])
        self.assertEqual(m["sampling"], {"method": "ddim", "spacing": "leading", "offset": 1, "steps": 20, "guidance": 10})
        self.assertEqual(m["scheduler"]["beta_schedule"], "cosine")

    def test_pictures_of_scans(self):
        """engram train and engram reconstruct, by the exported models alone."""
        if not ENGRAM:
            self.skipTest("wanted: --engram PROGRAM")
        rng = np.random.default_rng(0)
        np.save(self.work / "voxels.npy", rng.normal(size=(24, 30)).astype(np.float32))
        stimuli = self.work / "stimuli"
        stimuli.mkdir()
        for i, picture in enumerate(export_clip.pictures(24, 60 + 50 * 24)):
            picture.resize((40, 40)).save(stimuli / f"{i}.png")
        for clip, kinds in (("pooled", ("variations", "unclip", "stable_diffusion")), ("tokens", ("versatile",))):
            clip = str(self.work / "clip" / clip)
            decoder = str(pathlib.Path(tempfile.mkdtemp(dir=self.work)) / "decoder")
            scans = ["--voxels", str(self.work / "voxels.npy"), "--stimuli", str(stimuli), "--model", clip]
            self.engram("train", *scans, "--preset", "linear", "--out", decoder)
            for kind in kinds:
                with self.subTest(kind):
                    out, *_ = self.export(kind, "--steps", "3")
                    made = out.parent / "pictures"
                    self.engram("reconstruct", *scans, "--decoder", decoder, "--autoencoder", str(out / "autoencoder"),
                                "--denoiser", str(out / "denoiser"), "--candidates", "2", "--out", str(made))
                    self.assertEqual(len(list((made / "reconstructed").glob("*.png"))), 24)

    def test_failures_are_a_sentence_and_leave_nothing(self):
        changed = lambda kind, file, **values: self.changed(kind, file, **values)
        plus = self.work / "ip/plus.safetensors"
        models.ip_adapter(plus, models.unet(10, width=16), plus=True)
        wide = self.work / "ip/wide.safetensors"
        models.ip_adapter(wide, models.unet(10, width=24))
        ip = [str(self.work / "stable_diffusion"), "--ip-adapter"]
        for options, sentence in (
                ([str(self.work / "nothing")], "is not a pipeline: it has no model_index.json"),
                ([str(self.work / "stable_diffusion")], "is of the class StableDiffusionPipeline, wanted one of StableDiffusionImageVariationPipeline"),
                ([str(self.work / "unclip"), "--ip-adapter", "x", "--length", "1"], "wanted StableDiffusionPipeline for --ip-adapter"),
                ([*ip, str(self.work / "ip/adapter.safetensors")], "has no image_encoder beside it, wanted that or --length"),
                ([*ip, str(self.work / "ip/none.safetensors"), "--length", "1"], "is no IP-Adapter that can be read"),
                ([*ip, str(plus), "--length", "1"], "takes hidden states of its image encoder"),
                ([*ip, str(self.work / "variations/unet/diffusion_pytorch_model.safetensors"), "--length", "1"], "is no IP-Adapter: wanted"),
                ([*ip, str(wide), "--length", "1"], "cannot be put on"),
                ([str(self.work / "variations"), "--pictures", str(self.work)], "has no pictures"),
                ([str(self.work / "variations"), "--tolerance", "1e-12"], "the graph is off by"),
                ([changed("variations", "scheduler/scheduler_config.json", prediction_type="flow")], "its network predicts flow"),
                ([changed("variations", "scheduler/scheduler_config.json", beta_schedule="sigmoid")], "its scheduler has the betas sigmoid"),
                ([changed("variations", "scheduler/scheduler_config.json", rescale_betas_zero_snr=True)], "rescaled to no signal at all"),
                ([changed("variations", "vae/config.json", shift_factor=.1)], "its autoencoder shifts latents"),
                ([str(self.work / "unclip"), "--noise-level", "1000"], "noise at level 1000 of 1000"),
                ([changed("unclip", "unet/config.json", class_embed_type="timestep")], "cannot be read")):
            with self.subTest(options):
                folder = pathlib.Path(tempfile.mkdtemp(dir=self.work))
                with self.assertRaises(checkpoints.Failure) as failure, contextlib.redirect_stdout(io.StringIO()), \
                        contextlib.redirect_stderr(io.StringIO()):
                    export_diffusion.write(export_diffusion.arguments([*options, str(folder / "out")]))
                self.assertIn(sentence, str(failure.exception))
                self.assertNotIn("\n", str(failure.exception))
                self.assertEqual(list(folder.iterdir()), [])

    def changed(self, kind, file, **values):
        """Returns a copy of a pipeline with other values in one of its JSON files."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.work)) / kind
        shutil.copytree(self.work / kind, folder)
        (folder / file).write_text(json.dumps(json.loads((folder / file).read_text()) | values))
        return str(folder)


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--engram", help="the program that must open what is written")
    args, rest = p.parse_known_args()
    ENGRAM = args.engram and str(pathlib.Path(args.engram).absolute())
    unittest.main(argv=[sys.argv[0], *rest])
