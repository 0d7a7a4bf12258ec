#!/usr/bin/env python3
"""Tests export_clip.py end to end on small models of random weights.

    pip install -r scripts/requirements.txt
    python scripts/test_export.py [--engram ./engram]

Every class that the script knows is made small (seed 0), saved as its library saves
it, and exported with each option; the script's own comparison with PyTorch must pass.
With --engram, the program must open each folder and rank pictures by words with it.
Then the ways to fail: each must be one sentence and leave nothing behind. Takes a
minute or two. The committed folders of embed/hub/layout/testdata are tested by go test.
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

import export_checkpoints as checkpoints
import export_clip
import golden_layout_models as models
import golden_layout_tokenizers as tokenizers
from golden_layout_repository import CLIP_MEAN, CLIP_STD, GENERATION2, SIGLIP

ENGRAM = None


def save_clip(folder):
    models.clip(tokenizers.clip(folder)).save_pretrained(folder)
    tokenizers.write_json(folder / "preprocessor_config.json", GENERATION2)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")


def save_siglip(folder):
    """SigLIP as Google publishes it: a SentencePiece model and no tokenizer.json."""
    models.siglip(tokenizers.siglip(folder)).save_pretrained(folder)
    (folder / "tokenizer.json").unlink()
    tokenizers.write_json(folder / "preprocessor_config.json", SIGLIP)


def save_siglip2(folder):
    models.siglip(tokenizers.gemma(folder)).save_pretrained(folder)
    tokenizers.write_json(folder / "preprocessor_config.json", {**SIGLIP, "resample": 2})


def save_dinov2(folder):
    models.dinov2().save_pretrained(folder)
    tokenizers.write_json(folder / "preprocessor_config.json", {
        **GENERATION2, "image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 32},
        "crop_size": {"height": 28, "width": 28}})


def save_open_clip(folder):
    from safetensors.torch import save_file
    model, cfg = models.open_clip(49408)
    tokenizers.write_json(folder / "open_clip_config.json",
                          {"model_cfg": cfg, "preprocess_cfg": {"mean": CLIP_MEAN, "std": CLIP_STD}})
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "open_clip_model.safetensors")


def save_bert(folder):
    models.bert(100).save_pretrained(folder)


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        warnings.simplefilter("ignore")
        cls.work = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.work)
        for name in ("clip", "siglip", "siglip2", "dinov2", "open_clip", "bert"):
            (cls.work / name).mkdir()
            with checkpoints.quiet(), contextlib.redirect_stderr(io.StringIO()):
                globals()["save_" + name](cls.work / name)

    def export(self, name, *options):
        """Exports a checkpoint and returns the folder and its manifest."""
        out = pathlib.Path(tempfile.mkdtemp(dir=self.work)) / "out"
        source = ["--open-clip", f"local-dir:{self.work / name}"] if name == "open_clip" else ["--hf", str(self.work / name)]
        with contextlib.redirect_stdout(io.StringIO()):
            export_clip.write(export_clip.arguments([*source, *options, str(out)]))
        manifest = json.loads((out / "bundle.json").read_text())
        self.assertEqual(sorted(manifest["files"]), sorted(p.name for p in out.iterdir() if p.name not in ("bundle.json", "canary.json")))
        for file, checksum in manifest["files"].items():
            self.assertEqual(export_clip.sha256(out / file), checksum, file)
        self.assertEqual(list(out.parent.iterdir()), [out], "a temporary folder was left")
        self.engram(out, manifest)
        return out, manifest

    def engram(self, out, manifest):
        if not ENGRAM:
            return
        index = out.parent / "index"
        self.addCleanup(shutil.rmtree, index, ignore_errors=True)
        commands = [["model", "show", str(out), "--verify"],
                    ["index", "build", "scenes:3?seed=5", "--model", str(out), "--out", str(index)]]
        if "text" in manifest["models"]:
            commands.append(["search", "--index", str(index), "--text", "a photo of a cat", "-k", "3"])
        for command in commands:
            done = subprocess.run([ENGRAM, *command], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, f"engram {' '.join(command)}: {done.stderr}")

    def test_every_class(self):
        for name, kind, text in (("clip", "clip", True), ("siglip", "clip", True), ("siglip2", "clip", True),
                                 ("dinov2", "features", False), ("open_clip", "clip", True)):
            with self.subTest(name):
                _, m = self.export(name)
                self.assertEqual((m["kind"], m["tokens"], m["dim"], "text" in m["models"]), (kind, 1, 32, text))

    def test_half_precision(self):
        for name in ("clip", "siglip", "siglip2", "dinov2", "open_clip"):
            with self.subTest(name):
                whole, _ = self.export(name)
                # Vectors of 32 elements: rounding is larger in each than in the usual 512.
                half, m = self.export(name, "--fp16", "--tolerance", "5e-3")
                self.assertEqual(m["precision"], "fp16")
                self.assertLess((half / "image.onnx").stat().st_size, (whole / "image.onnx").stat().st_size)

    def test_external_data(self):
        out, m = self.export("clip", "--external-data")
        self.assertEqual({p.name for p in out.iterdir()}, {
            "bundle.json", "canary.json", "image.onnx", "image.onnx_data", "text.onnx", "text.onnx_data", "tokenizer.json"})
        self.export("open_clip", "--external-data", "--no-text")

    def test_tokens(self):
        _, m = self.export("clip", "--tokens")
        self.assertEqual((m["tokens"], m["dim"], m["preprocess"]["antialias"]), (17, 32, True))
        _, m = self.export("clip", "--mindeye", "--fp16", "--external-data")
        self.assertEqual((m["tokens"], m["preprocess"]["antialias"], "text" in m["models"]), (17, False, True))
        _, m = self.export("open_clip", "--mindeye")
        self.assertEqual((m["tokens"], m["dim"], m["preprocess"]["range"], "text" in m["models"]), (16, 32, [.5, 1], False))

    def test_what_the_manifest_says(self):
        _, m = self.export("clip", "--name", "a <b> & c")
        self.assertEqual((m["name"], m["licence"]), ("a <b> & c", "MIT"))
        self.assertEqual(m["preprocess"]["rounding"], "floor")
        _, m = self.export("clip", "--licence", "CC0-1.0", "--no-text")
        self.assertEqual((m["licence"], list(m["models"])), ("CC0-1.0", ["image"]))
        _, m = self.export("siglip2")
        self.assertEqual((m["preprocess"]["filter"], m["preprocess"]["crop"], m["tokenizer"]["context"], m["tokenizer"]["pad"]),
                         ("bilinear", "none", 64, 0))

    def test_failures_are_a_sentence_and_leave_nothing(self):
        clip = str(self.work / "clip")
        for options, sentence in (
                (["--hf", str(self.work / "nothing")], "is not a checkpoint: it has no config.json"),
                (["--hf", str(self.work / "bert")], "is of the class bert, wanted one of clip, siglip"),
                (["--hf", str(self.work / "siglip"), "--tokens"], "tokens can be had of clip alone"),
                (["--open-clip", "ViT-X"], "open_clip cannot open ViT-X"),
                (["--open-clip", "ViT-B-32", "--pretrained", "nope"], "with the weights nope"),
                (["--hf", clip, "--tolerance", "1e-12"], "the graph is off by"),
                (["--hf", clip, "--fp16", "--tolerance", "1e-6"], "the graph is off by")):
            with self.subTest(options):
                folder = pathlib.Path(tempfile.mkdtemp(dir=self.work))
                with self.assertRaises(checkpoints.Failure) as failure, contextlib.redirect_stdout(io.StringIO()):
                    export_clip.write(export_clip.arguments([*options, str(folder / "out")]))
                self.assertIn(sentence, str(failure.exception))
                self.assertNotIn("\n", str(failure.exception))
                self.assertEqual(list(folder.iterdir()), [])

    def test_a_folder_that_is_there_is_kept(self):
        with self.assertRaises(checkpoints.Failure) as failure:
            export_clip.write(export_clip.arguments(["--hf", str(self.work / "clip"), str(self.work / "bert")]))
        self.assertIn("is there already", str(failure.exception))
        self.assertTrue((self.work / "bert/config.json").exists())


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--engram", help="the program that must open what is written")
    args, rest = p.parse_known_args()
    ENGRAM = args.engram and str(pathlib.Path(args.engram).absolute())
    unittest.main(argv=[sys.argv[0], *rest])
