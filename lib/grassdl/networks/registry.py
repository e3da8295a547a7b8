# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks by name.

A new network takes one file and one line in `NETWORKS`. The file `NAME.py` holds a function of the
same name, `NAME(pixels, outputs, *, option=default, ...)`, which turns a tensor of normalised
pixels (batch, rows, columns, bands) into scores (batch, rows, columns, outputs), by a last layer
called `logits`; its keyword-only arguments are the network's options, but for `dates`, by which a
network asks for the number of dates that the bands have, date after date, and `days`, by which it
asks for the days of a series. `ENCODER` in that file tells what the names of the encoder's layers
begin with, and `DEFAULTS_WITH_ENCODER`, if it is there, the options that differ by default where
option `encoder` names one of the catalogue.
`tools/interface.py` then brings it into the option of i.dl.train.

This module imports neither Keras nor a network before one is asked for, so that a module's
interface description can list the networks at once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..core.options import check_range
from .encoders import catalog

if TYPE_CHECKING:
    import keras

NETWORKS = {
    "unet": "U-Net: encoder and decoder with skip connections (Ronneberger et al. 2015)",
    "attention_unet": "Attention U-Net: gates on the skip connections (Oktay et al. 2018)",
    "nicknet": "NickNet: dilated multiscale network at full resolution (ANAGEO, FOSS4G 2019)",
    "dilated": "NickNet's family with free filters, depth, kernel and dilations",
    "fcn_dk": "FCN-DK: ever wider dilated kernels at full resolution (Persello and Stein 2017)",
    "segnet": "SegNet: VGG16 mirrored, with arg-max unpooling (Badrinarayanan et al. 2015)",
    "deeplabv3plus": "DeepLabV3+: ResNet50 seen at several scales (Chen et al. 2018)",
    "linknet": "LinkNet: light network for computers without GPU (Chaurasia and Culurciello 2017)",
    "siamese_unet": "Siamese U-Net: two dates and their differences (Daudt et al. 2018)",
    "utae": "U-TAE: a series of dates, and attention to some (Garnot and Landrieu 2021)",
    "hypercolumn": "Features of a trained encoder classified cell by cell (Hariharan et al. 2015)",
    "patch_cnn": "One class of a whole patch: encoder of the U-Net, pooled (Zhang et al. 2018)",
}

OF_PATCHES = ("patch_cnn",)
"""Networks that give a whole patch one class, and no cells."""

OWN_ENCODER = {"deeplabv3plus": "resnet50", "hypercolumn": "efficientnet_lite0"}
"""Encoders of the catalogue that networks have by default."""

ON_FEATURES = ("hypercolumn",)
"""Networks whose encoder is meant to have trained weights and to stay as it is: the head learns on
features that are computed once."""

DATES, DAYS = OF_THE_DATA = ("dates", "days")
"""The arguments of a network that treats dates separately; set from the data."""

HIGHEST = {"filters": 4096, "depth": 32, "kernel": 127, "dilations": 512}
"""Numbers of networks beyond which there is none that anybody could train."""


def names() -> list[str]:
    """The names of all networks."""
    return list(NETWORKS)


def describe(name: str) -> str:
    """One line about a network.

    Raises:
        ValueError: There is no such network.
    """
    _check_name(name)
    return NETWORKS[name]


def options(name: str) -> dict[str, Any]:
    """The options that a network takes, with their defaults. Imports Keras.

    Raises:
        ValueError: There is no such network.
    """
    arguments = _keyword_arguments(name)
    return {one: default for one, default in arguments.items() if one not in OF_THE_DATA}


def completed(name: str, network_options: Mapping[str, Any]) -> dict[str, Any]:
    """The given options of a network, and the defaults of all others. Imports Keras.

    Raises:
        ValueError: There is no such network.
    """
    defaults = options(name)
    if network_options.get("encoder", catalog.NONE) != catalog.NONE:
        defaults |= getattr(_module(name), "DEFAULTS_WITH_ENCODER", {})
    return {**defaults, **network_options}


def catalog_encoder(name: str, network_options: Mapping[str, Any]) -> str | None:
    """The encoder of the catalogue that a network with some options has, or None."""
    chosen = network_options.get("encoder") or OWN_ENCODER.get(name, catalog.NONE)
    return None if chosen == catalog.NONE else chosen


def features_layer(name: str) -> str:
    """The layer of a network of `ON_FEATURES` after which cells are classified singly. Imports
    Keras.

    Raises:
        ValueError: There is no such network.
    """
    _check_name(name)
    return _module(name).FEATURES


