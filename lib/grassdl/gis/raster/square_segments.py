# SPDX-License-Identifier: GPL-2.0-or-later
"""Segments of imagery inside windows of the region, by i.segment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Protocol

import grass.script as gs
import numpy as np

from ...core.dates import dates_to_show
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
        dates: The maps of each date, see `core.dates.dates_to_show`.
        region: The region.
        settings: The parameters of the segmentation.
    """

    def __init__(self, dates: Sequence[Sequence[str]], region: Region, settings: Settings):
        self._dates, self._region = dates, region
        self._settings = settings

    def numbers(self, row: int, col: int, size: int) -> np.ndarray:
        """The number of the segment of each cell of a square (size, size) int32; 0 where a map is
        NULL.

        Args:
            row, col: The square's upper left cell in the region.
            size: Edge of the square in cells.
        """
        window = self._region.window(row, size, col, size)
        group = temporary_name(TEMPORARY_PREFIX)
        raster = temporary_name(TEMPORARY_PREFIX, "_square")
        environment = {**os.environ, "GRASS_REGION": window.for_modules()}
        maps = self._maps_in(environment)
        try:
            run_module("i.group", group=group, input=",".join(maps))
            run_module(
                "i.segment",
                group=group,
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
            remove_maps([group], "group")

    def _maps_in(self, environment: Mapping[str, str]) -> list[str]:
        """The maps that show the region of an environment: cells that are NULL in one of them have
        no segment."""
        if len(self._dates) == 1:
            return list(self._dates[0])
        missing = [max(_null_cells(one, environment) for one in maps) for maps in self._dates]
        return [one for date in dates_to_show(missing) for one in self._dates[date]]


def square_segments(dates: Sequence[Sequence[str]], settings: Settings) -> SquareSegments:
    """Segments of raster maps in the region.

    Args:
        dates: Fully qualified names of the maps of each date of a series; without a series one
            list of all maps.
        settings: The parameters of the segmentation.

    Raises:
        ValueError: All maps are constant.
    """
    varying = [[one for one in maps if _varies(one)] for maps in dates]
    if not any(varying):
        raise ValueError(
            "All maps of the imagery are constant and have no segments: leave out templates"
        )
    for kind in ("raster", "group"):
        remove_debris(TEMPORARY_PREFIX, kind)
    return SquareSegments([maps for maps in varying if maps], Region.current(), settings)


def _null_cells(raster: str, environment: Mapping[str, str]) -> int:
    """Cells of a map that are NULL or masked in the region of an environment."""
    found = gs.parse_command("r.univar", map=raster, flags="g", env=environment)
    return int(found["null_cells"])


def _varies(raster: str) -> bool:
    """Whether a map holds several values: i.segment refuses others."""
    found = gs.raster_info(raster)
    return found["min"] != found["max"]
