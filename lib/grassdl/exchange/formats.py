# SPDX-License-Identifier: GPL-2.0-or-later
"""The formats that a model is exported to: how files are written, and how they are run again.

ONNX is made by tf2onnx (https://github.com/onnx/tensorflow-onnx) of a SavedModel, which freezes
all constants; Keras' own export leaves those of the normalisation as inputs of the graph.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..core.bands import OBSERVED
from ..core.classes import MapClass
from ..model.card import ModelCard
from ..runtime.openvino_package import converted_network, import_openvino, read_network
from .ground_units import metres_per_unit
from .onnx_metadata import OWN_KEY, own_facts
from .whole_network import BYTE, Layout

if TYPE_CHECKING:
    import keras

ONNX_NAME, OPENVINO_NAME, SAVED_MODEL_NAME = "model.onnx", "model.xml", "saved_model"

OPSET = 18
"""Version of ONNX's operators: what onnxruntime 1.14 (2023) and all later ones know."""

DEEPNESS_SIZE = 512
"""Default edge of Deepness' tiles, as in its own examples."""

BLENDED_OVERLAP = 25
"""Overlap of tiles in per cent for a network whose receptive field is the whole window."""

LARGEST_OVERLAP = 80
"""Largest overlap in per cent: beyond it hardly any cell of a tile is kept."""

Images = np.ndarray
Runner = Callable[[Images], np.ndarray]
"""Takes images (1, ...) as the format has them, gives probabilities in the same layout."""


class Writer(Protocol):
    """Writes a network into a folder."""

    def __call__(self, network: keras.Model, card: ModelCard, layout: Layout, folder: Path) -> None:
        """Write it; the card has the metadata of the format."""


@dataclass(frozen=True)
class Format:
    """A format that models are exported to.

    Attributes:
        description: What it is for.
        packages: Python packages that it takes beside the toolset's own.
        main: The file or folder that another tool is given, relative to the output.
        media_type: Its MIME type; None for a folder.
        artifact: What STAC's machine learning model extension calls it.
        layout: How images are handed over; takes the size that the user chose.
        check: Refuses models that the format cannot hold; takes the card.
        write: Writes the files.
        open: Makes a runner of what was written, by the runtime of the other tools.
        calling: Lines of Python that run it, for the README.
    """

    description: str
    packages: tuple[str, ...]
    main: str
    media_type: str | None
    artifact: str
    layout: Callable[[int | None], Layout]
    check: Callable[[ModelCard], None]
    write: Writer
    open: Callable[[Path], Runner]
    calling: str


def check_any(card: ModelCard) -> None:
    """Accept every model."""


def write_saved_model(network: keras.Model, card: ModelCard, layout: Layout, folder: Path) -> None:
    """Write TensorFlow's SavedModel."""
    network.export(folder / SAVED_MODEL_NAME, format="tf_saved_model", verbose=False)


def write_openvino(network: keras.Model, card: ModelCard, layout: Layout, folder: Path) -> None:
    """Write OpenVINO's own files, `.xml` and `.bin`."""
    import_openvino().save_model(
        converted_network(network),
        folder / OPENVINO_NAME,
        # Half precision would change the results.
        compress_to_fp16=False,
    )


def write_onnx(network: keras.Model, card: ModelCard, layout: Layout, folder: Path) -> None:
    """Write an ONNX file with the description of the model as metadata."""
    _convert_to_onnx(network, folder / ONNX_NAME)
    _describe(
        folder / ONNX_NAME,
        {
            "bands": [band.label for band in card.bands],
            "classes": {str(one.value): one.label for one in card.classes},
            "resolution": list(card.resolution),
            "stride": card.stride,
            "halo": card.halo,
            **({} if card.threshold is None else {"threshold": card.threshold}),
            OWN_KEY: own_facts(card, layout),
        },
    )


def write_deepness(network: keras.Model, card: ModelCard, layout: Layout, folder: Path) -> None:
    """Write an ONNX file with the metadata that the QGIS plugin Deepness reads.

    Source: Deepness' documentation, "Model metadata"; class names are keyed by output, and the
    resolution is in centimetres.
    """
    _convert_to_onnx(network, folder / ONNX_NAME)
    names = {str(place): _name(one) for place, one in enumerate(card.classes)}
    told = {
        "model_type": "Segmentor",
        "class_names": names,
        "tiles_overlap": overlap(card, layout),
        # The most probable class is drawn, and no areas are removed.
        "seg_thresh": 0.0,
        "seg_small_segment": 0,
        OWN_KEY: own_facts(card, layout),
    }
    metres = metres_per_unit(card)
    if metres:
        told["resolution"] = round(100 * metres * math.sqrt(math.prod(card.resolution)), 4)
    _describe(folder / ONNX_NAME, told)


