# SPDX-License-Identifier: GPL-2.0-or-later
"""Detection of undeclared no-data values in a sample of the cells of bands."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

import numpy as np

from ...core.nodata import Suspect, suspects
from ...core.text import MOST_LISTED
from ..session.mapset import current_mapset
from .info import is_reclassed
from .rows import RasterRows, is_foreign, is_null

SAMPLE_ROWS = 64
"""Rows of the sample, evenly spread."""

SAMPLE_VALUES = 4_000_000
"""Most values of the sample, of all maps together."""

MOST_CELLS = 200_000
"""Most cells of the sample of a map."""


def undeclared_nodata(bands: Mapping[str, str]) -> list[str]:
    """A sentence about every map that seems to hold undeclared no data, and one about the number of
    further ones if there are many.

    Args:
        bands: Name of the band by fully qualified name of its map, of which cells in the process's
            region are read.
    """
    cells = max(1, min(MOST_CELLS, SAMPLE_VALUES // len(bands)))
    found = suspects({name: _sample(name, cells) for name in bands})
    sentences = [_sentence(name, bands[name], one) for name, one in found.items()]
    more = len(sentences) - MOST_LISTED
    if more > 0:
        sentences[MOST_LISTED:] = [f"{more} more maps hold a value that seems to stand for no data"]
    return sentences


def _sample(raster: str, cells: int) -> np.ndarray:
    """A sample of the cells of a map, the same cells of every map, as float64; NaN where NULL."""
    with closing(RasterRows(raster)) as opened:
        rows = np.linspace(0, opened.rows - 1, min(SAMPLE_ROWS, opened.rows)).round().astype(int)
        step = -(-len(rows) * opened.cols // cells)
        values = np.concatenate([opened.read(row, 1)[0, ::step] for row in rows.tolist()])
    return np.where(is_null(values), np.nan, values)


def _sentence(raster: str, band: str, found: Suspect) -> str:
    plain, _, mapset = raster.partition("@")
    value = _number(found.value)
    if mapset == current_mapset() and not is_foreign(raster) and not is_reclassed(raster):
        remedy = f"r.null map={plain} setnull={value}"
    else:
        # r.null does not change cells of other files or maps.
        expression = f"{plain}_known = if({raster} == {value}, null(), {raster})"
        remedy = f"r.mapcalc expression='{expression}' and take that map"
    return (
        f"Raster map <{raster}> of band <{band}> holds the value {value} in about "
        f"{100 * found.share:.3g} % of the cells, far from all others ({_number(found.low)} to "
        f"{_number(found.high)}): if it stands for no data, declare it: {remedy}"
    )


def _number(value: float) -> str:
    """A value with as many digits as single precision needs to be read back unchanged."""
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else repr(value)
