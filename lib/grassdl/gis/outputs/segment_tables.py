# SPDX-License-Identifier: GPL-2.0-or-later
"""Maps of segments, read by rows, and tables of the results for each segment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grass.script as gs
import numpy as np

from ...core.readers import RowReader
from ...io.atomic import StagedFiles, check_output_files
from ...io.delimited import write_table
from ..raster.info import require_integer
from ..raster.region import Region
from ..raster.rows import MapRows
from ..session.output_names import check_vector_output
from ..vector.segment_areas import segment_areas

STRIP_CELLS = 1 << 20
"""Cells of a map of segments that are read at a time."""

_PART_OF_NUMBERS = set("0123456789+-.e\n")


class SegmentRows:
    """Reads a map of segments on a region's grid, as a `grassdl.core.readers.RowReader`.

    The process may use another region, which need not contain all of the former: the windows of a
    network reach beyond a map, and end where its bands do.

    Args:
        raster: Integer raster map.
        region: The region whose rows and columns are read.
        window: The region that this process uses, on the same grid.
    """

    dtype = np.dtype(np.int32)

    def __init__(self, raster: str, region: Region, window: Region):
        self._map = MapRows(raster)
        self.rows, self.cols = region.rows, region.cols
        place = window.place_of(region)
        assert place is not None
        self._row, self._col = place

    def read(self, row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids (rows, cols) int32 of rows `row` to `row + rows`, and the cells without segment."""
        ids = np.zeros((rows, self.cols), np.int32)
        outside = np.ones((rows, self.cols), bool)
        top, left = self._row + row, self._col
        first, last = max(top, 0), min(top + rows, self._map.rows)
        west, east = max(left, 0), min(left + self.cols, self._map.cols)
        if first < last and west < east:
            there = slice(first - top, last - top), slice(west - left, east - left)
            read = self._map.read(first, last - first)
            ids[there], outside[there] = (one[:, west:east] for one in read)
        return ids, outside

    def close(self) -> None:
        """Close the map."""
        self._map.close()


@dataclass(frozen=True)
class SegmentTables:
    """The outputs of a table of segments.

    Attributes:
        raster: Fully qualified name of the map of segments.
        file: Path of the CSV file, or None.
        separator: Separates its fields.
        vector: Name of the vector map, or "".
        environment: That of the session, whose region may differ from that of this process.
    """

    raster: str
    file: Path | None
    separator: str
    vector: str
    environment: Mapping[str, str]

    @classmethod
    def from_options(cls, options: Mapping[str, str], unfinished: bool = False) -> SegmentTables:
        """Read the options segments, segment_stats, separator and segment_vector.

        Args:
            options: Of the module.
            unfinished: Whether an earlier run may have begun to write: then they may exist.

        Raises:
            ValueError: The map of segments is missing or not of integer type, or a table cannot
                be written to its place.
        """
        raster = require_integer(options["segments"], "segment ids")
        separator = gs.separator(options["separator"])
        if not separator or set(separator) & _PART_OF_NUMBERS:
            raise ValueError(
                f"Separator <{options['separator']}> may be part of a number: use pipe, comma, "
                "semicolon, space or tab"
            )
        may_exist = unfinished or gs.overwrite()
        file = check_output_files([options["segment_stats"]], may_exist)
        if options["segment_vector"]:
            check_vector_output(options["segment_vector"], may_exist)
        vector = options["segment_vector"]
        return cls(raster, file[0] if file else None, separator, vector, dict(os.environ))

    @property
    def names(self) -> list[str]:
        """Names of the outputs."""
        return [str(one) for one in (self.vector, self.file) if one]

    def check_segments(self, segments: RowReader) -> None:
        """Refuse segments that cannot be written, before anything is computed.

        Args:
            segments: Reads the map in the region: up to its first segment, or all of it if ids
                become categories.

        Raises:
            ValueError: There is none in the region, or an id is no valid category of a vector map.
        """
        height = max(1, STRIP_CELLS // segments.cols)
        found = False
        for row in range(0, segments.rows, height):
            ids, outside = segments.read(row, min(height, segments.rows - row))
            found = found or not outside.all()
            if self.vector:
                self._check_categories(ids[~outside])
            elif found:
                return
        if not found:
            raise ValueError(
                f"Raster map <{self.raster}> has no segment in the region: check segments=, region "
                "and mask"
            )

    def _check_categories(self, ids: np.ndarray) -> None:
        lowest = ids.min(initial=0)
        if lowest < 0:
            raise ValueError(
                f"Segment {lowest} of <{self.raster}> cannot become an area: categories of vector "
                "maps are 0 or more, number the segments anew (r.clump) or leave out segment_vector"
            )

    @contextmanager
    def staged(self, columns: Mapping[str, np.ndarray]) -> Iterator[StagedSegmentTables]:
        """The tables while they are made; nothing is left of them if they are not finished.

        Args:
            columns: Values by name, those of the first column being the ids.
        """
        with StagedFiles([self.file] if self.file else []) as staged:
            yield StagedSegmentTables(self, columns, staged)


@dataclass(frozen=True)
class StagedSegmentTables:
    """A table of segments that is written in two steps."""

    places: SegmentTables
    columns: Mapping[str, np.ndarray]
    staged: StagedFiles

    def write(self) -> None:
        """Write the file, under a temporary name."""
        file, separator = self.places.file, self.places.separator
        if file:
            self.staged.write({file: lambda path: write_table(path, self.columns, separator)})

    def finish(self) -> None:
        """Make the vector map, and give the file its final name."""
        if self.places.vector:
            where = self.places.raster, self.places.vector
            segment_areas(*where, self.columns, self.places.environment)
        self.staged.name()
