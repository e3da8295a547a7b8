# SPDX-License-Identifier: GPL-2.0-or-later
"""ONNX files of others: only their weights and operators that compute are accepted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.schema import shortened
from ..io.json_records import parsed

if TYPE_CHECKING:
    import onnx

LARGEST_FILE = 2**31 - 1
"""Bytes: what ONNX itself can hold in one file."""

STANDARD = ("", "ai.onnx")
"""Names of the domain of ONNX's own operators."""

NOT_COMPUTING = frozenset(
    "Bernoulli If Loop Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike "
    "Scan SequenceMap".split()
)
"""Operators that draw at random, so that no run can be repeated, or run without bound."""

OLDEST_OPSET = 9


def read_onnx_file(path: Path) -> onnx.ModelProto:
    """The content of an ONNX file, checked; no other file is opened.

    Raises:
        ValueError: It is none, or holds what is not accepted.
        ModuleNotFoundError: The package onnx is not installed.
    """
    import onnx
    from onnx import checker, inliner

    if not path.is_file():
        raise ValueError(f"File <{path}> not found")
    if path.stat().st_size > LARGEST_FILE:
        raise ValueError(f"File <{path}> is larger than 2 GB, which no ONNX file is")
    try:
        model = onnx.ModelProto.FromString(path.read_bytes())
        if not model.graph.node:
            raise ValueError("it holds no network")
        _check_data(model)
        _check_ranks(model)
        model = inliner.inline_local_functions(model)
        _check_operators(model)
        checker.check_model(model)
    except ModuleNotFoundError:
        raise
    # protobuf and the checker raise errors of their own.
    except Exception as error:
        raise ValueError(
            f"File <{path}> is no ONNX network that can be imported: {shortened(error)}"
        ) from None
    return model


def _check_data(model: onnx.ModelProto) -> None:
    """Refuse weights in other files."""
    import onnx

    graphs = [model.graph, *model.functions]
    for tensor in (one for graph in graphs for one in _tensors(graph)):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise ValueError(
                f"weights <{tensor.name}> lie in another file: save it in one, by onnx.save(..., "
                "save_as_external_data=False)"
            )


def _check_ranks(model: onnx.ModelProto) -> None:
    """Refuse images or results of any number of dimensions."""
    for what, ends in (("input", model.graph.input), ("output", model.graph.output)):
        for end in ends:
            if not end.type.tensor_type.HasField("shape"):
                raise ValueError(
                    f"its {what} <{end.name}> may have any number of dimensions (dynamic rank): "
                    "export it with 4, (1, bands, rows, columns) or (1, rows, columns, bands)"
                )


def _tensors(graph: onnx.GraphProto | onnx.FunctionProto) -> Iterator[onnx.TensorProto]:
    """All tensors of a graph, those of its operators and their graphs among them."""
    yield from getattr(graph, "initializer", ())
    for sparse in getattr(graph, "sparse_initializer", ()):
        yield from (sparse.values, sparse.indices)
    for attribute in (one for node in graph.node for one in node.attribute):
        yield from (attribute.t, *attribute.tensors)
        yield from (attribute.sparse_tensor.values, attribute.sparse_tensor.indices)
        for inner in (attribute.g, *attribute.graphs):
            if inner.node or inner.initializer:
                yield from _tensors(inner)


def _check_operators(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        if node.domain not in STANDARD:
            raise ValueError(
                f"operator <{node.op_type}> is a custom one of <{node.domain}>: only ONNX's own "
                "operators are accepted"
            )
        if node.op_type in NOT_COMPUTING:
            raise ValueError(
                f"operator <{node.op_type}> draws at random or chooses what is computed: only "
                "networks that always compute the same are accepted"
            )
    if opset(model) < OLDEST_OPSET:
        raise ValueError(
            f"it is of operator set {opset(model)}: {OLDEST_OPSET} and later ones are accepted"
        )


def opset(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators."""
    return max((one.version for one in model.opset_import if one.domain in STANDARD), default=0)


def metadata(model: onnx.ModelProto) -> dict[str, Any]:
    """The metadata of the file: JSON where a text is JSON, else the text."""
    found: dict[str, Any] = {}
    for one in model.metadata_props:
        try:
            found[one.key] = parsed(one.value.encode(), finite=True)
        except (ValueError, json.JSONDecodeError):
            found[one.key] = one.value
    return found