def encoder(name: str, network_options: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Prefixes of the names of the encoder's layers. Imports Keras.

    Raises:
        ValueError: There is no such network.
    """
    _check_name(name)
    chosen = catalog_encoder(name, network_options or {})
    return catalog.check_encoder(chosen).prefixes if chosen else _module(name).ENCODER


def build(
    name: str,
    size: int,
    bands: int,
    classes: int,
    *,
    mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
    activation: str = "softmax",
    scale: tuple[float, float] = (0.0, 1.0),
    dates: int = 1,
    days: Sequence[int] | None = None,
    **network_options: Any,
) -> keras.Model:
    """A network with fresh weights that takes raw pixel values.

    Args:
        name: One of `names()`.
        size: Edge of the training patches in pixels; must be a multiple of the total stride.
        bands: Number of bands.
        classes: Number of classes, or of values.
        mean: Mean of each band in the training data; 0 if not given.
        deviation: Standard deviation of each band; 1 if not given, and for a constant band.
        activation: "softmax", or "sigmoid" for two classes by one output, the probability of the
            second; the probabilities of both come out all the same. "linear" gives values.
        scale: Mean and standard deviation of values in the training data, for "linear".
        dates: Number of dates of the bands. A network that does not know dates sees them all as
            bands.
        days: Days from the first date of a series to each, see `core.dates`; None for bands that
            are no series.
        **network_options: Some of `options(name)`; the others keep their defaults.

    Returns:
        A model from (batch, rows, columns, bands) to class probabilities, or values,
        (batch, rows, columns, classes), for any rows and columns that are multiples of its stride.

    Raises:
        ValueError: Unknown network or option, a size or number of dates that does not fit, more
            than two classes for a sigmoid, or statistics that do not belong to these bands.
    """
    network = _network(name)
    _check_options(name, network_options)
    network_options = completed(name, network_options)
    told = {DATES: dates, DAYS: days}
    network_options |= {one: told[one] for one in OF_THE_DATA if one in _keyword_arguments(name)}
    if bands < 1 or classes < 1:
        raise ValueError(f"A network needs bands and classes, found {bands} and {classes}")
    if activation == "sigmoid" and classes != 2:
        raise ValueError(f"activation=sigmoid is for 2 classes, the data have {classes}")

    from .assembly import assemble, check_names
    from .layers.blocks import class_probabilities, sigmoid_probabilities, values

    # The number of scores, and what makes of them what the network gives.
    heads: dict[str, tuple[int, Callable[[keras.KerasTensor], keras.KerasTensor]]] = {
        "softmax": (classes, class_probabilities),
        "sigmoid": (1, sigmoid_probabilities),
        "linear": (classes, partial(values, mean=scale[0], deviation=scale[1])),
    }
    outputs, head = heads[activation]

    def result(pixels: keras.KerasTensor) -> keras.KerasTensor:
        scores = network(pixels, outputs, **network_options)
        check_names(name, pixels, scores)
        return head(scores)

    return assemble(name, size, bands, result, mean=mean, deviation=deviation, days=days)


def for_any_number(activation: str) -> str:
    """The equivalent of an activation for any number of outputs."""
    return "softmax" if activation == "sigmoid" else activation


def check_numbers(network_options: Mapping[str, Any]) -> None:
    """Check for numbers and names that no network can be built with; does not import Keras.

    Raises:
        ValueError: There are some.
    """
    for name, highest in HIGHEST.items():
        given = network_options.get(name, ())
        for number in given if isinstance(given, Sequence) else [given]:
            check_range(name, number, 1, highest)
    if network_options.get("encoder", catalog.NONE) != catalog.NONE:
        catalog.check_encoder(network_options["encoder"])
    dropout = network_options.get("dropout", 0)
    if not 0 <= dropout < 1:
        raise ValueError(f"<dropout> must be at least 0 and below 1, found {dropout:g}")


def is_large(name: str, network_options: Mapping[str, Any]) -> bool:
    """Whether a network may be larger than by default. Imports Keras.

    Raises:
        ValueError: There is no such network.
    """
    standard = options(name)
    return any(
        network_options[one] > standard[one]
        for one in ("filters", "depth")
        if one in network_options and one in standard
    )


def _keyword_arguments(name: str) -> dict[str, Any]:
    """The keyword-only arguments of a network, with their defaults."""
    parameters = inspect.signature(_network(name)).parameters.values()
    return {one.name: one.default for one in parameters if one.kind is one.KEYWORD_ONLY}


def _network(name: str) -> Callable[..., keras.KerasTensor]:
    _check_name(name)
    return getattr(_module(name), name)


def _module(name: str) -> ModuleType:
    return import_module(f".architectures.{name}", __package__)


def _check_name(name: str) -> None:
    if name not in NETWORKS:
        raise ValueError(f"There is no network <{name}>, only {', '.join(NETWORKS)}")


def _check_options(name: str, given: dict[str, Any]) -> None:
    known = options(name)
    unknown = [one for one in given if one not in known]
    if unknown:
        raise ValueError(
            f"Network <{name}> has no option <{', '.join(unknown)}>, only {', '.join(known)}"
        )
    check_numbers(given)
