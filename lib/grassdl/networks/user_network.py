# SPDX-License-Identifier: GPL-2.0-or-later
"""A user's own network, from a Python file that the user names.

The file holds a function `build(size, bands, classes)` that returns a Keras model of normalised
pixels (batch, rows, columns, bands) that gives class probabilities (batch, rows, columns, classes):

    import keras
    from keras import layers

    def build(size, bands, classes):
        pixels = keras.Input((None, None, bands))
        features = layers.Conv2D(32, 5, padding="same", activation="relu")(pixels)
        return keras.Model(pixels, layers.Conv2D(classes, 1, activation="softmax")(features))
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
from keras import layers

from .assembly import assemble
from .description import Refused, check_description
from .layers.blocks import both_probabilities, values

FUNCTION = "build"
TOLERANCE = 1e-2
"""By how much the probabilities of a pixel may miss the sum of 1; half precision is that coarse."""


def build_from_file(
    path: str | Path,
    size: int,
    bands: int,
    classes: int,
    *,
    mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
    activation: str = "softmax",
    scale: tuple[float, float] = (0.0, 1.0),
    days: Sequence[int] | None = None,
) -> keras.Model:
    """The network of a user's file, which is executed, with normalisation before it.

    Args:
        path: The Python file.
        size: Edge of the training patches in pixels.
        bands: Number of bands.
        classes: Number of classes; with two, the user's network may have one output (a sigmoid),
            the probability of the second.
        mean: See `registry.build`.
        deviation: See `registry.build`.
        activation: "softmax" for a network that gives probabilities, "linear" for one that gives
            values, which it need not scale.
        scale: See `registry.build`.
        days: See `registry.build`.

    Returns:
        As `registry.build`; its name is that of the file.

    Raises:
        ValueError: The file cannot be executed, or its network does not keep to the contract,
            cannot be loaded again without the file, or does not fit the patch size.
    """
    path = Path(path).expanduser()
    with _registered_objects_restored():
        own = _call(_function(path), path, size, bands, classes)
    _check_shapes(own, path, bands, classes, activation)
    if own.compiled:
        # Only the network is kept, not how its author would have trained it.
        own = keras.Model(own.inputs[0], own.outputs[0], name=own.name)
    # What the file had registered is forgotten by now, as it will be at prediction.
    _check_loadable(own, path)

    def probabilities(pixels: keras.KerasTensor) -> keras.KerasTensor:
        if _has_one_output(own):
            return both_probabilities(own(pixels))
        return layers.Identity(dtype="float32", name="probabilities")(own(pixels))

    def linear(pixels: keras.KerasTensor) -> keras.KerasTensor:
        return values(own(pixels), *scale)

    network, check = {
        "softmax": (probabilities, _check_probabilities),
        "linear": (linear, _check_values),
    }[activation]
    model = assemble(path.stem, size, bands, network, mean=mean, deviation=deviation, days=days)
    check(path, _trial(model, path, size))
    return model


def _function(path: Path) -> Callable[[int, int, int], keras.Model]:
    if not path.is_file():
        raise ValueError(f"Network file <{path}> not found")
    specification = importlib.util.spec_from_file_location(path.stem, path)
    if specification is None or specification.loader is None:
        raise ValueError(f"Network file <{path}> is not a Python file (.py)")
    module = importlib.util.module_from_spec(specification)
    # No __pycache__ is left in the user's folder.
    unwritten, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        specification.loader.exec_module(module)
    # Any error of a user's code, SystemExit included, becomes one line.
    except (Exception, SystemExit) as error:
        raise ValueError(f"Network file <{path}> fails: {_told(error)}") from error
    finally:
        sys.dont_write_bytecode = unwritten
    function = getattr(module, FUNCTION, None)
    if not callable(function):
        raise ValueError(f"Network file <{path}> has no function {FUNCTION}(size, bands, classes)")
    return function


def _call(
    function: Callable[[int, int, int], keras.Model],
    path: Path,
    size: int,
    bands: int,
    classes: int,
) -> keras.Model:
    try:
        return function(size, bands, classes)
    except (Exception, SystemExit) as error:
        raise ValueError(f"{FUNCTION}() of network file <{path}> fails: {_told(error)}") from error


def _told(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _check_shapes(own: keras.Model, path: Path, bands: int, classes: int, activation: str) -> None:
    if not isinstance(own, keras.Model) or not getattr(own, "built", False):
        raise ValueError(f"{FUNCTION}() of network file <{path}> must return a built keras.Model")
    taken, given = own.input_shape, own.output_shape
    if taken != (None, None, None, bands):
        raise ValueError(
            f"The network of <{path}> must take images of any size, "
            f"keras.Input((None, None, {bands})), it takes {taken}"
        )
    if (
        given[:-1] != (None, None, None)
        or given[-1] != classes
        and not (classes == 2 and _has_one_output(own))
    ):
        what = {"softmax": f"the probabilities of {classes} classes", "linear": "values"}
        raise ValueError(
            f"The network of <{path}> must give (None, None, None, {classes}), "
            f"{what[activation]}, it gives {given}"
        )


def _has_one_output(own: keras.Model) -> bool:
    return own.output_shape[-1] == 1


def _check_loadable(own: keras.Model, path: Path) -> None:
    """Refuse what would not be loaded for prediction: own layers, functions and Lambdas."""
    try:
        description = own.to_json()
        check_description(json.loads(description))
        keras.models.model_from_json(description)
    except Exception as error:
        reason = f": {error}" if isinstance(error, Refused) else ""
        raise ValueError(
            f"The network of <{path}> could not be loaded again without that file{reason}: use "
            "only layers and functions of Keras, and no Lambda"
        ) from error


def _trial(model: keras.Model, path: Path, size: int) -> np.ndarray:
    """What a network gives for noise."""
    noise = np.random.default_rng(1).normal(size=(1, size, size, model.input_shape[-1]))
    found = keras.ops.convert_to_numpy(model(noise.astype(np.float32))).astype(np.float64)
    expected = (1, size, size, model.output_shape[-1])
    if found.shape != expected:
        raise ValueError(
            f"The network of <{path}> must give a map of the size of the image: {expected[1:]}, "
            f"not {found.shape[1:]}"
        )
    return found


def _check_values(path: Path, found: np.ndarray) -> None:
    if not np.isfinite(found).all():
        raise ValueError(f"The network of <{path}> must give numbers")


def _check_probabilities(path: Path, found: np.ndarray) -> None:
    if found.min() < 0 or np.abs(found.sum(axis=-1) - 1).max() > TOLERANCE:
        raise ValueError(
            f"The network of <{path}> must give probabilities, which add up to 1 in every cell: "
            "end it with a softmax (or, for one output, a sigmoid)"
        )


@contextmanager
def _registered_objects_restored() -> Iterator[None]:
    objects = keras.saving.get_custom_objects()
    known = dict(objects)
    try:
        yield
    finally:
        objects.clear()
        objects.update(known)
