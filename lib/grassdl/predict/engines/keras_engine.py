# SPDX-License-Identifier: GPL-2.0-or-later
"""The interface of engines, which compute the results of a window, and that of Keras."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ...model.card import tempered
from ...model.weights import check_numbers
from ...networks.window_sizes import for_windows_of, interpolates

if TYPE_CHECKING:
    import keras

GPU_CELLS = 1 << 20
"""Cells of the windows that a GPU computes at once: a small window keeps few of its cores busy."""


class Engine(Protocol):
    """Computes a network on windows of any size that suits its stride.

    Attributes:
        prepares_each_size: Whether it is compiled for every size of window separately. Otherwise it
            may be compiled for the first size, and for all sizes at the second.
    """

    prepares_each_size: bool

    def at_once(self, shape: tuple[int, ...]) -> int:
        """How many windows (rows, cols, bands) of one size are best computed at once."""

    def prepare(self, shape: tuple[int, int, int]) -> None:
        """Prepare for windows (rows, cols, bands) of one size; else the first call does."""

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Class probabilities (rows, cols, classes) float32 of raw band values (rows, cols,
        bands) float32; after them the features of a network that has some (see
        `networks.analysis.feature_extraction.with_features`). The array may be written to, and is
        valid until the second next call, or until the engine prepares for another size.

        Raises:
            ValueError: Not all of them are numbers.
        """

    def several(self, windows: Sequence[np.ndarray], number: int) -> list[np.ndarray]:
        """The results of windows of one size, each as a call gives it.

        Args:
            windows: One at least.
            number: How many are computed at once; fewer are filled up, since a network may round
                differently for another number.
        """


class OneByOne(ABC):
    """The part of an engine that computes one window at a time."""

    def at_once(self, shape: tuple[int, ...]) -> int:
        """See `Engine.at_once`."""
        return 1

    @abstractmethod
    def __call__(self, values: np.ndarray) -> np.ndarray:
        """See `Engine`."""

    def several(self, windows: Sequence[np.ndarray], number: int) -> list[np.ndarray]:
        """See `Engine.several`."""
        (window,) = windows
        return [self(window)]


class KerasEngine:
    """The network in Keras, on the backend and device that Keras uses. Works for every network.

    Args:
        network: As `model.load_network` gives it.
        temperature: That of the model, see `ModelCard.tempered`.
        features: Number of features that follow the class probabilities.
        precision: A key of `networks.precision.POLICIES`. Half precision is for GPUs: processors
            compute in it more slowly than in single precision.
        on_gpu: Whether Keras computes on a GPU, and small windows several at once.
    """

    prepares_each_size = False

    def __init__(
        self,
        network: keras.Model,
        temperature: float = 1.0,
        features: int = 0,
        precision: str = "float32",
        on_gpu: bool = False,
    ):
        from ...networks.precision import in_precision

        self._network = network if precision == "float32" else in_precision(network, precision)
        self._temperature = temperature
        self._features = features
        self._on_gpu = on_gpu
        self._interpolates = interpolates(network)
        self._by_shape: dict[tuple[int | None, ...], keras.Model] = {}

    def at_once(self, shape: tuple[int, ...]) -> int:
        """See `Engine.at_once`."""
        return max(1, GPU_CELLS // (shape[0] * shape[1])) if self._on_gpu else 1

    def prepare(self, shape: tuple[int, int, int]) -> None:
        """See `Engine.prepare`."""
        self._model_for((1, *shape))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        return self._computed(values[None])[0]

    def several(self, windows: Sequence[np.ndarray], number: int) -> list[np.ndarray]:
        """See `Engine.several`."""
        if number == 1:
            # Without a copy of the window.
            return [self(windows[0])]
        filling = [windows[-1]] * (number - len(windows))
        return [*self._computed(np.stack([*windows, *filling]))[: len(windows)]]

    def _computed(self, values: np.ndarray) -> np.ndarray:
        """The results of a batch (n, rows, cols, bands)."""
        # Some backends give arrays that cannot be written to.
        result = np.array(self._model_for(values.shape).predict_on_batch(values))
        check_numbers(result, values)
        return with_temperature(result, self._temperature, self._features)

    def _model_for(self, shape: tuple[int, ...]) -> keras.Model:
        # With TensorFlow, Keras drops the static size of the windows at the second size, and
        # then cannot interpolate. A tiling has few sizes.
        number, *_, bands = shape
        key = shape if self._interpolates else (number, None, None, bands)
        if key not in self._by_shape:
            self._by_shape[key] = self._compiled(key)
        return self._by_shape[key]

    def _compiled(self, shape: tuple[int | None, ...]) -> keras.Model:
        import keras

        model = for_windows_of(self._network, shape)
        # XLA compiles every window size separately, which takes longer than it saves on a map.
        # With JAX it is the only fast way. With TensorFlow, Keras does not use it where operations
        # are deterministic, as a run that is resumed needs them.
        model.compile(jit_compile=keras.backend.backend() == "jax")
        return model


def with_temperature(result: np.ndarray, temperature: float, features: int) -> np.ndarray:
    """A result (..., layers) with its probabilities scaled by a temperature.

    Args:
        result: It may be written to.
        temperature: See `ModelCard.tempered`.
        features: Number of its last layers, which are no probabilities.
    """
    if temperature != 1:
        probabilities = result[..., : result.shape[-1] - features]
        probabilities[...] = tempered(probabilities, temperature)
    return result
