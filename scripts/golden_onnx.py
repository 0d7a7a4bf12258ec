"""Makes the goldens of embed/onnx's Extract: python scripts/golden_onnx.py

For each half of the small CLIP that has both towers in one graph
(embed/hub/layout/testdata, made by golden_layouts.py) it writes what
onnx.utils.Extractor keeps: the outputs of every node, the constants and the
inputs, in order, as embed/onnx/testdata/extract.json.
"""

import json
from pathlib import Path

import onnx
from onnx.utils import Extractor

ROOT = Path(__file__).resolve().parent.parent
MODEL = "embed/hub/layout/testdata/repositories/whole-graph/onnx/model.onnx"


def half(model, inputs, output):
    """Returns the names of what one output needs."""
    graph = Extractor(model).extract_model(inputs, [output]).graph
    return {
        "model": MODEL,
        "output": output,
        "nodes": [list(node.output) for node in graph.node],
        "constants": [tensor.name for tensor in graph.initializer],
        "inputs": [value.name for value in graph.input],
    }


def main():
    model = onnx.load(ROOT / MODEL)
    takes = {"image_embeds": ["pixel_values"], "text_embeds": ["input_ids", "attention_mask"]}
    cases = [half(model, inputs, output) for output, inputs in takes.items()]
    path = ROOT / "embed/onnx/testdata/extract.json"
    path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
