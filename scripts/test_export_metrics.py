#!/usr/bin/env python3
"""Tests export_metrics.py end to end on networks of random weights.

    pip install -r scripts/requirements.txt
    python scripts/test_export_metrics.py [--engram ./engram]

torchvision's networks have one size each: they are made with random weights (seed 0),
saved as published weights are, and exported; the script's own comparison must pass. The
CLIP is a small one. With --engram, the program must open each folder and make the same
features with its own preprocessing. Takes about a minute.
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

import torch
from torchvision import models

import export_checkpoints as checkpoints
import export_metrics
import test_export

ENGRAM = None


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        torch.set_num_threads(1)
        torch.manual_seed(0)
        cls.work = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.work)
        torch.save(models.alexnet(weights=None).state_dict(), cls.work / "alexnet.pth")
        torch.save(models.inception_v3(weights=None, init_weights=False).state_dict(), cls.work / "inception.pth")
        torch.save(models.efficientnet_b1(weights=None).state_dict(), cls.work / "efficientnet.pth")
        # SwAV's file: names of a parallel network, a projection, and no classifier.
        swav = {"module." + k: v for k, v in models.resnet50(weights=None).state_dict().items() if not k.startswith("fc.")}
        torch.save(swav | {"module.projection_head.0.weight": torch.zeros(2, 2)}, cls.work / "swav.pth")
        (cls.work / "clip").mkdir()
        with checkpoints.quiet(), contextlib.redirect_stderr(io.StringIO()):
            test_export.save_clip(cls.work / "clip")

    def export(self, *options):
        out = pathlib.Path(tempfile.mkdtemp(dir=self.work)) / "out"
        with contextlib.redirect_stdout(io.StringIO()):
            export_metrics.write(export_metrics.arguments([*options, str(out)]))
        return out

    def test_every_network(self):
        files = [x for name in ("alexnet", "inception", "efficientnet", "swav") for x in (f"--{name}", str(self.work / f"{name}.pth"))]
        out = self.export(*files, "--clip", str(self.work / "clip"))
        for name, dim, size in (("alexnet-2", 192 * 31 * 31, 256), ("alexnet-5", 256 * 15 * 15, 256), ("inception", 2048, 342),
                                ("clip", 32, 32), ("efficientnet", 1280, 255), ("swav", 2048, 224)):
            with self.subTest(name):
                m = json.loads((out / name / "bundle.json").read_text())
                self.assertEqual((m["kind"], m["name"], m["tokens"], m["dim"], m["image_size"]), ("features", name, 1, dim, size))
                self.assertEqual((m["preprocess"]["filter"], m["preprocess"]["antialias"], m["preprocess"]["crop"]), ("bilinear", False, "none"))
                if ENGRAM:
                    done = subprocess.run([ENGRAM, "model", "show", str(out / name), "--verify"], capture_output=True, text=True)
                    self.assertIn("least cosine here 1.0000", done.stdout, done.stderr)

    def test_failures_are_a_sentence_and_leave_nothing(self):
        (self.work / "text.pth").write_text("no weights")
        for options, sentence in (
                (["--only", "vgg"], "there is no network vgg"),
                (["--only", "swav"], "swav needs --swav FILE"),
                (["--only", "swav", "--swav", str(self.work / "text.pth")], "is no state_dict that can be read"),
                (["--only", "swav", "--swav", str(self.work / "alexnet.pth")], "is not of the network resnet50: it lacks"),
                (["--only", "clip", "--clip", str(self.work / "none")], "is not a checkpoint"),
                (["--only", "alexnet-2", "--alexnet", str(self.work / "alexnet.pth"), "--tolerance", "1e-12"], "the graph is off by")):
            with self.subTest(options):
                folder = pathlib.Path(tempfile.mkdtemp(dir=self.work))
                with self.assertRaises(checkpoints.Failure) as failure, contextlib.redirect_stdout(io.StringIO()):
                    export_metrics.write(export_metrics.arguments([*options, str(folder / "out")]))
                self.assertIn(sentence, str(failure.exception))
                self.assertNotIn("\n", str(failure.exception))
                self.assertEqual(list(folder.iterdir()), [])


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--engram", help="the program that must open what is written")
    args, rest = p.parse_known_args()
    ENGRAM = args.engram and str(pathlib.Path(args.engram).absolute())
    unittest.main(argv=[sys.argv[0], *rest])
