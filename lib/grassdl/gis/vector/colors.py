# SPDX-License-Identifier: GPL-2.0-or-later
"""Colours in which GRASS shows the features of a vector map.

A separate module, since only here the two ways of GRASS to colour a vector map are read.
"""

from __future__ import annotations

import re

import grass.script as gs

from ...core.classes import COLOR
from .attributes import class_texts, layer_number

_LINE = re.compile(r"(\d+) (\d+:\d+:\d+)")

RGB_COLUMN = "GRASSRGB"
"""Column of colours that v.colors and d.vect use."""


def colors_by_category(vector: str, layer: str) -> dict[int, str]:
    """Colour "R:G:B" of categories, as v.colors set it; categories without one are left out.

    Args:
        vector: Fully qualified name of an existing vector map.
        layer: Its layer.
    """
    name, _, mapset = vector.partition("@")
    own_table = gs.find_file("colr", element=f"vector/{name}", mapset=mapset)["file"]
    if own_table or gs.find_file(name, element=f"vcolr2/{mapset}", mapset=".")["file"]:
        told = gs.read_command("v.colors.out", map=vector, quiet=True)
        matches = map(_LINE.fullmatch, told.splitlines())
        return {int(one[1]): one[2] for one in matches if one}
    connection = gs.vector_db(vector).get(layer_number(vector, layer))
    if connection and RGB_COLUMN in gs.vector_columns(vector, connection["layer"]):
        texts = class_texts(vector, layer, RGB_COLUMN)
        return {one: text for one, text in texts.items() if re.match(COLOR, text)}
    return {}
