# SPDX-License-Identifier: GPL-2.0-or-later
"""Colours of classes: the default ones, and whether two are alike."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator
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

SAME_COLOR_LEVELS = 16
"""Colours within this many of 256 levels of each other in red, green and blue look alike."""

MOST_SPARE = 300
"""More spare colours than classes and colours of the palette that are taken."""


def spare_colors(taken: set[str]) -> Iterator[str]:
    """Colours "R:G:B" not taken: the palette, then hues a golden section of the circle apart."""
    yield from (color for color in PALETTE if color not in taken)
    step = 0
    while True:
        hue, value = step * 0.618034 % 1, (0.9, 0.65)[step % 2]
        red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.75, value))
        yield f"{red}:{green}:{blue}"
        step += 1


@cache
def _given() -> frozenset[str]:
    return frozenset(islice(spare_colors(set()), MOST_SPARE))


def were_chosen(*colors: str) -> bool:
    """Whether somebody chose all these colours "R:G:B": none is one of `spare_colors`."""
    return _given().isdisjoint(colors)


def are_alike(one: str, other: str) -> bool:
    """Whether two colours "R:G:B" are practically the same."""
    pairs = zip(one.split(":"), other.split(":"), strict=True)
    return all(abs(int(own) - int(their)) < SAME_COLOR_LEVELS for own, their in pairs)
