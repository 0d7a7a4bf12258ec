"""Writes embed/ort/testdata/half.json: what ONNX Runtime gives for half.onnx.

half.onnx is the image tower of a small open_clip model (random weights) whose
arithmetic was turned to float16 by onnxconverter-common. With all optimisers ONNX
Runtime 1.27 to 1.32 ends with a segmentation fault on it, so it is run with none.

    python scripts/golden_half.py
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort

FOLDER = Path(__file__).parent.parent / "embed/ort/testdata"


def main() -> None:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(str(FOLDER / "half.onnx"), options, providers=["CPUExecutionProvider"])
    # A ramp of 2·3·32·32 values in steps of 1/4096, from -0.75.
    pixels = (np.arange(2 * 3 * 32 * 32, dtype=np.float32) / 4096 - 0.75).reshape(2, 3, 32, 32)
    embedding = session.run(["embedding"], {"pixel_values": pixels})[0]
    text = json.dumps({"embedding": [round(float(v), 6) for v in embedding.ravel()]})
    (FOLDER / "half.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
