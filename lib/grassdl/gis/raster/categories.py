# SPDX-License-Identifier: GPL-2.0-or-later
"""Category labels and colours of class maps."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import grass.lib.raster as libraster

from ...core.classes import MapClass
from ...core.colors import SAME_COLOR_LEVELS, default_colors
from ...core.text import one_line
from .info import require_raster


def map_classes(raster: str, values: Iterable[int], fallback: str | None = None) -> list[MapClass]:
    """The classes of a raster map: label from its categories, colour from its colour table.

    A value without label has its number as label; one without colour gets a default one. So do all
    classes if the table shows them in practically one colour (0 to 5 on a grey ramp up to 255):
    such a table was not made for classes.

    Args:
        raster: Name of an existing raster map, with `@mapset` or without.
        values: Class values; the list returned has their order.
        fallback: A second map to take labels and colours from that the first lacks.
    """
    values = [int(value) for value in values]
    labels, colors = labels_of(raster, values), _colors(raster, values)
    if fallback:
        labels = labels_of(fallback, values) | labels
        colors = _colors(fallback, values) | colors
    without = [value for value in values if value not in colors]
    chosen = default_colors([labels.get(one, "") for one in without], colors.values())
    colors |= dict(zip(without, chosen, strict=True))
    return [MapClass(value, labels.get(value, str(value)), colors[value]) for value in values]


def labelled_values(raster: str) -> dict[int, str]:
    """Label of every value that has one, including values of no cell; ranges are left out."""
    values = []
    with _categories(raster) as categories:
        if categories is None:
            return {}
        low, high = libraster.CELL(), libraster.CELL()
        for place in range(categories.ncats):
            addresses = [ctypes.byref(one) for one in (categories, low, high)]
            libraster.Rast_get_ith_c_cat(addresses[0], place, *addresses[1:])
            if low.value == high.value:
                values.append(low.value)
    return labels_of(raster, values)


def labels_of(raster: str, values: Iterable[int]) -> dict[int, str]:
    """Labels of the values that have one, read as UTF-8 in any locale."""
    labels = {}
    with _categories(raster) as categories:
        if categories is None:
            return {}
        for value in values:
            cell = libraster.CELL(value)
            found = libraster.Rast_get_c_cat(ctypes.byref(cell), ctypes.byref(categories))
            labels[value] = one_line(found.data.decode("utf-8", errors="replace"))
    return {value: label for value, label in labels.items() if label}


@contextmanager
def _categories(raster: str) -> Iterator[libraster.struct_Categories | None]:
    """The categories of a raster map in the C library; None if there are none."""
    categories = libraster.struct_Categories()
    if libraster.Rast_read_cats(*require_raster(raster).split("@"), ctypes.byref(categories)) < 0:
        yield None
        return
    try:
        yield categories
    finally:
        libraster.Rast_free_cats(ctypes.byref(categories))


def _colors(raster: str, values: list[int]) -> dict[int, str]:
    """Colours of the values in the map's own table; none if it shows all of them in one colour.

    The default colours of a map without a table depend on its range and are not used.
    """
    table = libraster.struct_Colors()
    if libraster.Rast_read_colors(*require_raster(raster).split("@"), ctypes.byref(table)) <= 0:
        return {}
    levels = {}
    for value in values:
        parts = [ctypes.c_int() for _ in range(3)]
        cell = libraster.CELL(value)
        addresses = [ctypes.byref(one) for one in (cell, *parts, table)]
        if libraster.Rast_get_c_color(*addresses):
            levels[value] = [part.value for part in parts]
    libraster.Rast_free_colors(ctypes.byref(table))
    spread = max((max(one) - min(one) for one in zip(*levels.values(), strict=True)), default=0)
    if len(levels) > 1 and spread < SAME_COLOR_LEVELS:
        return {}
    return {value: ":".join(map(str, one)) for value, one in levels.items()}
