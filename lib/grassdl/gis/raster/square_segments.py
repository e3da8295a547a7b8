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
    """What i.segment is given, as `review.settings.Settings` has it."""

    @property
    def threshold(self) -> float:
        """How unlike cells of a segment may be, above 0 and below 1."""

    @property
    def minsize(self) -> int:
        """Cells that a segment has at least."""

    @property
    def memory(self) -> int:
        """MB that i.segment may take."""


class SquareSegments:
    """Segments of some raster maps; made by `square_segments`.

    Args:
        group: Imagery group of the maps.
        region: The region.
        settings: How it is segmented.
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
    """Segments of raster maps in the region, for which there is a temporary group while the block
    lasts.

    Args:
        sources: Fully qualified names of the maps.
        settings: How they are segmented.

    Raises:
        ValueError: None of the maps varies.
    """
    varying = [one for one in sources if _varies(one)]
    if not varying:
        raise ValueError(
            "No map of the imagery varies, so that it has no segments: leave out templates"
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
