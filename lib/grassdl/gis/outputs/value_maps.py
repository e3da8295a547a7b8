# SPDX-License-Identifier: GPL-2.0-or-later
"""The maps of a predicted value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...core.outlines import Outlines
from ...core.values import ValueTarget, viridis
from .output_maps import OutputMaps, RasterSpool, novelty_spool

LARGEST = 3.4e38
"""About the largest value of a map in single precision."""

COLOR_STEPS = 4


class ValueMaps(OutputMaps):
    """A map of values, by cell or segment, and of the disagreement of the members of an ensemble.

    Args:
        output: Name of the map of values, or "".
        target: The target of the model.
        by_segment: Name of the map of means by segment, or "".
        disagreement: Name of the map of the members' standard deviation, or "".
        novelty: Name of the map of the novelty of cells, or "".
        unfinished: See `OutputMaps`.

    Raises:
        ValueError: One of the names cannot be written.
    """

    with_probabilities = False

    def __init__(
        self,
        output: str,
        target: ValueTarget,
        by_segment: str = "",
        disagreement: str = "",
        novelty: str = "",
        unfinished: bool = False,
    ):
        def spools(name: str, title: str, colors: str) -> list[RasterSpool]:
            kind = "float32"
            return [RasterSpool(name, kind, title, colors, units=target.units)] if name else []

        colors = value_colors(target)
        spread = f"{target.name}, standard deviation of the members"
        self._disagreement = spools(disagreement, spread, SPREAD_COLORS)
        self._values = spools(output, target.name, colors)
        self._novelty = [novelty_spool(novelty)] if novelty else []
        self.figures = {"with_disagreement": bool(disagreement), "with_novelty": bool(novelty)}
        by_segments = spools(by_segment, f"{target.name}, mean of segments", colors)
        by_cell = [*self._disagreement, *self._novelty, *self._values]
        super().__init__(by_segments, by_cell, unfinished)

    @classmethod
    def from_options(
        cls,
        options: Mapping[str, str],
        target: ValueTarget,
        minsize: int,
        unfinished: bool,
        outlines: Outlines,
    ) -> ValueMaps:
        """The maps that the options of i.dl.predict name; `minsize` and `outlines`, which are for
        areas of classes, are ignored."""
        return cls(
            options["output"],
            target,
            by_segment=options["segment_output"],
            disagreement=options["disagreement"],
            novelty=options["novelty"],
            unfinished=unfinished,
        )

    def layers(self, band: Any) -> Iterator[tuple[RasterSpool, np.ndarray, np.ndarray]]:
        """See `OutputMaps.layers`; a band is a `grassdl.predict.value_decision.ValueBand`."""
        for spool in self._values:
            yield spool, band.value, band.null
        for spool in self._disagreement:
            yield spool, band.disagreement, band.null
        for spool in self._novelty:
            yield spool, band.novelty, band.null

    def _of_segments(self, rows: np.ndarray) -> np.ndarray:
        return rows


SPREAD_COLORS = "".join(
    f"{100 * step // COLOR_STEPS}% {viridis(step / COLOR_STEPS)}\n"
    for step in range(COLOR_STEPS + 1)
)
"""From the lowest to the highest value of the map."""


def value_colors(target: ValueTarget) -> str:
    """Rules as `r.colors` takes them: the same colour for the same value in every map of a model,
    and the colours of the ends for values beyond those of the training."""
    low, high = target.minimum or 0.0, target.maximum or 0.0
    places = np.linspace(0, 1, COLOR_STEPS + 1).tolist()
    inner = [(low + place * (high - low), viridis(place)) for place in places]
    ends = [(-LARGEST, viridis(0)), *inner, (LARGEST, viridis(1))]
    return "".join(f"{value:.9g} {color}\n" for value, color in ends)
