# SPDX-License-Identifier: GPL-2.0-or-later
"""Segments of imagery inside windows of the region, by i.segment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import grass.script as gs
import numpy as np

from ..session.modules import run_module
from ..session.temporary_maps import remove_debris, remove_maps, temporary_name
from .region import Region
from .rows import SourceRows

TEMPORARY_PREFIX = "i_dl_segments_tmp"


class Settings(Protocol):
    """The parameters of i.segment, see `review.settings.Settings`."""

    @property
    def threshold(self) -> float:
        """Threshold of dissimilarity of the cells of a segment, above 0 and below 1."""

    @property
    def minsize(self) -> int:
        """Least number of cells of a segment."""

    @property
    def memory(self) -> int:
        """Memory of i.segment in MB."""


class SquareSegments:
    """Segments of some raster maps; made by `square_segments`.

    Args:
        group: Imagery group of the maps.
        region: The region.
        settings: The parameters of the segmentation.
    """

    def __init__(self, group: str, region: Region, settings: Settings):
        self._group, self._region = group, region
        self._settings = settings

    def numbers(self, row: int, col: int, size: int) -> np.ndarray:
        """The number of the segment of each cell of a square (size, size) int32; 0 where a map is
        NULL.

        Args:
            row, col: The square's upper left cell in the region.
            size: Edge of the square in cells.
        """
        window = self._region.window(row, size, col, size)
        raster = temporary_name(TEMPORARY_PREFIX, "_square")
        environment = {**os.environ, "GRASS_REGION": window.for_modules()}
        try:
            run_module(
                "i.segment",
                group=self._group,
                output=raster,
                threshold=self._settings.threshold,
                minsize=self._settings.minsize,
                memory=self._settings.memory,
                env=environment,
            )
            found = SourceRows(raster)
            return np.nan_to_num(found.read(0, found.rows)).astype(np.int32)
        finally:
            remove_maps([raster])


@contextmanager
def square_segments(sources: Sequence[str], settings: Settings) -> Iterator[SquareSegments]:
    """Segments of raster maps in the region; a temporary imagery group exists until the block ends.

    Yields:
        Computes the segments of squares.

    Args:
        sources: Fully qualified names of the maps.
        settings: The parameters of the segmentation.

    Raises:
        ValueError: All maps are constant.
    """
    varying = [one for one in sources if _varies(one)]
    if not varying:
        raise ValueError(
            "All maps of the imagery are constant and have no segments: leave out templates"
        )
    for kind in ("raster", "group"):
        remove_debris(TEMPORARY_PREFIX, kind)
    group = temporary_name(TEMPORARY_PREFIX)
    try:
        run_module("i.group", group=group, input=",".join(varying))
        yield SquareSegments(group, Region.current(), settings)
    finally:
        remove_maps([group], "group")


def _varies(raster: str) -> bool:
    """Whether a map holds several values: i.segment refuses others."""
    found = gs.raster_info(raster)
    return found["min"] != found["max"]
