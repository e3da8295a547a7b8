# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run must know of a network besides how to compute it."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from ..model import ModelCard

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class NetworkFacts:
    """Facts of a network, kept beside its conversion so that a run need not load Keras for them.

    Attributes:
        bands, classes: Number of inputs and outputs.
        stride, halo, receptive_field: As `networks.reach.Reach` has them.
        working: Bytes that it takes for each cell of a window, as
            `networks.working_memory.working_bytes` tells.
    """

    bands: int
    classes: int
    stride: int
    halo: int | None
    receptive_field: int | None
    working: float

    @classmethod
    def of(cls, network: keras.Model) -> NetworkFacts:
        """The facts of a network as `model.load_network` gives it."""
        # They import Keras, for which no backend is chosen yet when this file is read.
        from ..networks.reach import reach
        from ..networks.working_memory import working_bytes

        extent = reach(network)
        return cls(
            network.input_shape[-1],
            network.output_shape[-1],
            extent.stride,
            extent.halo,
            extent.receptive_field,
            working_bytes(network),
        )

    def check(self, card: ModelCard) -> None:
        """Refuse a network that is not the one its model card describes.

        Raises:
            ValueError: Bands, classes or the reach of the network differ from the card's.
        """
        extent = (card.stride, card.halo, card.receptive_field)
        told = (len(card.bands), len(card.classes), *extent)
        if astuple(self)[: len(told)] != told:
            raise ValueError(
                "The model's network does not fit its model.json (bands and classes "
                f"{(self.bands, self.classes)}, not {told[:2]}, or another reach): the folder "
                "mixes two models, train it again"
            )
