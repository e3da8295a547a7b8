# SPDX-License-Identifier: GPL-2.0-or-later
"""ONNX files as other toolkits write them: one convolution, by hand."""

import json

import numpy as np
import pytest

BANDS, CLASSES = 2, 3


def kernels(edge=3, outputs=CLASSES, bands=BANDS):
    """Weights (outputs, bands, edge, edge) of a convolution."""
    rng = np.random.default_rng(5)
    return rng.normal(0, 1, (outputs, bands, edge, edge)).astype(np.float32)


def write_onnx(path, size=None, last=False, tail=(), told=None, opset=17, **changes):
    """Write a network of one convolution with zero padding; returns its kernels.

    Args:
        path: The file.
        size: Edge of the images; None for any.
        last: Whether bands and classes come last.
        tail: Operators that follow, each with its attributes.
        told: Metadata, as JSON.
        opset: Version of the operators.
        changes: `edge`, `outputs` and `bands` of the kernels; `shape` and `result`, the shapes of
            input and output; `type` of the output's values.
    """
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    sizes = {name: changes[name] for name in ("edge", "outputs", "bands") if name in changes}
    weights = kernels(**sizes)
    outputs, bands, edge, _ = weights.shape
    images, result = ([1, many, size or "h", size or "w"] for many in (bands, outputs))
    padding = [edge // 2] * 4
    nodes = [helper.make_node("Conv", ["in", "weights"], ["scores"], pads=padding)]
    if last:
        images, result = ([one[0], *one[2:], one[1]] for one in (images, result))
        nodes[0].input[0], nodes[0].output[0] = "inner", "outer"
        first = helper.make_node("Transpose", ["image"], ["inner"], perm=(0, 3, 1, 2))
        nodes = [
            first,
            *nodes,
            helper.make_node("Transpose", ["outer"], ["scores"], perm=(0, 2, 3, 1)),
        ]
    else:
        nodes[0].input[0] = "image"
    name = "scores"
    for kind, attributes in tail:
        domain = attributes.pop("domain", "")
        nodes.append(helper.make_node(kind, [name], [kind], domain=domain, **attributes))
        name = kind
    kind = changes.get("type", TensorProto.FLOAT)
    graph = helper.make_graph(
        nodes,
        "by hand",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, changes.get("shape", images))],
        [helper.make_tensor_value_info(name, kind, changes.get("result", result))],
        [numpy_helper.from_array(weights, "weights")],
    )
    known = [helper.make_opsetid("", opset), helper.make_opsetid("com.example", 1)]
    model = helper.make_model(graph, opset_imports=known, ir_version=8)
    if told:
        helper.set_model_props(model, {key: json.dumps(one) for key, one in told.items()})
    onnx.save(model, str(path))
    return weights


def scores(weights, values):
    """Scores (rows, cols, outputs) of the convolution for values (rows, cols, bands)."""
    edge = weights.shape[-1]
    reach = edge // 2
    padded = np.pad(values, ((reach, reach), (reach, reach), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (edge, edge), axis=(0, 1))
    return np.einsum("rcbij,obij->rco", windows, weights)


def softmax(values):
    """Probabilities of scores (..., classes)."""
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
