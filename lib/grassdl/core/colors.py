# SPDX-License-Identifier: GPL-2.0-or-later
"""Colours of classes: the default ones, and whether two are alike."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice

PALETTE = (
    "230:159:0",
    "86:180:233",
    "0:158:115",
    "240:228:66",
    "0:114:178",
    "213:94:0",
    "204:121:167",
    "51:34:136",
    "153:153:51",
    "136:34:85",
    "170:170:170",
    "136:204:238",
)
"""Colours that differ for colour-blind readers: Okabe & Ito (2008), then Tol's muted scheme."""

GRASS_COLORS = {
    "white": "255:255:255",
    "black": "0:0:0",
    "red": "255:0:0",
    "green": "0:255:0",
    "blue": "0:0:255",
    "yellow": "255:255:0",
    "magenta": "255:0:255",
    "cyan": "0:255:255",
    "aqua": "100:128:255",
    "grey": "128:128:128",
    "gray": "128:128:128",
    "orange": "255:128:0",
    "brown": "180:77:25",
    "purple": "128:0:128",
    "violet": "128:0:255",
    "indigo": "0:128:255",
}
"""Names of colours in r.colors."""

_BY_NAME = {
    "0:114:178": "water river lake pond sea ocean stream canal pool",
    "0:100:40": "coniferous conifer conifers pine spruce",
    "60:150:60": "deciduous broadleaf broadleaved",
    "34:120:50": "forest forests tree trees wood woods woodland crown crowns canopy",
    "150:170:60": "shrub shrubs bush bushes hedge scrub",
    "140:200:90": "grass grassland herbaceous meadow lawn pasture vegetation",
    "240:200:90": "crop crops cropland field fields agriculture agricultural arable",
    "200:160:110": "soil bare sand rock gravel barren",
    "213:94:0": "building buildings house houses roof roofs built",
    "110:110:110": "road roads street asphalt pavement paved impervious sealed parking",
    "230:240:250": "snow ice glacier cloud clouds",
    "110:190:190": "wetland wetlands marsh swamp bog",
    "60:60:80": "shadow shadows",
    "225:225:215": "background other others rest unclassified",
}
"""Words of labels, by the colour that maps usually give to their objects. The first match in the
earliest line counts, so that a coniferous forest is not any forest."""

SAME_COLOR_LEVELS = 16
"""Colours within this many of 256 levels of each other in red, green and blue look alike."""

MOST_SPARE = 300
"""Spare colours to take: more than there are classes and colours of the palette in use."""


def spare_colors(taken: set[str]) -> Iterator[str]:
    """Colours "R:G:B" not taken: the palette, then hues a golden section of the circle apart."""
    yield from (one for one in PALETTE if not any(are_alike(one, other) for other in taken))
    step = 0
    while True:
        hue, value = step * 0.618034 % 1, (0.9, 0.65)[step % 2]
        red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.75, value))
        yield f"{red}:{green}:{blue}"
        step += 1


def named_color(label: str) -> str | None:
    """The colour "R:G:B" that maps usually give to what a label names; None if no word of it is
    known."""
    words = set(re.findall(r"[^\W\d_]+", label.lower()))
    return next((color for color, names in _BY_NAME.items() if words & set(names.split())), None)


def default_colors(labels: Iterable[str], taken: Iterable[str]) -> list[str]:
    """A colour "R:G:B" for each of some classes: that of its name, or a spare one.

    Args:
        labels: Labels of the classes that lack a colour.
        taken: Colours of the others; no class gets one that looks like them.
    """
    used = set(taken)
    named = []
    for color in map(named_color, labels):
        free = color is not None and not any(are_alike(color, one) for one in used)
        named.append(color if free else None)
        used |= {color} if color is not None and free else set()
    spare = spare_colors(used)
    return [color or next(spare) for color in named]


@cache
def _given() -> frozenset[str]:
    return frozenset([*islice(spare_colors(set()), MOST_SPARE), *_BY_NAME])


def were_chosen(*colors: str) -> bool:
    """Whether all these colours "R:G:B" are a user's choice: none is one of `default_colors`."""
    return _given().isdisjoint(colors)


def are_alike(one: str, other: str) -> bool:
    """Whether two colours "R:G:B" look the same."""
    pairs = zip(one.split(":"), other.split(":"), strict=True)
    return all(abs(int(own) - int(their)) < SAME_COLOR_LEVELS for own, their in pairs)
