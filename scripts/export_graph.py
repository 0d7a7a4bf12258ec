"""ONNX graphs of PyTorch modules: traced, trimmed, stored, halved and run.

Not run by itself: export_clip.py and golden_layouts.py use it. The TorchScript
exporter (dynamo=False) is used on purpose: its graphs have the tensor names, the
operators and the dynamic axes of the published ones, and the same module gives the
same bytes in every run.
"""

import os
import pathlib
import warnings

import numpy as np
import onnx
import onnxruntime
import torch

OPSET = 17
LIMIT = 2_000_000_000  # bytes; protobuf refuses a message of 2 GiB


def trace(module, args, path, inputs, outputs, *, opset=OPSET, dynamic=None):
    """Writes module as an ONNX file. inputs and outputs name its tensors in order.

    dynamic maps a tensor to {axis: name}; None makes axis 0 of every tensor "batch".
    A graph above LIMIT comes with one file per tensor beside it: see store().
    """
    if dynamic is None:
        dynamic = {name: {0: "batch"} for name in [*inputs, *outputs]}
    # The fused path of nn.MultiheadAttention has no ONNX form.
    torch.backends.mha.set_fastpath_enabled(False)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), tuple(args), str(path), input_names=inputs, output_names=outputs,
                          dynamic_axes=dynamic, opset_version=opset, dynamo=False)


def state_shapes(model, shapes):
    """Writes the shapes of outputs, but for the batch, where the exporter did not see them."""
    for value in model.graph.output:
        dims = value.type.tensor_type.shape.dim
        for dim, size in zip(list(dims)[1:], shapes[value.name][1:]):
            dim.dim_value = size


def trim(model):
    """Removes what only the exporting machine knows: source lines and stack traces."""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for values in (model.graph.input, model.graph.output, model.graph.value_info):
        for value in values:
            value.doc_string = ""
            del value.metadata_props[:]
    model.doc_string = ""
    model.graph.doc_string = ""
    del model.metadata_props[:]
    return model


def size(model):
    """Returns the bytes of the model's weights."""
    return sum(len(t.raw_data) or 4 * max(1, int(np.prod(t.dims))) for t in model.graph.initializer)


def store(model, path, external=None):
    """Writes model to path. Weights above LIMIT, or where external names a file, go
    into that one file beside it ("<name>_data" by default)."""
    path = pathlib.Path(path)
    if external is None and size(model) > LIMIT:
        external = path.name + "_data"
    if external is None:
        path.write_bytes(trim(model).SerializeToString(deterministic=True))
        return
    (path.parent / external).unlink(missing_ok=True)  # onnx appends to a file that is there
    onnx.save_model(trim(model), str(path), save_as_external_data=True, all_tensors_to_one_file=True,
                    location=external, size_threshold=1024, convert_attribute=False)
    (path.parent / external).chmod(0o644)  # onnx makes it private


def load(path):
    """Returns the graph of a file with its external weights, and removes those files."""
    path = pathlib.Path(path)
    model = onnx.load(str(path), load_external_data=False)
    places = {e.value for t in model.graph.initializer for e in t.external_data if e.key == "location"}
    onnx.external_data_helper.load_external_data_for_model(model, str(path.parent))
    for place in places:
        os.unlink(path.parent / place)
    return model


def half(model):
    """Returns model with its weights as float16 and a cast to float32 behind each.

    ONNX Runtime casts them once, as it opens the graph. Arithmetic in float16 would not
    be faster on a processor, and ONNX Runtime 1.27 to 1.32 crashes while it optimises
    open_clip's graphs in that form (MatmulTransposeFusion).
    """
    casts = []
    for t in model.graph.initializer:
        if t.data_type != onnx.TensorProto.FLOAT or np.prod(t.dims) < 256:
            continue
        name, weights = t.name, onnx.numpy_helper.to_array(t)
        t.CopyFrom(onnx.numpy_helper.from_array(weights.astype(np.float16), name + ":half"))
        casts.append(onnx.helper.make_node("Cast", [name + ":half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def session(path, threads=0):
    """Opens a graph on the processor, by its path, so that external weights are found."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