def overlap(card: ModelCard, layout: Layout) -> int:
    """Per cent of a tile that its neighbours share: twice the halo, where the network has one."""
    assert layout.size is not None
    if card.halo is None:
        return BLENDED_OVERLAP
    return min(LARGEST_OVERLAP, math.ceil(100 * 2 * card.halo / layout.size))


def check_deepness(card: ModelCard) -> None:
    """Refuse classes of patches, and bands of other types than bytes.

    Raises:
        ValueError: There are some; the message names the first.
    """
    if card.target.of_patches:
        raise ValueError(
            "format=deepness is for classes of cells, which Deepness draws, and model "
            f"<{card.name}> is of {card.target.summary}: use format=onnx"
        )
    ranges = card.ranges or [(None, None)] * len(card.bands)
    for band, (lowest, highest) in zip(card.bands, ranges, strict=True):
        if band.dtype == "uint8" and band.derivation in (None, OBSERVED):
            continue
        held = "" if lowest is None or highest is None else f", from {lowest:g} to {highest:g}"
        raise ValueError(
            "format=deepness is for bands of 8 bits, since Deepness hands over bytes: band "
            f"<{band.label}> is of type {band.dtype}{held}; use format=onnx, or train on maps "
            "rescaled to 0 to 255"
        )


def _name(one: MapClass) -> str:
    return one.label or f"class {one.value}"


def _convert_to_onnx(network: keras.Model, path: Path) -> None:
    """Convert a network by way of a SavedModel.

    Raises:
        ValueError: The converter fails.
    """
    from tf2onnx import convert, tf_loader

    with TemporaryDirectory() as scratch:
        network.export(scratch, format="tf_saved_model", verbose=False)
        try:
            graph, inputs, outputs = tf_loader.from_saved_model(scratch, None, None)
            convert.from_graph_def(
                graph,
                input_names=inputs,
                output_names=outputs,
                opset=OPSET,
                output_path=str(path),
            )
        # The converter raises errors of many kinds.
        except Exception as error:
            first_line = next(iter(str(error).strip().splitlines()), repr(error))
            raise ValueError(
                f"tf2onnx cannot convert the network of this model ({first_line})"
            ) from error


def _describe(path: Path, facts: dict[str, Any]) -> None:
    import onnx

    model = onnx.load(str(path))
    model.producer_name = "i.dl.export"
    onnx.helper.set_model_props(model, {name: json.dumps(one) for name, one in facts.items()})
    onnx.save(model, str(path))


def open_onnx(folder: Path) -> Runner:
    """Run an ONNX file by onnxruntime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        str(folder / ONNX_NAME), providers=["CPUExecutionProvider"]
    )
    (entry,) = session.get_inputs()

    def run(images: Images) -> np.ndarray:
        return session.run(None, {entry.name: images})[0]

    return run


def open_openvino(folder: Path) -> Runner:
    """Run OpenVINO's files by OpenVINO, in single precision."""
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = (
        import_openvino().Core().compile_model(read_network(folder / OPENVINO_NAME), "CPU", exact)
    )

    def run(images: Images) -> np.ndarray:
        return compiled([images])[0]

    return run


def open_saved_model(folder: Path) -> Runner:
    """Run a SavedModel by TensorFlow."""
    import keras

    layer = keras.layers.TFSMLayer(folder / SAVED_MODEL_NAME, call_endpoint="serve")

    def run(images: Images) -> np.ndarray:
        return np.array(layer(images))

    return run


_ONNX = Format(
    "Open Neural Network Exchange: runs nearly everywhere",
    ("onnx", "onnxruntime", "tf2onnx"),
    ONNX_NAME,
    "application/octet-stream",
    "onnx",
    lambda size: Layout(size=size),
    check_any,
    write_onnx,
    open_onnx,
    """import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
(probabilities,) = session.run(None, {session.get_inputs()[0].name: images})""",
)

FORMATS = {
    "onnx": _ONNX,
    "deepness": replace(
        _ONNX,
        description="ONNX for Deepness, the plugin of QGIS: bands of 8 bits",
        layout=lambda size: Layout(channels_first=True, scale=BYTE, size=size or DEEPNESS_SIZE),
        check=check_deepness,
        write=write_deepness,
    ),
    "openvino": Format(
        "OpenVINO: fast on processors of Intel and others",
        ("openvino",),
        OPENVINO_NAME,
        "application/xml",
        "openvino",
        lambda size: Layout(size=size),
        check_any,
        write_openvino,
        open_openvino,
        """import openvino

network = openvino.Core().compile_model("model.xml", "CPU")
probabilities = network([images])[0]""",
    ),
    "savedmodel": Format(
        "SavedModel of TensorFlow: TensorFlow Serving, Earth Engine, tf.js",
        (),
        SAVED_MODEL_NAME,
        None,
        "tf.keras.Model.export",
        lambda size: Layout(size=size),
        check_any,
        write_saved_model,
        open_saved_model,
        """import tensorflow

network = tensorflow.saved_model.load("saved_model")
probabilities = network.serve(images)""",
    ),
}
"""By the value of the option format."""
