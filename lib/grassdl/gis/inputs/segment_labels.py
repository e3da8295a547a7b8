# SPDX-License-Identifier: GPL-2.0-or-later
"""Segments of known class, in the form of object-based training sets: a map and a table."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from ...core.options import HIGHEST
from ...core.segment_centres import central_cells, centroids
from ...core.text import one_line
from ...io.delimited import read_rows, read_text
from ..raster.rows import MapRows

SEPARATORS = "|,;\t"

_INTEGER = re.compile(r"-?[0-9]{1,30}")


@dataclass(frozen=True)
class SegmentSites:
    """The positions of segments in the process's region.

    Attributes:
        ids: Segments that have a cell there (segments,) int64, ascending.
        places: Row and column of the centre of each, in cells (segments, 2): the mean of its
            cells' centres, or its cell closest to that.
    """

    ids: np.ndarray
    places: np.ndarray


def class_by_segment(path: str) -> dict[int, str]:
    """The class of every segment that has one.

    Args:
        path: A CSV file with a header, whose first column, `cat`, holds segment ids and whose
            column `class` the classes; fields are separated by pipe, comma, semicolon or tab.

    Raises:
        ValueError: The file cannot be read as such, or gives a segment two classes.
    """
    text = read_text(path, "Table of segment classes")
    header = text.partition("\n")[0].rstrip("\r")
    separator = max(SEPARATORS, key=header.count)
    rows = read_rows(text, separator, f"Table of segment classes <{path}>")
    names = next(rows, (0, []))[1]
    if names[:1] != ["cat"] or "class" not in names:
        raise ValueError(
            f"Table of segment classes <{path}> begins with '{header}': a header is expected, "
            "such as cat|class"
        )
    place = names.index("class")
    found: dict[int, str] = {}
    for number, row in rows:
        if not row:
            continue
        segment, told = _entry(row, place, f"Line {number} of <{path}>")
        if told and found.setdefault(segment, told) != told:
            raise ValueError(
                f"Line {number} of <{path}> gives segment {segment} the class <{told}>, an "
                f"earlier one <{found[segment]}>: keep one of them"
            )
    if not found:
        raise ValueError(f"Table of segment classes <{path}> holds no segment with a class")
    return found


def _entry(row: list[str], place: int, where: str) -> tuple[int, str]:
    """Segment and class of a row."""
    if len(row) <= place or not _is_integer(row[0]):
        raise ValueError(
            f"{where} is '{'|'.join(row)}': a segment's number and a class are expected"
        )
    segment = int(row[0])
    if abs(segment) > HIGHEST:
        raise ValueError(
            f"{where} names segment {segment}: those of a map are from -{HIGHEST} to {HIGHEST}"
        )
    return segment, one_line(row[place])


def _is_integer(text: str) -> bool:
    return _INTEGER.fullmatch(text.strip()) is not None


def segment_sites(raster: str, wanted: np.ndarray) -> SegmentSites:
    """The positions of some segments.

    Args:
        raster: Integer raster map of segments.
        wanted: Ids of the segments, int64 ascending, at least one.
    """
    with closing(MapRows(raster)) as segments:
        return SegmentSites(*centroids(_Wanted(segments, wanted)))


def central_sites(raster: str, wanted: np.ndarray) -> SegmentSites:
    """The same as `segment_sites` with places that lie in the segments, see `central_cells`."""
    with closing(MapRows(raster)) as segments:
        ids, cells = central_cells(_Wanted(segments, wanted))
    return SegmentSites(ids, cells + 0.5)


class _Wanted:
    """A map of some of the segments: cells of the others belong to none."""

    def __init__(self, segments: MapRows, wanted: np.ndarray):
        self._segments, self._wanted = segments, wanted
        self.rows, self.cols, self.dtype = segments.rows, segments.cols, segments.dtype

    def read(self, row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids of the segments, and which cells belong to none."""
        values, outside = self._segments.read(row, rows)
        place = np.minimum(np.searchsorted(self._wanted, values), len(self._wanted) - 1)
        return values, outside | (self._wanted[place] != values)
