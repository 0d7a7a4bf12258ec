#!/usr/bin/env python3
"""Checks embed/onnx/testdata/everything.onnx with the reference implementation.

    go test ./embed/onnx -update && python scripts/check_onnx.py

The file is what embed/onnx writes for a graph with every element type and
every attribute type. It must pass onnx.checker with full checks (which infer
every shape), give back every constant and attribute, hold no field that the
reference does not know, and run. The committed file passed with Python 3.11,
onnx 1.23.2 and ONNX Runtime 1.27.0.
"""

import math
import pathlib

import numpy as np
import onnx
import onnxruntime

PATH = pathlib.Path(__file__).resolve().parent.parent / "embed/onnx/testdata/everything.onnx"

CONSTANTS = {
    "weights": np.array([.5, -1.25], np.float32), "trip": np.array(3, np.int64), "yes": np.array(True),
    "int32": np.array([[-7], [7]], np.int32), "flags": np.array([True, False]),
    "uint8": np.array([0, 128, 255], np.uint8), "half": np.array([1, -2], np.float16),
    "none": np.array([], np.float32), "upper": np.array(6, np.float32),
}
X = np.array([[1, 9, -1]], np.float32)
LEAKY = [1, 6, -.25]
Y = np.array([[x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in LEAKY]])
OUTPUTS = {
    "last": [4, -10], "reports": [[1.5, -3.75], [2.5, -6.25], [4.5, -11.25]], "chosen": [1],
    "y": Y, "quick": Y / (1 + np.exp(-1.702 * Y)), "floats": [1, 2.5], "row": [[-7, 7]], "widened": [1, -2],
}


def main():
    model = onnx.load(PATH)
    onnx.checker.check_model(model, full_check=True)
    model.DiscardUnknownFields()
    assert len(model.SerializeToString()) == PATH.stat().st_size
    assert model.ir_version == 10 and {o.domain: o.version for o in model.opset_import} == {"": 20, "com.microsoft": 1}
    for tensor in model.graph.initializer:
        got, want = onnx.numpy_helper.to_array(tensor), CONSTANTS.pop(tensor.name)
        assert got.dtype == want.dtype and got.shape == want.shape and (got == want).all(), tensor.name
    assert not CONSTANTS
    attrs = [onnx.helper.get_attribute_value(a) for n in model.graph.node for a in n.attribute]
    loop, then, other, alpha, approximate, floats, perm, to = attrs
    assert [loop.name, then.name, other.name] == ["step", "then", "else"]
    assert alpha == .25 and approximate == b"none" and floats == [1, 2.5] and perm == [1, 0] and to == 1
    assert list(model.graph.node[2].input) == ["x", "", "upper"]

    onnxruntime.set_default_logger_severity(3)  # it warns of constants without a use
    session = onnxruntime.InferenceSession(PATH)
    for name, value in zip([o.name for o in session.get_outputs()], session.run(None, {"x": X})):
        np.testing.assert_allclose(value, OUTPUTS[name], atol=1e-6, err_msg=name)
    print(f"{PATH.name} is valid: onnx {onnx.__version__}, ONNX Runtime {onnxruntime.__version__}")


if __name__ == "__main__":
    main()
