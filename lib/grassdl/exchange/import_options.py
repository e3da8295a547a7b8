# SPDX-License-Identifier: GPL-2.0-or-later
"""The description of a network by the options of i.dl.import."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ..core.classes import COLOR, MAX_VALUE, MapClass
from ..core.colors import GRASS_COLORS
from ..core.options import numbers, whole
from ..core.text import one_line
from ..io.class_files import read_colors, read_labels
from .importing import LARGEST_CELL, SMALLEST, Wanted

MOST_REACH = 4096
"""Cells of the largest halo and stride."""

_CLASS = re.compile(r"\s*([0-9]{1,10})\s*:([^:]*)(?::(.*))?", re.DOTALL)


def wanted_of(options: Mapping[str, str], wkt: str) -> Wanted:
    """The options of the module.

    Args:
        options: As the parser leaves them.
        wkt: The project's coordinate reference system; "" where it is not needed.

    Raises:
        ValueError: A value is not allowed.
    """
    sizes = numbers(options, "resolution", SMALLEST, LARGEST_CELL)
    if len(sizes) > 2:
        raise ValueError(
            f"Option resolution takes height and width of a cell, not {len(sizes)} sizes"
        )
    names = [one_line(name) for name in options["bands"].split(",")] if options["bands"] else []
    if len(set(names)) < len(names) or "" in names:
        raise ValueError("Option bands needs a name of its own for each band")
    return Wanted(
        bands=tuple(names),
        classes=_classes(options),
        scale=numbers(options, "scale", SMALLEST),
        offset=numbers(options, "offset"),
        resolution=(sizes[0], sizes[-1]) if sizes else None,
        halo=whole(options, "halo", 0, MOST_REACH) if options["halo"] else None,
        stride=whole(options, "stride", 1, MOST_REACH) if options["stride"] else None,
        activation=options["activation"],
        wkt=wkt,
    )


def _classes(options: Mapping[str, str]) -> tuple[MapClass, ...]:
    """The classes in the order of the outputs; those without colour have "".

    Raises:
        ValueError: One is not understood, or two have the same value or label.
    """
    if options["class_values"]:
        labels = read_labels(options["class_values"])
        found = [MapClass(value, label, "") for value, label in labels.items()]
    else:
        found = [_class(one) for one in _texts(options["classes"])]
    if len({one.value for one in found}) < len(found):
        raise ValueError("Two classes have the same value: each needs one of its own")
    if len({one.label for one in found}) < len(found):
        raise ValueError("Two classes have the same label: each needs one of its own")
    colors = read_colors(options["class_colors"]) if options["class_colors"] else {}
    return tuple(
        replace(one, color=colors.get(one.value) or colors.get(one.label) or one.color)
        for one in found
    )


def _texts(text: str) -> list[str]:
    return text.split(",") if text else []


def _class(text: str) -> MapClass:
    """A class of a text such as 2:roof:213:94:0, 2:roof:red or 2:roof."""
    found = _CLASS.fullmatch(text)
    value, label, color = found.groups() if found else ("", "", "")
    color = GRASS_COLORS.get((color or "").strip().lower(), (color or "").strip())
    if not value or int(value) > MAX_VALUE or (color and not re.match(COLOR, color)):
        raise ValueError(
            f"Option classes has '{one_line(text)}': class value, label and colour are expected, "
            "such as 2:roof:213:94:0 or 2:roof:red"
        )
    return MapClass(int(value), one_line(label) or value, color)
