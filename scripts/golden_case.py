"""The file format that golden_grad.py and golden_scan.py share.

A case has

    name, about          what it is, in a sentence
    attrs                numbers and lists of numbers: axes, epsilon, lr, ...
    inputs               name -> {"shape": [...], "data": [...]}, row-major
    outputs, grads       the same; grads are d(sum(upstream * output))/d(input),
                         or d(loss)/d(input or parameter) without upstream
    upstream             the gradient that flows into the output
    params, params_after of a network, before and after training

Inputs and upstream gradients are multiples of 1/128, so that they are exact
in float32 and in the text; everything else is rounded to nine significant
digits.
"""

import json

import numpy as np
import torch


def array(value):
    """Returns the JSON form of a tensor: shape, and nine digits per element."""
    value = np.asarray(value.detach() if torch.is_tensor(value) else value, dtype=np.float64)
    data = [float(f"{x:.9g}") for x in value.ravel()]
    return {"shape": list(value.shape), "data": [int(x) if x.is_integer() else x for x in data]}


def write(folder, name, about, **parts):
    """Writes one case, one array a line; tensors and arrays become array()s."""
    folder.mkdir(parents=True, exist_ok=True)
    sections = [f'"name": {json.dumps(name)}', f'"about": {json.dumps(about)}']
    for key, part in parts.items():
        if key != "attrs":
            part = {k: array(v) for k, v in part.items()}
        lines = ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in part.items())
        sections.append(f"{json.dumps(key)}: {{\n{lines}\n  }}" if part else f"{json.dumps(key)}: {{}}")
    text = "{\n  " + ",\n  ".join(sections) + "\n}\n"
    json.loads(text)
    (folder / f"{name}.json").write_text(text)


def draw(rng, *shape, scale=1.0):
    """Returns normal numbers rounded to multiples of 1/128."""
    return torch.as_tensor(np.round(rng.standard_normal(shape) * scale * 128) / 128)
