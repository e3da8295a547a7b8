# SPDX-License-Identifier: GPL-2.0-or-later
"""Conversion of a network from Keras to OpenVINO, and the comparison of both."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...model.card import ModelCard
from ...model.folder import load_card
from ...model.weights import description_of, weights_file
from ...networks.window_sizes import for_windows_of, interpolates
from ...runtime import keras_backend
from ...runtime.openvino_package import converted_network
from .network_facts import NetworkFacts, network_and_facts
from .openvino_cache import AnySizeNetwork, ConversionError, cache_folder, store
from .openvino_engine import OpenVinoEngine

if TYPE_CHECKING:
    import keras
    import openvino

AGREEMENT = 1e-3
"""Largest mean difference of probabilities by rounding; in single cells of networks with large
scores it may be larger."""

TRIAL_CELLS = 64
"""Least edge of the window on which a converted network is compared."""


class SizeBySizeNetwork:
    """Converts a network for each size of window.

    Use it for a network that interpolates, which Keras exports for one size only;
    nothing of it is cached.

    Args:
        network: As `network_and_facts` gives it.
        facts: Of the network.
    """

    def __init__(self, network: keras.Model, facts: NetworkFacts):
        self._network = network
        self.facts = facts

    def for_windows_of(self, shape: tuple[int, ...]) -> openvino.Model:
        """The network for windows (rows, cols, bands) of one size."""
        return converted_network(for_windows_of(self._network, (1, *shape)))


def convert_and_cache(folders: Sequence[Path], nprocs: int, layer: str = "") -> None:
    """Convert networks and cache each in its model folder, if it is writable; to be called before
    any import of keras, in a process of its own, so that the run needs no Keras.

    Args:
        folders: The model folders.
        nprocs: Threads to compute with; 0 for all cores.
        layer: As `network_and_facts` takes it.

    Raises:
        ValueError: See `network_and_facts`.
        ConversionError: It cannot be converted, or gives another result.
    """
    keras_backend.prepare(nprocs, exact=True)
    for folder in folders:
        card = load_card(folder)
        network, facts = network_and_facts(folder, card, layer)
        cache = cache_folder(folder, layer)
        converted(network, facts, cache, trial_window(card), report=lambda line: None)


def can_be_cached(folder: Path) -> bool:
    """Whether the network of a model can be cached once it is converted; known without Keras.

    A network that interpolates cannot, see `SizeBySizeNetwork`; one that cannot be read is reported
    when it is converted.
    """
    path = weights_file(folder)
    try:
        description = description_of(path)
    except ValueError:
        return True
    return set(re.findall(r'"interpolation": *"(\w+)"', description)) <= {"nearest"}


def converted(
    network: keras.Model,
    facts: NetworkFacts,
    cache: Path,
    trial: np.ndarray,
    report: Callable[[str], None],
) -> AnySizeNetwork | SizeBySizeNetwork:
    """Convert a network, and cache it if the model folder is writable.

    Args:
        network: As `network_and_facts` gives it.
        facts: Of the network.
        cache: Where it is cached, see `cache_folder`.
        trial: A window of likely values (rows, cols, bands) float32 on which both are compared.
        report: Takes a line for the user.

    Raises:
        ConversionError: It cannot be converted, or gives another result.
    """
    try:
        if interpolates(network):
            by_size = SizeBySizeNetwork(network, facts)
            _compare(network, by_size, trial)
            return by_size
        result = AnySizeNetwork(facts, converted_network(network))
        _compare(network, result, trial)
    except ConversionError:
        raise
    # The converter raises errors of many kinds.
    except Exception as error:
        first_line = next(iter(str(error).strip().splitlines()), repr(error))
        raise ConversionError(
            f"OpenVINO cannot convert the network of this model ({first_line})"
        ) from error
    try:
        store(result, cache)
    except OSError as error:
        report(
            f"Model folder <{cache.parent}> cannot be written ({error.strerror}): the network is "
            "converted for OpenVINO in every run"
        )
    return result


def trial_window(card: ModelCard) -> np.ndarray:
    """Random values (rows, cols, bands) float32 of the training's mean and deviation."""
    return card.likely_values(-(-TRIAL_CELLS // card.stride) * card.stride)


def _compare(
    network: keras.Model, result: AnySizeNetwork | SizeBySizeNetwork, window: np.ndarray
) -> None:
    expected = np.array(network(window[None]))[0]
    found = OpenVinoEngine(result)(window)
    # Features may be large, so their difference is relative.
    scale = np.maximum(np.abs(expected).mean(axis=(0, 1)), 1)
    difference = (np.abs(found - expected) / scale).mean()
    # Not ">", so that NaN counts as a difference.
    if not difference <= AGREEMENT:
        raise ConversionError(
            "OpenVINO gives another result for the network of this model: probabilities differ "
            f"by {difference:.2g}"
        )
