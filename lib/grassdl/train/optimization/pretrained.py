# SPDX-License-Identifier: GPL-2.0-or-later
"""Training that starts with a pretrained encoder, for instance of ImageNet.

Its weights are read from a file. The kernels that read red, green and blue become those of the
bands of these colours; all other bands start at 0, see `transfer.take_over`.
The encoder was trained on colours of a certain scale, but the network standardises its bands. So
the kernels are scaled, and the running mean after them is shifted: a band of average tone and
contrast gives the features that its colour gave in the encoder's training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

from ...core.bands import Band, color_of, number_of_dates
from ...core.text import listed
from ...io.folders import file_digest
from ...model.card import EncoderRecord
from ...networks.encoders import catalog
from ..config.settings import Settings
from .transfer import rearranged


@dataclass(frozen=True)
class PretrainedEncoder:
    """What a network has taken over from the weights of an encoder.

    Attributes:
        encoder: Which weights these are, for the model card.
        bands: Names of the network's bands that no kernel of the encoder reads.
        known: Names of those that its kernels read.
        kept: Whether each of the network's weights was taken over whole.
        dates: Number of dates of the bands.
        head: Indices of weights of the head that were taken over: none.
    """

    encoder: EncoderRecord
    bands: list[str]
    known: list[str]
    kept: list[bool]
    dates: int = 1
    head: set[int] = field(default_factory=set)

    def line(self) -> str:
        """A sentence on it for the user."""
        return f"{self._reading()}{_mean_of(self.dates)}"

    def _reading(self) -> str:
        begin = f"Encoder <{self.encoder.name}> starts with weights <{self.encoder.weights}>"
        if not self.known:
            return (
                f"{begin}; no band is called red, green or blue (bands= of i.dl.patches names "
                "them): each reads the mean of the kernels"
            )
        rest = f"; the kernels of others start at 0: {listed(self.bands)}" if self.bands else ""
        return f"{begin}, whose kernels read bands {listed(self.known)}{rest}"


def start_encoder(
    network: keras.Model, bands: Sequence[Band], settings: Settings
) -> PretrainedEncoder | None:
    """Give the encoder of a network the weights that the settings name; None if they name none.

    Args:
        network: Its weights change.
        bands: Its bands.
        settings: They name encoder and weights.

    Raises:
        ValueError: The weights are not there, or are those of another network.
    """
    name = settings.encoder
    if settings.encoder_weights == catalog.NONE or name is None:
        return None
    encoder = catalog.check_encoder(name)
    path = catalog.weights_file(name, settings.encoder_weights)
    arrays = catalog.arrays(name, path)
    sources = [_channel(one, encoder) for one in _colours(bands)]
    kept = set()
    for layer in network.layers:
        if layer.weights and layer.name.startswith(encoder.prefixes):
            values = arrays.get(layer.name, [])
            if layer.name == encoder.stem_norm:
                values = _shifted(values, arrays[encoder.stem][0], encoder)
            if layer.name == encoder.stem:
                values = _for_bands(values, sources, encoder, number_of_dates(bands))
            _assign(layer, values, name, path)
            if layer.name != encoder.stem or None not in sources:
                kept |= {id(one) for one in layer.weights}
    return PretrainedEncoder(
        _record(name, encoder, settings.encoder_weights, path),
        [band.label for band, source in zip(bands, sources, strict=True) if source is None],
        [band.label for band, source in zip(bands, sources, strict=True) if source is not None],
        [id(one) in kept for one in network.weights],
        number_of_dates(bands),
    )


def _mean_of(dates: int) -> str:
    if dates == 1:
        return ""
    return f"; it begins with the mean of {dates} dates, and detects change only after training"


def _record(name: str, encoder: catalog.Encoder, weights: str, path: Path) -> EncoderRecord:
    digest = file_digest(path)
    if weights == catalog.IMAGENET:
        return EncoderRecord(name, weights, encoder.origin, encoder.licence, digest)
    return EncoderRecord(name, path.name, f"file {path.name}", None, digest)


def _colours(bands: Sequence[Band]) -> list[str | None]:
    """The colour of each band by its name or semantic label; None for all others, and for colours
    that two bands of a date have."""
    found = [(color_of(band.name), band.date) for band in bands]
    return [one[0] if found.count(one) == 1 else None for one in found]


def _channel(colour: str | None, encoder: catalog.Encoder) -> int | None:
    return None if colour is None else encoder.channels.index(colour)


def _for_bands(
    values: list[np.ndarray],
    sources: Sequence[int | None],
    encoder: catalog.Encoder,
    dates: int,
) -> list[np.ndarray]:
    """The weights of the layer that reads colours, for standardised bands; of several dates it
    reads the mean. Without colours `rearranged` has spread the kernels over all bands."""
    if not values or values[0].shape[-2:-1] != (len(encoder.channels),):
        return []
    scaled = values[0] * np.array(encoder.deviation, np.float32)[:, None]
    if any(source is not None for source in sources):
        scaled = scaled / np.float32(dates)
    return [rearranged(scaled, sources), *values[1:]]


def _shifted(
    values: list[np.ndarray], kernel: np.ndarray, encoder: catalog.Encoder
) -> list[np.ndarray]:
    """The normalisation after that layer, shifted by what the mean colours contributed."""
    if len(values) != 4 or kernel.shape[-2:-1] != (len(encoder.channels),):
        return []
    gamma, beta, mean, variance = values
    given = np.einsum("ijcf,c->f", kernel, np.array(encoder.mean, np.float32))
    return [gamma, beta, mean - given, variance]


def _assign(layer: keras.layers.Layer, values: list[np.ndarray], name: str, path: Path) -> None:
    shapes = [tuple(one.shape) for one in layer.weights]
    if [one.shape for one in values] != shapes:
        raise ValueError(
            f"<{path}> does not hold the weights of encoder <{name}>: those of layer "
            f"<{layer.name}> are missing or of another shape"
        )
    if not all(np.isfinite(one).all() for one in values):
        raise ValueError(f"<{path}> holds weights that are not numbers (layer <{layer.name}>)")
    layer.set_weights(values)
