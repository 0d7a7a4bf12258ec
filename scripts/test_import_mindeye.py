#!/usr/bin/env python3
"""Tests import_mindeye.py end to end on small checkpoints of random weights.

    pip install -r scripts/requirements.txt
    pip install dalle2-pytorch==1.15.6        # compares the prior with it; else that is skipped
    python scripts/test_import_mindeye.py [--engram ./engram]

The checkpoints have MindEye's key layout (golden_mindeye_models.py). With --engram, the
program must open each model, and make pictures of scans with the imported decoder, prior
and low level, a CLIP and an exported pipeline. Then the ways to fail: each must be one
sentence and leave nothing behind. Takes about a minute. The committed import of
recon/testdata is tested by go test.
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

import numpy as np
import torch
import transformers

import export_checkpoints as checkpoints
import export_clip
import export_diffusion
import golden_diffusion_models
import golden_layout_models
import golden_layout_tokenizers as tokenizers
import golden_mindeye_models as models
import import_mindeye
import import_networks
from export_folder import fingerprint, sha256
from golden_layout_repository import GENERATION2

ENGRAM = None


class Import(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        warnings.simplefilter("ignore")
        torch.set_num_threads(1)
        cls.work = work = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, work)
        with checkpoints.quiet(), contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            (work / "clip").mkdir()
            config = golden_layout_models.clip_config(tokenizers.clip(work / "clip"), width=models.D, layers=1)
            golden_layout_models.spread(transformers.CLIPModel(config), 0).save_pretrained(work / "clip")
            tokenizers.write_json(work / "clip/preprocessor_config.json", GENERATION2)
            export_clip.write(export_clip.arguments(["--hf", str(work / "clip"), "--mindeye", str(work / "tokens")]))
            export_clip.write(export_clip.arguments(["--hf", str(work / "clip"), str(work / "pooled")]))
            (work / "pipeline").mkdir()
            golden_diffusion_models.versatile(work / "pipeline", width=models.D)
            export_diffusion.write(export_diffusion.arguments([str(work / "pipeline"), "--steps", "3", str(work / "versatile")]))
        torch.save(models.checkpoint(), work / "last.pth")
        torch.save(models.low_level(), work / "epoch120.pth")
        torch.save(models.low_level(old_names=False), work / "epoch120-new.pth")

    def options(self, checkpoint="last.pth", low_level="epoch120.pth"):
        out = ["--model", str(self.work / "tokens"), "--checkpoint", str(self.work / checkpoint)] if checkpoint else []
        return out + (["--autoencoder", str(self.work / "versatile/autoencoder"), "--low-level", str(self.work / low_level)] if low_level else [])

    def run_import(self, *options):
        out = pathlib.Path(tempfile.mkdtemp(dir=self.work)) / "out"
        with contextlib.redirect_stdout(io.StringIO()):
            import_mindeye.write(import_mindeye.arguments([*options, str(out)]))
        self.assertEqual(list(out.parent.iterdir()), [out], "a temporary folder was left")
        manifests = {}
        for path in out.rglob("bundle.json"):
            m = json.loads(path.read_text())
            for file, checksum in m["files"].items():
                self.assertEqual(sha256(path.parent / file), checksum, file)
            self.engram("model", "show", str(path.parent), "--verify")
            manifests[m["kind"]] = m
        return out, manifests

    def engram(self, *command):
        if not ENGRAM:
            return
        done = subprocess.run([ENGRAM, *command], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, f"engram {' '.join(command)}: {done.stderr}")

    def test_the_networks_equal_their_references(self):
        voxels = torch.randn(3, models.VOXELS)
        for mine, theirs in zip(import_networks.Backbone(models.backbone())(voxels), models.reference_backbone(models.backbone())(voxels)):
            torch.testing.assert_close(mine, theirs)
        old, new = (import_networks.LowLevel(models.low_level(old_names=names)["model_state_dict"]).eval() for names in (True, False))
        with torch.no_grad():
            torch.testing.assert_close(old(voxels), new(voxels))
        try:
            import dalle2_pytorch.dalle2_pytorch  # noqa: F401
        except ImportError:
            self.skipTest("wanted: dalle2-pytorch")
        x, noisy, time = torch.randn(3, models.T, models.D), torch.randn(3, models.T, models.D), torch.tensor([99., 50., 0.])
        mine = import_networks.Prior(models.prior())(x, noisy, time)
        torch.testing.assert_close(mine, models.reference_prior(models.prior(), x, noisy, time), atol=1e-4, rtol=1e-4)
        mine = import_networks.Prior(models.single_prior())(x[:, :1], noisy[:, :1], 10 * time)
        torch.testing.assert_close(mine, models.reference_single_prior(models.single_prior(), x[:, :1], noisy[:, :1], 10 * time), atol=1e-4, rtol=1e-4)

    def test_what_the_manifests_say(self):
        out, found = self.run_import(*self.options(), "--name", "subj01")
        decoder, prior, low = found["decoder"], found["prior"], found["lowlevel"]
        self.assertEqual((decoder["name"], decoder["tokens"], decoder["dim"], decoder["voxels"]), ("subj01-decoder", models.T, models.D, models.VOXELS))
        self.assertEqual(decoder["models"]["decoder"]["outputs"], {"backbone": "backbone", "tokens": "tokens"})
        self.assertEqual((decoder["target"], prior["target"]), (fingerprint(self.work / "tokens"),) * 2)
        self.assertEqual(low["target"], fingerprint(self.work / "versatile/autoencoder"))
        self.assertEqual((prior["scheduler"]["steps"], prior["sampling"]["method"], prior["token_scale"]), (100, "ddpm", {"factor": 4, "unit_global": True}))
        self.assertEqual(low["latent"], {"channels": 4, "factor": 2, "scale": .18215})
        _, alone = self.run_import(*self.options(checkpoint=None, low_level="epoch120-new.pth"))
        self.assertEqual(list(alone), ["lowlevel"])

    def test_half_precision(self):
        whole, _ = self.run_import(*self.options(), "--external-data")
        half, found = self.run_import(*self.options(), "--external-data", "--fp16")
        for kind, file in (("decoder", "decoder.onnx_data"), ("prior", "prior/prior.onnx_data"), ("lowlevel", "lowlevel/lowlevel.onnx_data")):
            self.assertEqual(found[kind]["precision"], "fp16")
            self.assertLess((half / file).stat().st_size, .6 * (whole / file).stat().st_size)

    def test_one_token(self):
        arrays = {f"voxel2clip.{k}": v for k, v in models.backbone(tokens=1).items()}
        torch.save({"model_state_dict": arrays}, self.work / "one.pth")
        _, found = self.run_import("--model", str(self.work / "pooled"), "--checkpoint", str(self.work / "one.pth"))
        self.assertEqual((list(found), found["decoder"]["tokens"]), (["decoder"], 1))
        self.assertEqual(sorted(found["decoder"]["models"]["decoder"]["outputs"]), ["backbone", "embedding"])
        torch.save({"model_state_dict": arrays | {f"net.{k}": v for k, v in models.single_prior().items()}}, self.work / "one.pth")
        _, found = self.run_import("--model", str(self.work / "pooled"), "--checkpoint", str(self.work / "one.pth"))
        prior = found["prior"]
        self.assertEqual((prior["tokens"], prior["scheduler"]["steps"], prior["sampling"]), (1, 1000, {"method": "ddim", "steps": 100, "guidance": 1}))

    def test_pictures_of_scans(self):
        if not ENGRAM:
            self.skipTest("wanted: --engram PROGRAM")
        out, _ = self.run_import(*self.options())
        np.save(self.work / "scans.npy", np.random.default_rng(0).normal(size=(3, models.VOXELS)).astype(np.float32))
        command = ["reconstruct", "--voxels", str(self.work / "scans.npy"), "--model", str(self.work / "tokens"), "--decoder", str(out),
                   "--autoencoder", str(self.work / "versatile/autoencoder"), "--denoiser", str(self.work / "versatile/denoiser"), "--candidates", "2"]
        for name, options in (("default", []), ("transformer", ["--prior", "transformer"]), ("none", ["--prior", "none"]), ("blurry", ["--start", "blurry"])):
            pictures = out.parent / name
            self.engram(*command, *options, "--out", str(pictures))
            for folder in ("reconstructed", "blurry"):
                self.assertEqual(len(list((pictures / folder).glob("*.png"))), 3, folder)
            choices = json.loads((pictures / "choices.json").read_text())
            self.assertEqual(choices.get("prior"), None if name == "none" else "transformer")

    def test_failures_are_a_sentence_and_leave_nothing(self):
        (self.work / "text.pth").write_text("no checkpoint")
        changed = models.checkpoint()
        changed["model_state_dict"]["module.noise_scheduler.betas"] = torch.linspace(.0001, .02, 100)
        torch.save(changed, self.work / "linear.pth")
        lacks = models.checkpoint()
        del lacks["model_state_dict"]["module.voxel2clip.mlp.2.0.weight"]
        torch.save(lacks, self.work / "lacks.pth")
        wide = models.low_level(widths=(32, 32, 32))
        torch.save(wide, self.work / "wide.pth")
        model, vae = ["--model", str(self.work / "tokens")], ["--autoencoder", str(self.work / "versatile/autoencoder")]
        for options, sentence in (
                ([], "wanted --checkpoint or --low-level"),
                (["--checkpoint", str(self.work / "last.pth")], "--checkpoint needs --model"),
                (["--low-level", str(self.work / "epoch120.pth")], "--low-level needs --autoencoder"),
                ([*model, "--checkpoint", str(self.work / "text.pth")], "is no checkpoint that can be read"),
                ([*model, "--checkpoint", str(self.work / "lacks.pth")], "the checkpoint has no array mlp.2.0.weight"),
                ([*model, "--checkpoint", str(self.work / "linear.pth")], "wanted the cosine schedule of 100 steps"),
                (["--model", str(self.work / "pooled"), "--checkpoint", str(self.work / "last.pth")], "has tokens 1, the checkpoint predicts 17"),
                (["--model", str(self.work / "versatile/denoiser"), "--checkpoint", str(self.work / "last.pth")], "is a model of kind denoiser, wanted clip"),
                (["--model", str(self.work / "clip"), "--checkpoint", str(self.work / "last.pth")], "is not a model: it has no bundle.json"),
                ([*vae, "--low-level", str(self.work / "wide.pth")], "has latents of [4, 8, 8], the checkpoint predicts [4, 16, 16]"),
                ([*vae, "--low-level", str(self.work / "last.pth")], "the checkpoint has no"),
                (self.options() + ["--tolerance", "1e-12"], "is off by")):
            with self.subTest(options):
                folder = pathlib.Path(tempfile.mkdtemp(dir=self.work))
                with self.assertRaises(checkpoints.Failure) as failure, contextlib.redirect_stdout(io.StringIO()):
                    import_mindeye.write(import_mindeye.arguments([*options, str(folder / "out")]))
                self.assertIn(sentence, str(failure.exception))
                self.assertNotIn("\n", str(failure.exception))
                self.assertEqual(list(folder.iterdir()), [])


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--engram", help="the program that must open what is written")
    args, rest = p.parse_known_args()
    ENGRAM = args.engram and str(pathlib.Path(args.engram).absolute())
    unittest.main(argv=[sys.argv[0], *rest])
